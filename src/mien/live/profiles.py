"""Settings that fit a kind of machine, under one name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from mien.errors import ConfigError
from mien.processors import usable_cores


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
    """Give a profile by its name; None gives the one that chooses nothing.

    Raises:
        ConfigError: there is no such profile.
    """
    if name is None:
        return PLAIN
    if name not in PROFILES:
        raise ConfigError(f"profile: expected {', '.join(PROFILES)}, received {name!r}")
    return PROFILES[name]
