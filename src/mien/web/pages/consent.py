"""What is asked before the first picture is taken: what Mien is used for."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mien.live.purpose import PURPOSES, REFUSED

_WORDS: Final = MappingProxyType(
    {
        "self": ("For myself", "My own face, or that of someone with me who agrees."),
        "research": ("Research", "A study whose participants have agreed to it."),
        "clinic": ("Clinic", "With a patient who has agreed; as a basis for talking, not to diagnose."),
        "venue": ("A venue", "What visitors' faces show, as counts. A sign at the door informs them."),
        "work": ("People at work", "Watching employees or applicants."),
        "school": ("Pupils and students", "Watching a class or an examination."),
    }
)


@dataclass(frozen=True)
class Choice:
    """One purpose as the page offers it.

    Attributes:
        name: as the API takes it.
        title: in a word or two.
        words: what it means, in a sentence.
        refused: why Mien is not to be used for it; None where it may be.
    """

    name: str
    title: str
    words: str
    refused: str | None = None


def choices() -> tuple[Choice, ...]:
    """Give the purposes in the page's order: those to choose from, then those that are refused."""
    return tuple(Choice(name, *_WORDS[name], REFUSED.get(name)) for name in (*PURPOSES, *REFUSED))
