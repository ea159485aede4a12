"""Files: written whole or not at all, names in the order that people expect."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from mien.errors import OutputError
from mien.wording import reason

LONGEST_NAME_BYTES: Final = 255
"""What file systems take for one name, in the bytes of its UTF-8 (ext4, XFS, APFS; NTFS takes more)."""


_LOCKED_BYTE: Final = 1 << 28
"""On Windows, where others can't read what is locked: behind what is written."""


@contextmanager
def written_whole(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Yield a temporary name beside `path`; move it into place when the block ends well, else remove it.

    The temporary name ends like the final one, so that writers which look at the suffix work.

    Args:
        path: the final name; missing folders above it are made.
        mode: who may read and write it, such as 0o600; by default as any new file.

    Raises:
        OutputError: the folder can't be written or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o666 & ~_umask() if mode is None else mode)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def lock_file(file: IO[Any], *, wait: bool = False) -> None:
    """Keep other programs out of an open file until it is closed, or this one ends, however it ends.

    Args:
        file: open for writing; what it is at may change.
        wait: until the other one is done.

    Raises:
        BlockingIOError: another one has it.
        OSError: its disk has no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file.fileno(), _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(str(error)) from error
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def check_folder(folder: Path) -> None:
    """Raise where results can't be written into a folder, before hours go into them; leave nothing there.

    Raises:
        OutputError: it, or what it would be made in, is a file or can't be written.
    """
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not there.is_dir():
        raise OutputError(f"cannot write into {folder}: {there} is a file; choose another folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write into {folder}: {os.strerror(errno.EACCES)}")
    # Rights don't tell everything: an administrator seems to have them in /proc, too.
    trial = there / f".mien-{secrets.token_hex(8)}"
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {reason(error)}") from error


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all.

    Raises:
        OutputError: it can't be written.
    """
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file with sorted-as-given keys, whole or not at all.

    Raises:
        OutputError: it can't be written.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def fitting_name(name: str, *, room_bytes: int = 0) -> str:
    """Return a file name that disks accept: one that is too long is cut, and a digest makes it unique.

    Args:
        name: without folders.
        room_bytes: what is still to be put behind it.

    Returns:
        The name, of at most `LONGEST_NAME_BYTES` less the room.
    """
    written = os.fsencode(name)
    if len(written) <= (most := LONGEST_NAME_BYTES - room_bytes):
        return name
    digest = f"~{hashlib.sha256(written).hexdigest()[:8]}"
    return written[: most - len(digest)].decode("utf-8", "ignore") + digest


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def natural_key(path: Path | str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts img2 before img10, without regard to case.

    Args:
        path: a path or name.

    Returns:
        A tuple to sort by.
    """
    parts = re.split(r"(\d+)", str(path).lower())
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
