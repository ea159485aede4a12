"""The words that guests read, at the kiosk and on the notice, in their languages: `words/LANGUAGE.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from mien.errors import ConfigError

_TEXTS: Final = Path(__file__).with_name("words")


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """The words of the printed notice; what a heading stands above has its name with `_text`.

    Attributes:
        lead: what matters most, under the headline.
        who: heading of the contact.
        purpose, purpose_text: what the camera is for.
        how, how_text: what happens to a picture.
        ignored_text: that parts of the picture are never read.
        kept, kept_text: what is stored; `{least}` is the number of visits in a cell.
        basis: heading of the legal basis, which only the venue can name.
        object, object_text: what a guest can do who objects.
        elsewhere: heading of where to go to not be seen.
        law: by which law this is said.
    """

    lead: str
    who: str
    purpose: str
    purpose_text: str
    how: str
    how_text: str
    ignored_text: str
    kept: str
    kept_text: str
    basis: str
    object: str
    object_text: str
    elsewhere: str
    law: str


@dataclass(frozen=True, slots=True)
class GuestWords:
    """What the kiosk says in one language, and the notice where it is there.

    Attributes:
        code: of the language, by ISO 639-1.
        language: its own name.
        question: what the kiosk asks.
        answers: in the order of `venue.ANSWERS`.
        thanks: after an answer.
        away: that answers can't be taken now.
        sign, sign_more: that a camera reads expressions, and what becomes of it.
        off, off_sure, off_yes, off_no, off_done: the switch that turns the camera off, and its question.
        choose_language: what the buttons of the languages are for.
        right_to_left: whether it is written so.
        notice: words of the printed notice; None where it isn't there in this language.
    """

    code: str
    language: str
    question: str
    answers: tuple[str, ...]
    thanks: str
    away: str
    sign: str
    sign_more: str
    off: str
    off_sure: str
    off_yes: str
    off_no: str
    off_done: str
    choose_language: str
    right_to_left: bool = False
    notice: NoticeWords | None = None


@cache
def guest_words() -> Mapping[str, GuestWords]:
    """Return the words of all languages by their codes, in the order of these."""
    return MappingProxyType({path.stem: _read(path) for path in sorted(_TEXTS.glob("*.toml"))})


def notice_languages() -> tuple[str, ...]:
    """Return the codes of the languages in which the notice can be printed."""
    return tuple(code for code, words in guest_words().items() if words.notice is not None)


def chosen_languages(text: str, among: tuple[str, ...]) -> tuple[str, ...]:
    """Read a choice of languages such as "de,en".

    Args:
        text: codes with commas between them.
        among: those that there are.

    Returns:
        The codes in the order chosen, each once.

    Raises:
        ConfigError: there is none, or one of them isn't there.
    """
    codes = tuple(dict.fromkeys(code.strip().lower() for code in text.split(",") if code.strip()))
    missing = [code for code in codes if code not in among]
    if missing or not codes:
        received = missing[0] if missing else text
        raise ConfigError(
            f"language: expected some of {', '.join(among)}, such as de,en; received {received!r}"
        )
    return codes


def _read(path: Path) -> GuestWords:
    read: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    notice = read.pop("notice", None)
    return GuestWords(
        code=path.stem,
        answers=tuple(read.pop("answers")),
        notice=None if notice is None else NoticeWords(**notice),
        **read,
    )
