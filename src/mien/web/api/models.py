"""What the API takes and gives, as its description (OpenAPI) says it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.live.status import State
from mien.signals.types import Kind
from mien.web.api.fields import Where

Share = Annotated[float, Field(ge=0, le=1)]
Probabilities = dict[str, Share | None]


class Health(BaseModel):
    """That the server is there."""

    status: Literal["ok"] = "ok"
    version: str
    started_at: datetime = Field(description="Another one means that the program was started again.")
    uptime_s: float


class Shown(BaseModel):
    """A face, smoothed for the eye."""

    expression: str
    confidence: Share | None
    probabilities: Probabilities
    valence: float | None
    arousal: float | None


class Face(BaseModel):
    """A face as it was read; numbers that are not known are null."""

    track: int
    x: float
    y: float
    width: float
    height: float
    detection: float | None
    quality: float | None
    presence: float | None
    probabilities: Probabilities
    expression: str
    confidence: Share | None
    valence: float | None
    arousal: float | None
    neutral: Literal["average", "first", "photo", "auto", "baseline"]
    shown: Shown


class Analysis(BaseModel):
    """The faces in one photograph; width and height are in pixels."""

    size_wh: tuple[int, int]
    faces: list[Face]


class ExplainedFace(BaseModel):
    """Why a face was read as it was; `evidence` and the rest are in docs/explain.md."""

    label: str
    probability: Share
    expression: str
    probabilities: Probabilities
    method: Literal["class maps", "occlusion"]
    xyxy: tuple[float, float, float, float]
    without: Share
    marked_share: Share
    upper: Share | None
    left: Share | None
    parts: dict[str, Share] | None
    words: str
    plain_words: str
    evidence: list[list[float]]
    to_picture: list[list[float]]


class Explained(BaseModel):
    """The faces in one photograph, explained; width and height are in pixels."""

    size_wh: tuple[int, int]
    faces: list[ExplainedFace]


class ReadingOut(BaseModel):
    """What one frame of a live source shows."""

    source: str
    frame: int
    time_s: float
    at: str
    size_wh: tuple[int, int]
    took_ms: float
    faces: list[Face]


class NeutralOut(BaseModel):
    """Whether the person before a source is read by their own neutral face."""

    state: Literal["off", "learning", "on"]
    origin: Literal["average", "first", "photo", "auto", "baseline"]
    seconds: float
    wanted_s: float | None
    following: bool
    note: str | None


class LearnNeutral(BaseModel):
    """Who is before this source looks neutral from now on."""

    model_config = ConfigDict(extra="forbid")

    source: Where
    seconds: float = Field(3.0, ge=1, le=60)


class StatusOut(BaseModel):
    """How a live source is doing."""

    name: str
    where: str
    state: State
    note: str | None
    frames_read: int
    frames_analysed: int
    frames_dropped: int
    rate_hz: float | None
    latency_ms: float | None
    latency_p95_ms: float | None
    coverage: float | None
    restarts: int
    away_s: float | None
    running_s: float
    neutral: NeutralOut


class Point(BaseModel):
    """A moment of a source's timeline: its largest face, smoothed for the eye."""

    time_s: float
    at_s: float
    track: int
    expression: str
    valence: float | None
    arousal: float | None
    probabilities: list[Share | None]


class CameraOut(BaseModel):
    """A camera of the server's machine; `where` is what adds it as a source."""

    where: str
    name: str


class NewSource(BaseModel):
    """A camera of the server's machine, or a stream; never a file."""

    model_config = ConfigDict(extra="forbid")

    where: Where = Field(examples=["camera:0", "rtsp://192.168.1.20/live"])
    name: str | None = Field(None, max_length=64, pattern=r"^[\w .:@*/-]{1,64}$")
    size_wh: tuple[Annotated[int, Field(ge=16, le=7680)], Annotated[int, Field(ge=16, le=4320)]] | None = None
    rate_hz: float | None = Field(None, gt=0, le=240)


class ChannelOut(BaseModel):
    """What a sensor gives; 0 Hz where values come when something happens."""

    name: str
    kind: Kind
    unit: str
    rate_hz: float


class SensorOut(BaseModel):
    """How a sensor of the body is doing; `rest` says in words what arousal is measured against."""

    name: str
    where: str
    state: State
    note: str | None
    channels: list[ChannelOut]
    restarts: int
    running_s: float
    rest: str


class NewSensor(BaseModel):
    """A sensor that the server's machine reaches; "face" is the pulse from the face before a camera."""

    model_config = ConfigDict(extra="forbid")

    where: Where = Field(examples=["lsl:Muse", "ble:AA:BB:CC:DD:EE:FF", "board:synthetic", "face"])
    name: str | None = Field(None, max_length=64, pattern=r"^[\w .:@*/-]{1,64}$")


class FoundSensor(BaseModel):
    """A sensor that is there; `where` is what adds it."""

    where: str
    detail: str


class FoundSensors(BaseModel):
    """What could be added: streams of LSL and straps that are there, the boards that have a name.

    `notes` say why something could not be looked for.
    """

    streams: list[FoundSensor]
    straps: list[FoundSensor]
    boards: list[str]
    notes: list[str]


class RestOut(BaseModel):
    """What arousal is measured against: how many windows of rest are known, and the same in words."""

    by: Literal["opening", "given", "marked"]
    windows: int
    known: bool
    said: str


class FigureOut(BaseModel):
    """A measure of one window; null where there is no reading."""

    signal: str
    measure: str
    unit: str
    value: float | None
    quality: Share
    start: str
    end: str


class ArousalOut(BaseModel):
    """Body arousal against its own rest, with its 90 % interval, and what each part adds to it."""

    value: Share
    low: Share
    high: Share
    parts: dict[str, float | None]


class MarkOut(BaseModel):
    """Something that a device marked."""

    at: str
    text: str


class SignalReadingOut(BaseModel):
    """What a sensor says: `figures` of the newest minute, `now` of the newest seconds."""

    type: Literal["signals"]
    source: str
    at: str
    figures: list[FigureOut]
    now: list[FigureOut]
    arousal: ArousalOut | None
    notes: list[str]
    marks: list[MarkOut]


class PairOut(BaseModel):
    """How one course of the face goes with one of the body: the strongest correlation within 10 s.

    `lag_s` is by how much the body follows the face, `p` how often chance gives as strong a one.
    """

    face: Literal["valence", "arousal"]
    body: Literal["heart_rate", "skin_level"]
    correlation: float
    lag_s: float
    p: float
    seconds: float


class TogetherOut(BaseModel):
    """How face and body have gone together so far, and the same in words; empty where no sensor can tell."""

    type: Literal["together"]
    at: str
    together: list[PairOut]
    said: list[str]


class PurposeIn(BaseModel):
    """What Mien is to be used for."""

    model_config = ConfigDict(extra="forbid")

    purpose: str = Field(max_length=32)


class PurposeOut(BaseModel):
    """What Mien is used for; null before it was chosen. With the choices, and what is refused and why."""

    purpose: str | None
    choices: dict[str, str]
    refused: dict[str, str]


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str
