"""What the venues' part of the API takes and returns, as its description (OpenAPI) says it.

Every figure is of at least k visits, and is null where there are fewer. Days and times are those of the
server's clock, as texts: "2026-05-01", "2026-05-01T09:30".
"""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.places.venue import Use
from mien.web.api.fields import Moment, PlaceName, Where, Words

StationState = Literal["counting", "closed", "off", "unposted", "starting", "away", "failed", "stopped"]
"""How a station is doing; "stopped" where this server does not run it."""

Side = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Clock = Annotated[time, Field(examples=["09:30"])]


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
    opens: Clock = time(0)
    closes: Clock = time(0)


class NewStation(_Wanted):
    """A camera that is to count visits."""

    name: PlaceName
    source: Where


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

    text: Words = Field(min_length=1, max_length=200, examples=["new menu"])
    at: Moment | None = Field(None, description="From when on; null is now.")
    until: Moment | None = Field(None, description="To when; null where it stays.")


class StationOut(BaseModel):
    """A station, and how it is doing."""

    venue: str
    name: str
    source: str
    zones: list[ZoneModel]
    hours: list[HoursModel]
    least: int = Field(description="Visits that each cell needs.")
    notice: str | None = Field(description="When it was confirmed that the notice hangs there.")
    enabled: bool
    state: StationState
    words: str = Field(description="The state in a sentence.")


class VenueOut(BaseModel):
    """A venue with its stations, and the days that have figures."""

    name: str
    stations: list[StationOut]
    first_day: str | None
    last_day: str | None
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


class FiguresOut(BaseModel):
    """What at least k visits showed; null where it isn't known."""

    visits: int
    coverage: float | None = Field(description="Share of the opening hours in which visits could be seen.")
    open_s: float
    blind_s: float
    smiling: IntervalOut | None = Field(description="Share of the visits with a smile.")
    valence: IntervalOut | None = Field(description="-1 (unpleasant) to 1 (pleasant).")
    change: IntervalOut | None = Field(description="Of valence, from arrival to leaving.")
    length_s: float | None = Field(description="Mean length of a visit.")
    lengths: list[int] = Field(description="Visits by length; see `length_bins_s`.")
    shares: dict[str, IntervalOut] = Field(description="How common each expression is.")


class HourOut(BaseModel):
    """The figures of an hour that began at `hour`; those of cells that began in it."""

    hour: int
    figures: FiguresOut | None


class UsualOut(BaseModel):
    """What is usual on this weekday: the middle 90 % of its earlier days at the same hours."""

    weekday: str
    days: int
    visits: IntervalOut | None
    smiling: IntervalOut | None
    valence: IntervalOut | None


class AnswersOut(BaseModel):
    """What guests touched at the kiosk, from very bad to very good."""

    words: list[str]
    counts: list[int]
    good: IntervalOut | None = Field(description="Share that touched good or very good.")


class DayOut(BaseModel):
    """One day of a venue."""

    day: str
    earlier: str | None = Field(description="The last day with figures before it.")
    later: str | None
    figures: FiguresOut | None
    hours: list[HourOut]
    length_bins_s: list[float] = Field(description="Where the bins of `lengths` begin.")
    usual: UsualOut | None
    findings: list[str] = Field(description="What differs from what is usual by more than chance, in words.")
    answers: AnswersOut | None


class WeekCell(BaseModel):
    """An hour of a weekday (0 is Monday), over all weeks asked for."""

    weekday: int
    hour: int
    days: int
    visits: float = Field(description="A day, on average.")
    smiling: IntervalOut | None
    valence: IntervalOut | None


class WeekOut(BaseModel):
    """The usual week, hour by day."""

    first_day: str | None
    last_day: str | None
    cells: list[WeekCell]


class CourseOut(BaseModel):
    """The days of a venue, for drawing; each list has an entry a day."""

    days: list[str]
    visits: list[int | None]
    coverage: list[float | None]
    smiling: list[IntervalOut | None]
    valence: list[IntervalOut | None]
    change: list[IntervalOut | None]
    good: list[IntervalOut | None] = Field(description="Share good or very good at the kiosk.")
    agreement: str | None = Field(description="Whether kiosk and camera agree, in words.")


class EffectOut(BaseModel):
    """What is different since a mark, and whether chance alone would do it."""

    measure: str
    difference: IntervalOut | None
    words: str


class VenueMarkOut(BaseModel):
    """Something that was changed, with its effects."""

    id: int
    at: str
    day: str
    until: str | None
    text: str
    effects: list[EffectOut]
