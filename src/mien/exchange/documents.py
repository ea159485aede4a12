"""What the JSON files of an exported record look like; their schema comes from here, importing checks it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    model_validator,
)

from mien.store.types import AnnotationKind, EventKind, RecordingState, SourceKind

FORMAT: Final = "mien-record"
FORMAT_VERSION: Final = 3
"""Rises when an older Mien could no longer read what this one writes."""


def _in_order(value: dict[str, Any]) -> dict[str, Any]:
    # Databases keep the keys in an order of their own.
    ordered: dict[str, Any] = json.loads(json.dumps(value, sort_keys=True, allow_nan=False))
    return ordered


def _minutes(at: datetime) -> datetime:
    offset = at.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        raise ValueError("expected a time zone of whole minutes")
    return at


Anything = Annotated[dict[str, JsonValue], AfterValidator(_in_order)]
Moment = Annotated[AwareDatetime, AfterValidator(_minutes)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
Uuid = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class _Document(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, from_attributes=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class SubjectDocument(_Document):
    """The person, under a code. The number that stands for them in a store's audit log is not given away."""

    code: Annotated[str, Field(pattern="^[A-Za-z0-9._-]{1,64}$")]
    """What people call the subject."""
    birth_year: int | None
    """Null where it was not given."""
    notes: str
    """Free text."""
    retention_days: Annotated[int, Field(ge=1)] | None
    """Recordings older than this are erased; null keeps them."""
    created_at: Moment
    """When the subject was first added to a store."""


class ConsentDocument(_Document):
    """What the subject has agreed to."""

    given_by: str
    """Who gave it: the subject, a guardian."""
    purpose: str
    """What for, in words."""
    signals: list[
        Literal["expression", "measures", "heart", "skin", "muscles", "brain", "respiration", "temperature"]
    ]
    """What may be recorded: of the face, and since format version 3 of the body."""
    given_at: Moment
    """From when it holds."""
    valid_until: Moment | None
    """When it ends by itself; null never."""
    withdrawn_at: Moment | None
    """When it was taken back; null where it was not."""


class RecordingDocument(_Document):
    """One recording; its readings and events are in files of their own."""

    uuid: Uuid
    """Stays the same wherever the recording goes."""
    kind: SourceKind
    """Where the frames came from."""
    source: str
    """The file's or camera's name."""
    started_at: Moment
    """When its first frame was taken, by the clock of the place where it was made."""
    length_s: Seconds
    """Seconds from the first analysed frame to the last, by the source's own clock."""
    frames: Annotated[int, Field(ge=0)]
    """Analysed frames, those without the subject too."""
    coverage: Share | None
    """Share of the length with a usable reading of the subject."""
    state: RecordingState
    """"interrupted" where its writer went away without a word."""
    models: Anything
    """Names and SHA-256 of the networks and the detector."""
    settings: Anything
    """Of the run."""
    version: str
    """Of the Mien that made it."""

    @property
    def folder(self) -> str:
        """Where its files are in the zip."""
        return f"recordings/{self.started_at.date().isoformat()}_{self.uuid}"


class EventDocument(_Document):
    """Something that was found in a recording at the camera's own rate."""

    kind: EventKind
    """What it is."""
    label: str
    """Of the expression; empty for others."""
    onset_s: float
    """Seconds from the recording's start to where it begins."""
    apex_s: float
    """To where it is strongest."""
    offset_s: float
    """To where it ends."""
    peak: float
    """The highest value: a probability, or for a blink the depth."""


class AnnotationDocument(_Document):
    """A mark that a person set beside the record."""

    recording: Uuid | None
    """Null where it belongs to the day and not to a recording."""
    kind: AnnotationKind
    """What it marks."""
    at: Moment
    """When."""
    until: Moment | None
    """Its end; null for a moment."""
    text: str
    """In words."""
    data: Anything
    """For a prompt, what it should call up: {"valence": 0.8} or {"expression": "happiness"}."""


class SelfReportDocument(_Document):
    """What the subject said of themselves."""

    at: Moment
    """When."""
    scale: str
    """"mood", "phq9", "gad7", or another scale's name."""
    items: list[int | None] | None
    """The answers, null for one that was not given; null where only the total is known."""
    total: float | None
    """The sum, or the mood from 0 to 10; null where answers are missing."""
    note: str
    """Free text."""
    difficulty: int | None = None
    """PHQ-9: how difficult the problems made things, 0 to 3; null where it was not asked."""
    lowest: float | None = None
    """What the total of another scale can be at least; null for "mood", "phq9" and "gad7"."""
    highest: float | None = None
    """What it can be at most."""


class BaselineDocument(_Document):
    """What was taken as usual for the subject; the last one counts."""

    made_at: Moment
    """When somebody took it."""
    value: Anything
    """The days it was taken from, and for each measure what is usual."""


class NeutralFaceDocument(_Document):
    """The subject's own neutral face, as a network reads it; the last one counts."""

    made_at: Moment
    """When somebody took it."""
    value: Anything
    """The network by its SHA-256, what it gives for the face, and how the face was turned and lit."""


class Record(_Document):
    """`record.json`: everything about one subject but the readings and events."""

    subject: SubjectDocument
    """Whose record it is."""
    consents: list[ConsentDocument]
    """In the order in which they were given."""
    recordings: list[RecordingDocument]
    """In the order in which they were made."""
    annotations: list[AnnotationDocument]
    """In the order of their times."""
    self_reports: list[SelfReportDocument]
    """In the order of their times."""
    baselines: list[BaselineDocument]
    """In the order in which they were taken."""
    neutral_faces: list[NeutralFaceDocument]
    """In the order in which they were taken; since format version 2, none in an older record."""

    @model_validator(mode="before")
    @classmethod
    def _of_version_1(cls, given: Any) -> Any:
        return {"neutral_faces": [], **given} if isinstance(given, dict) else given


class FileDocument(_Document):
    """What a file in the zip has to be."""

    bytes: Annotated[int, Field(ge=0)]
    """Its size."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Of its content, in hexadecimal digits."""


class Manifest(_Document):
    """`manifest.json`: what the zip is, and every other file in it."""

    format: Literal["mien-record"]
    """Always "mien-record"."""
    format_version: int
    """Of these files; a Mien reads its own and older ones."""
    mien_version: str
    """Of the Mien that wrote the zip."""
    files: dict[str, FileDocument]
    """By name."""


Events: Final = TypeAdapter(list[EventDocument])
"""`events.json` of a recording, in the order of their onsets."""


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema (draft 2020-12) of each kind of JSON file, by the schema's name in the zip."""
    made = {
        "manifest": Manifest.model_json_schema(),
        "record": Record.model_json_schema(),
        "events": Events.json_schema(),
    }
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {f"schema/{name}.schema.json": {**dialect, **schema} for name, schema in made.items()}
