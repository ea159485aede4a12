"""Where live frames come from, checked before anything is opened, and settings that fit a kind of machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from mien.errors import ConfigError
from mien.processors import usable_cores
from mien.source.address import camera_device, check_stream, is_address, is_camera, without_secrets
from mien.source.base import check_file

Kind = Literal["camera", "stream", "file", "portrait"]

PORTRAIT: Final = "portrait"


@dataclass(frozen=True)
class LiveInput:
    """One camera, address or file that live frames come from.

    Attributes:
        where: what opens it; may hold a password.
        shown: the same without secrets.
        name: of the source in the session.
        kind: a camera of this machine, an address, a file, or the portrait.
    """

    where: str
    shown: str
    name: str
    kind: Kind

    @property
    def restarts(self) -> bool:
        """Whether it is worth starting again when it breaks off."""
        return self.kind in ("camera", "stream")


def find_live_inputs(wheres: Sequence[str], names: Sequence[str] = ()) -> list[LiveInput]:
    """Check where frames are to come from, and name each.

    Args:
        wheres: "camera:0" or "0", "/dev/video0", an address, "portrait", or a file's path.
        names: of the first ones; the others are named after where they are, and differently.

    Raises:
        SourceError: a file can't be read, or an address or camera is impossible.
        ConfigError: there are more names than sources, or one name twice.
    """
    if len(names) > len(wheres):
        raise ConfigError(f"name: expected at most one for each source, received {', '.join(names)}")
    if twice := sorted({name for name in names if list(names).count(name) > 1}):
        raise ConfigError(f"name: expected different ones, received {twice[0]!r} twice")
    inputs: list[LiveInput] = []
    taken = set(names)
    for number, where in enumerate(wheres):
        where = f"camera:{where}" if where.isdecimal() else where
        kind = _checked_kind(where)
        name = names[number] if number < len(names) else _free_name(_own_name(where, kind), taken)
        taken.add(name)
        inputs.append(LiveInput(where, without_secrets(where), name, kind))
    return inputs


def _checked_kind(where: str) -> Kind:
    if where == PORTRAIT:
        return "portrait"
    if is_camera(where):
        camera_device(where)
        return "camera"
    if is_address(where):
        check_stream(where)
        return "stream"
    check_file(Path(where))
    return "file"


def _own_name(where: str, kind: Kind) -> str:
    if kind == "stream":
        return urlsplit(where).hostname or kind
    return Path(where).name


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


@dataclass(frozen=True)
class Profile:
    """What is chosen where the user chose nothing.

    Attributes:
        size_wh: width and height asked of cameras, in pixels; None leaves it to them.
        rate_hz: frames a second asked of cameras; None leaves it to them.
        settings: by the names of `Settings`.
    """

    size_wh: tuple[int, int] | None = None
    rate_hz: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


PLAIN: Final = Profile()

PROFILES: Final = MappingProxyType(
    {
        # A Raspberry Pi 4 or 5: one core stays free for the camera and the page.
        "pi": Profile(
            size_wh=(320, 240),
            rate_hz=15.0,
            settings={
                "fps": 10.0,
                "redetect_s": 2.0,
                "threads": max(1, usable_cores() - 1),
            },
        ),
    }
)
"""The profiles by name."""


def find_profile(name: str | None) -> Profile:
    """Return a profile by its name; None gives the one that chooses nothing.

    Raises:
        ConfigError: there is no such profile.
    """
    if name is None:
        return PLAIN
    if name not in PROFILES:
        raise ConfigError(f"profile: expected {', '.join(PROFILES)}, received {name!r}")
    return PROFILES[name]
