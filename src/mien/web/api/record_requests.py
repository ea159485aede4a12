"""What the record's part of the API takes, as its description (OpenAPI) says it.

Days and times are those of the server's clock, as texts: "2026-05-01", "2026-05-01T09:30".
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mien.store.types import AnnotationKind, Role
from mien.web.api.fields import Code, Day, Item, Moment, Number, Score, Seconds, Where, Words


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewSubject(_Wanted):
    """A person under a code."""

    code: str = Field(max_length=64, examples=["P-017"])
    birth_year: int | None = Field(None, ge=1880, le=2200)
    notes: Words = ""


class NewConsent(_Wanted):
    """What a subject agrees to."""

    given_by: Words = Field(min_length=1, max_length=200, examples=["the person"])
    purpose: Words = Field(min_length=1)
    signals: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=8)
    last_day: Day | None = Field(None, description="The last day on which it is valid; null: no end date.")


class NewAnnotation(_Wanted):
    """A mark beside the record."""

    kind: AnnotationKind
    text: Words
    at: Moment | None = Field(None, description="When; null is now. Left out where a recording is named.")
    until: Moment | None = None
    recording: Number | None = Field(
        None, description="A recording, whose clock `from_s` and `to_s` count by."
    )
    from_s: Seconds | None = None
    to_s: Seconds | None = None


class NewSelfReport(_Wanted):
    """What a subject says of themselves: the answers to a scale's items, or a total."""

    scale: str = Field(max_length=64, examples=["mood", "phq9", "gad7"])
    items: list[Item | None] | None = Field(
        None, max_length=100, description="In order; null for one that was not given."
    )
    total: Score | None = None
    difficulty: Item | None = Field(
        None, description="PHQ-9: how difficult the problems have made things, 0 to 3."
    )
    other_scale: tuple[Score, Score] | None = Field(
        None, description="For a scale that Mien does not know: its lowest and highest total."
    )
    at: Moment | None = Field(None, description="When; null is now.")
    note: Words = ""


class MeantScale(_Wanted):
    """The scale that was meant where a name was mistyped."""

    scale: str = Field(max_length=64)
    other_scale: tuple[Score, Score] | None = None


class FalseAlarms(_Wanted):
    """How many days lie between two false alarms, on average; null raises no alarm."""

    days: int | None = Field(ge=1, le=36_500)


class NewText(_Wanted):
    """A text that the clinic sets."""

    text: Words


class NewUser(_Wanted):
    """Somebody who may come in."""

    name: str = Field(max_length=64)
    password: str = Field(min_length=10, max_length=1000)
    role: Role
    subject: str | None = Field(
        None, max_length=64, description="For the role self: whose record they may see."
    )


class NewRecording(_Wanted):
    """Whose readings are to be kept, from which live source."""

    subject: Code
    source: Where


class ChosenFace(_Wanted):
    """Which face is the subject's."""

    source: Where
    track: Number


class Stretch(_Wanted):
    """The first and the last of some days; null for all there are."""

    start: Day | None = None
    end: Day | None = None
