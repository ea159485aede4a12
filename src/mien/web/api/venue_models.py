"""What the venues' part of the API takes and returns, as its description (OpenAPI) says it.

Every figure is of at least k visits, and is null where there are fewer. Days and times are those of the
server's clock, as texts: "2026-05-01", "2026-05-01T09:30".
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.store.venue_types import LONGEST_MARK, Use
from mien.web.api.fields import Moment, PlaceName, Where, Words

StationState = Literal["counting", "closed", "off", "unposted", "starting", "away", "failed", "stopped"]
"""How a station is doing; "stopped" where this server does not run it."""

Side = Annotated[float, Field(allow_inf_nan=False)]
"""A share of the picture's width or height; whether it is within it, `Zone` says in plain words."""

Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["09:30"])]


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ZoneModel(_Wanted):
    """A part of the picture; its corners are shares of the picture's width and height from the top left."""

    use: Use
    corners: list[tuple[Side, Side]] = Field(min_length=3, max_length=32)


class HoursModel(_Wanted):
    """A stretch in which a station counts; `closes` at 00:00 is the end of the day."""

    days: list[Annotated[int, Field(ge=0, le=6)]] = Field(
        min_length=1, max_length=7, description="0 is Monday; rising."
    )
    opens: Clock = "00:00"
    closes: Clock = "00:00"


class NewStation(_Wanted):
    """A camera that is to count visits, or a kiosk alone."""

    name: PlaceName
    source: Where = Field("", examples=["camera:0"], description="Empty: a kiosk without a camera.")


class NewZones(_Wanted):
    """All zones of a station, in place of those that it has."""

    zones: list[ZoneModel] = Field(max_length=32)


class NewHours(_Wanted):
    """All opening hours of a station, in place of those that it has; none: always."""

    hours: list[HoursModel] = Field(max_length=21)


class Switch(_Wanted):
    """Whether a station is to count."""

    on: bool


class Posted(_Wanted):
    """That the notice hangs where guests see it before a camera sees them."""

    posted: Literal[True]


class NewVenueMark(_Wanted):
    """Something that was changed in a venue; names of people don't belong there."""

    text: Words = Field(min_length=1, max_length=LONGEST_MARK, examples=["new menu"])
    at: Moment | None = Field(None, description="From when on; null is now.")
    until: Moment | None = Field(None, description="To when; null where it stays.")


class StationOut(BaseModel):
    """A station, and how it is doing."""

    venue: str
    name: str
    source: str = Field(description="Without its password; empty where it is a kiosk without a camera.")
    zones: list[ZoneModel]
    hours: list[HoursModel]
    least: int = Field(description="Visits that each cell needs.")
    notice: str | None = Field(description="When it was confirmed that the notice hangs there.")
    enabled: bool
    state: StationState
    words: str = Field(description="The state in a sentence.")


class VenueOut(BaseModel):
    """A venue with its stations."""

    name: str
    stations: list[StationOut]
    last_day: str | None = Field(description="The last day with figures; null where there are none.")
    simulated: bool


class VenueList(BaseModel):
    """All venues of this store."""

    venues: list[VenueOut]
    may_add: bool = Field(description="Whether stations may be added from where you are.")


class IntervalOut(BaseModel):
    """A figure with its 90 % interval."""

    value: float
    low: float
    high: float


class VisitFiguresOut(BaseModel):
    """What some visits show together."""

    visits: int
    open_s: float
    blind_s: float
    seen: float | None = Field(description="Coverage: the share of the time with a usable view.")
    shares: dict[str, IntervalOut] = Field(description="How common each expression is; empty where unknown.")
    smiling: IntervalOut = Field(description="Share of the visits with a smile.")
    valence: IntervalOut = Field(description="-1 (unpleasant) to 1 (pleasant).")
    change: IntervalOut = Field(description="Of valence, from arrival to leaving.")
    length_s: float = Field(description="Mean length of a visit.")
    lengths: list[int] = Field(description="Visits by length; see `lengths_s`.")


class AnswerFiguresOut(BaseModel):
    """What guests touched at the kiosk."""

    answers: int
    counts: list[int] = Field(description="See `answer_names`.")
    mean: IntervalOut = Field(description="1 (very bad) to 5 (very good).")
    good: IntervalOut = Field(description="Share of good and very good.")


class VenueDayOut(BaseModel):
    """A day; null where there were too few visits, or answers."""

    day: str
    figures: VisitFiguresOut | None
    answers: AnswerFiguresOut | None


class VenueHourOut(BaseModel):
    """Some full hours of a day: several, where visits were few."""

    day: str
    first: int
    end: int = Field(description="The hour behind its last.")
    figures: VisitFiguresOut


class SlotOut(BaseModel):
    """The same hour of the same weekday (0 is Monday), over all weeks."""

    weekday: int
    hour: int
    days: int = Field(description="On how many days there were enough visits.")
    figures: VisitFiguresOut


class ComparisonOut(BaseModel):
    """The last day against the same weekday and hours before."""

    measure: str
    day: float
    usual: IntervalOut = Field(description="Of the earlier days; nine of ten lie between its ends.")
    days: int = Field(description="Earlier days of this weekday.")
    unusual: bool = Field(description="Fewer than one day in ten is so far off.")


class LevelChangeOut(BaseModel):
    """A measure that left its usual level, by more than chance explains."""

    measure: str
    since: str = Field(description="Its first day, most likely.")
    since_low: str = Field(description="Where the 90 % interval of that day begins.")
    since_high: str
    until: str | None = Field(description="Its last day; null while it lasts.")
    usual: float
    difference: IntervalOut


class LevelsOut(BaseModel):
    """What the weeks up to the last day say of the level."""

    changes: list[LevelChangeOut]
    missing: str = Field(description="Why nothing can be told yet; else empty.")
    doubts: list[str] = Field(description="Why false alarms may come more often than once a year.")
    words: list[str] = Field(description="All of it as sentences.")


class EffectOut(BaseModel):
    """How a measure differs between the days before and after a mark."""

    measure: str
    before: float
    after: float
    difference: IntervalOut
    sure: bool = Field(description="Chance alone hardly explains it.")


class MarkOut(BaseModel):
    """Something that was changed."""

    id: int
    at: str
    until: str | None
    text: str


class MarkEffectsOut(MarkOut):
    """Something that was changed, with what differs since."""

    days_before: int
    days_after: int
    effects: list[EffectOut]
    missing: str = Field(description="What is missing for effects; else empty.")


class VenueSummaryOut(BaseModel):
    """What the cells of a venue, or of one of its stations, say about some days."""

    venue: str
    station: str | None
    first: str
    last: str
    days_counted: int
    whole: VisitFiguresOut | None
    days: list[VenueDayOut]
    hours: list[VenueHourOut] = Field(description="Of the last day.")
    week: list[SlotOut]
    answers: AnswerFiguresOut | None
    agreement: IntervalOut | None = Field(
        description="Rank correlation of the days' mean answer with their valence."
    )
    agreement_days: int
    marks: list[MarkEffectsOut]
    usual: list[ComparisonOut]
    levels: LevelsOut
    lengths_s: list[float] = Field(description="Where the bins of `lengths` begin.")
    answer_names: list[str]
