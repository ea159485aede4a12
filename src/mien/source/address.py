"""Addresses of streams and cameras: what counts as one, and how one is shown without its password."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from mien.errors import SourceError

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_STORE = re.compile(r"(s3a?|gs|gcs|az|abfss?|sftp)://", re.IGNORECASE)
_STREAM = re.compile(r"(rtsps?|https?)://", re.IGNORECASE)

# As much as may be secret: a careless password has "@", "/" and "?" in it.
_PARTS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>.*@)?(?P<place>[^?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)


def is_address(where: object) -> bool:
    """Return whether something is an address, such as rtsp://camera/live, and no file."""
    return isinstance(where, str) and _ADDRESS.match(where) is not None


def is_store(where: object) -> bool:
    """Return whether it is the address of an object store, such as s3://bucket/folder or sftp://host/folder."""
    return isinstance(where, str) and _STORE.match(where) is not None


def is_camera(where: object) -> bool:
    """Return whether it names a camera of this machine: 0, "camera:0", "/dev/video0", "/dev/v4l/..."."""
    if isinstance(where, str) and where.startswith("camera:"):
        return True
    return isinstance(where, int) or str(where).startswith(("/dev/video", "/dev/v4l/"))


def without_secrets(where: object) -> str:
    """Show where frames come from without name, password or token: rtsp://***@host/live, http://host/a?***.

    Args:
        where: an address; all else is shown as it is.
    """
    if not is_address(where) or (parts := _PARTS.fullmatch(str(where))) is None:
        return str(where)
    user = "***@" if parts["user"] else ""
    rest = f"{parts['rest'][0]}***" if parts["rest"] else ""
    return f"{parts['scheme']}{user}{parts['place']}{rest}"


def check_stream(address: str) -> None:
    """Check at the door that an address can be one of a stream.

    Raises:
        SourceError: it has another scheme, no host, or blanks.
    """
    if not (address.isascii() and address.isprintable()) or " " in address:
        raise SourceError(
            f"{without_secrets(address)!r}: expected an address without spaces or special characters;"
            " write a space as %20"
        )
    if not _STREAM.match(address):
        raise SourceError(
            f"{without_secrets(address)}: expected rtsp, rtsps, http or https, received another scheme"
        )
    try:
        parts = urlsplit(address)
        good = bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port that is no number; its text may be half a password
        good = False
    if not good:
        raise SourceError(
            f"{without_secrets(address)}: expected scheme://host/path, received no host, or an impossible "
            "port; in a password write @ as %40, / as %2F, : as %3A"
        )


def camera_device(where: str | int | Path) -> int | str:
    """Return what opens a camera: its number, or its path.

    Raises:
        SourceError: "camera:" is not followed by a number, or the number is below 0.
    """
    text = f"camera:{where}" if isinstance(where, int) else str(where)
    if not text.startswith("camera:"):
        return text
    number = text.removeprefix("camera:")
    if not (number.isascii() and number.isdecimal()):
        raise SourceError(f"{text}: expected a camera's number, as in camera:0, received {number!r}")
    return int(number)
