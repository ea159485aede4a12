"""What the store keeps, as frozen values; times are aware, and come back in UTC unless it says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal

SourceKind = Literal["browser", "camera", "stream", "video", "photograph", "simulated"]
"""Where a recording's frames came from."""

RecordingState = Literal["open", "finished", "interrupted"]
"""A recording is open while it is being written; interrupted when its writer went away without a word."""

AnnotationKind = Literal["event", "medication", "note", "prompt", "speaking"]
"""What an annotation marks."""

EventKind = Literal["episode", "smile", "blink"]
"""What was found in a recording's readings at the camera's own rate."""

Role = Literal["admin", "clinician", "self"]
"""Admins look after users, texts and the store; clinicians see every subject; self sees one."""

FALSE_ALARM_DAYS: Final = "false_alarm_days"
"""The setting that says how many days lie between two false alarms; unset until somebody chooses."""

SHORTEST_PASSWORD: Final = 10
"""Characters that a password needs at least, a user's and the page's."""

FACE: Final = ("expression", "measures")
"""What a consent covers by default: probabilities, valence and arousal; and what the landmarks measure."""

BODY: Final = ("heart", "skin", "muscles", "brain", "respiration", "temperature")
"""What body sensors say; recorded only where the consent names it. See `store.signals`."""

SIGNALS: Final = FACE + BODY
"""What a consent may cover."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A person under a code, never a name that the program worked out.

    Attributes:
        id: in this store.
        code: what people call the subject: "P-017".
        number: 32 random hexadecimal digits; stands for the subject in the audit log, and dies with it.
        birth_year: None where not given.
        notes: free text.
        retention_days: recordings older than this are erased; None keeps them.
        created_at: when the subject was added.
    """

    id: int
    code: str
    number: str
    birth_year: int | None
    notes: str
    retention_days: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """What a subject has agreed to.

    Attributes:
        id: in this store.
        subject_id: whose.
        given_by: who gave it: the subject, a guardian.
        purpose: what for, in words.
        signals: some of `SIGNALS`.
        given_at: from when it holds.
        valid_until: the moment it ends by itself; None never.
        withdrawn_at: when it was taken back; None while it was not.
    """

    id: int
    subject_id: int
    given_by: str
    purpose: str
    signals: tuple[str, ...]
    given_at: datetime
    valid_until: datetime | None
    withdrawn_at: datetime | None

    def covers(self, signal: str, at: datetime) -> bool:
        """Return whether a signal may be recorded at a moment."""
        ends = [each for each in (self.valid_until, self.withdrawn_at) if each is not None]
        return signal in self.signals and self.given_at <= at and all(at < end for end in ends)


def network_of(models: Mapping[str, Any]) -> str:
    """Return what gives readings, in a line, from the names and hashes of a run; see `StoredRecording`."""
    described = models.get("network")
    if not isinstance(described, dict):
        return str(described or "")
    parts = (described.get("name"), str(described.get("sha256") or "")[:8], described.get("readings"))
    return " ".join(str(part) for part in parts if part).replace(",", " ")


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """One recording of one subject, without its readings.

    Attributes:
        id: in this store.
        subject_id: whose.
        uuid: 32 hexadecimal digits that stay the same through export and import.
        kind: where the frames came from.
        source: the file's or camera's name.
        started_at: when its first frame was taken, in the zone where it was made.
        length_s: seconds from the first analysed frame to the last, by the source's own clock.
        frames: analysed frames, those without the subject too.
        coverage: share of the length with a usable reading of the subject; None while it is open.
        state: see `RecordingState`.
        models: names and SHA-256 of the networks and detector.
        settings: of the run, those that differ from the defaults too.
        version: of Mien.
    """

    id: int
    subject_id: int
    uuid: str
    kind: SourceKind
    source: str
    started_at: datetime
    length_s: float
    frames: int
    coverage: float | None
    state: RecordingState
    models: dict[str, Any]
    settings: dict[str, Any]
    version: str

    @property
    def network(self) -> str:
        """What gave the readings: network, first digits of its SHA-256, and what the numbers mean.

        Readings of two recordings can be compared where this is the same. Earlier recordings do not
        say what the numbers mean: probabilities sharpened for the label, not shares of people. "" where even
        the network isn't known.
        """
        return network_of(self.models)

    @property
    def recall(self) -> dict[str, float]:
        """How often the network finds labels that it seldom finds, by label; empty where it was not said."""
        network = self.models.get("network")
        return dict(network.get("recall") or {}) if isinstance(network, dict) else {}

    @property
    def day(self) -> date:
        """The day it counts to: that of its start, where it was made."""
        return self.started_at.date()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was found in a recording.

    Attributes:
        kind: an expression's episode, a smile, a blink.
        label: of the expression; "" for others.
        onset_s, apex_s, offset_s: seconds from the recording's start.
        peak: the highest value: a probability, or for a blink the depth.
    """

    kind: EventKind
    label: str
    onset_s: float
    apex_s: float
    offset_s: float
    peak: float


@dataclass(frozen=True, slots=True)
class Annotation:
    """A mark that a person set beside the record.

    Attributes:
        id: in this store.
        subject_id: whose record.
        recording_id: None where it belongs to the day and not to a recording.
        kind: see `AnnotationKind`.
        at, until: when; `until` is None for a moment.
        text: in words: "sertraline 50 mg", "quarrel", "amusing film".
        data: for a prompt, what it should call up: {"valence": 0.8} or {"expression": "happiness"}.
    """

    id: int
    subject_id: int
    recording_id: int | None
    kind: AnnotationKind
    at: datetime
    until: datetime | None
    text: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SelfReport:
    """What a subject said of themselves.

    Attributes:
        id: in this store.
        subject_id: who.
        at: when.
        scale: "mood", "phq9", "gad7", or another scale's name.
        items: the answers where the scale is one of ours, None for one that was not given; None for a total
            alone.
        total: the sum, or the mood from 0 to 10; None where answers are missing.
        note: free text.
        difficulty: the answer to the question how difficult the problems made things; None without one.
        lowest, highest: what the total can be, of a scale that Mien does not know; None for one that it
            knows, and where an earlier Mien did not ask.
    """

    id: int
    subject_id: int
    at: datetime
    scale: str
    items: tuple[int | None, ...] | None
    total: float | None
    note: str = ""
    difficulty: int | None = None
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True)
class Mistyped:
    """A self-report whose scale's name looks like a known one's, and isn't.

    Attributes:
        report: as it is kept.
        code: the subject's.
        meant: the name of the scale that was probably meant.
        certain: the name differs in capitals, spaces and signs only, or is another name of that scale.
        fits: the total can be one of that scale.
    """

    report: SelfReport
    code: str
    meant: str
    certain: bool
    fits: bool


@dataclass(frozen=True, slots=True)
class StoredReference:
    """What a person is measured against, as somebody took it: their baseline, or their neutral face.

    Attributes:
        id: in this store.
        subject_id: whose.
        made_at: when somebody took it.
        value: as JSON; see `mood.baseline.Baseline` and `expression.personal.Rest`.
    """

    id: int
    subject_id: int
    made_at: datetime
    value: str


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may come in.

    Attributes:
        id: in this store.
        name: by which they log in.
        role: what they may do.
        subject_id: for the role "self", whose record; None otherwise.
    """

    id: int
    name: str
    role: Role
    subject_id: int | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A line of the audit log: who did what, to whose record.

    Attributes:
        id: rising from 1, without gaps.
        at: when.
        who: a user's name, or that of the system's user at the command line.
        action: "read", "export", "erase", "consent", ...
        subject: the subject's random number; None where it was about none.
        details: counts and names of things, nothing that tells who the subject is.
        previous, hash: SHA-256 of the line before, and of this one with it.
    """

    id: int
    at: datetime
    who: str
    action: str
    subject: str | None
    details: dict[str, Any]
    previous: str
    hash: str
