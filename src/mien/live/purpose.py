"""What Mien is used for: asked once, before the first picture is taken, and remembered."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Final

from mien.errors import ConfigError
from mien.files import write_json
from mien.folders import config_folder
from mien.textfile import read_text

PURPOSES: Final = ("self", "research", "clinic", "venue")
"""What it may be used for."""

MEANINGS: Final = MappingProxyType(
    {
        "self": "to see my own expression",
        "research": "a study whose participants have agreed to it",
        "clinic": "with a patient who has agreed to it",
        "venue": "counting visitors' expressions, without identifying anyone",
    }
)
"""Each purpose in a few words."""

REFUSED: Final = MappingProxyType(
    {
        "work": "Mien is not for watching people at work: the law of the European Union forbids it (AI Act,"
        " article 5), and an expression does not say how well somebody works.",
        "school": "Mien is not for watching pupils or students: the law of the European Union forbids it (AI"
        " Act, article 5), and an expression does not say whether somebody learns.",
    }
)
"""What it is refused for, and why."""


def read_purpose() -> str | None:
    """Return the purpose that was chosen; None when there is none yet, or its file can't be read."""
    try:
        chosen = json.loads(read_text(_file()))["purpose"]
    except (ConfigError, OSError, ValueError, KeyError, TypeError):
        return None
    return chosen if chosen in PURPOSES else None


def choose_purpose(name: str) -> str:
    """Choose the purpose, and remember it for later runs.

    Args:
        name: one of `PURPOSES`.

    Returns:
        The same name.

    Raises:
        ConfigError: it is refused, with the reason, or there is no such purpose.
        OutputError: it can't be remembered.
    """
    if name in REFUSED:
        raise ConfigError(REFUSED[name])
    if name not in PURPOSES:
        raise ConfigError(f"purpose: expected {', '.join(PURPOSES)}, received {name!r}")
    write_json(_file(), {"purpose": name})
    return name


def _file() -> Path:
    return config_folder() / "purpose.json"
