"""`ReportContent`: everything that a report says, as texts; HTML and PDF only lay it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mien.report.drawing import Drawing
from mien.wording import count


@dataclass(frozen=True, slots=True)
class Fact:
    """A large figure with a few words below it: "61 of 84", "days with a recording"."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with a line below it.

    Attributes:
        svg: the picture; its text is text.
        width, height: in points.
        alt: what it shows, for those who can't see it.
        caption: how to read it; may be empty.
    """

    svg: str
    width: float
    height: float
    alt: str
    caption: str = ""

    @classmethod
    def of(cls, drawing: Drawing, caption: str = "") -> Picture:
        """Take a finished drawing."""
        return cls(drawing.svg(), drawing.width, drawing.height, drawing.alt, caption)


@dataclass(frozen=True, slots=True)
class Entry:
    """A mark or a note.

    Attributes:
        when: the day or days, written out.
        kind: "medicine", "event", "note", ...
        text: in the person's or the clinician's words, cleaned.
        number: the mark's number in the picture; "" where it has none.
    """

    when: str
    kind: str
    text: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """Some of several entries, the newest first.

    Attributes:
        shown: those that stand on the page.
        more: how many others there are.
    """

    shown: tuple[Entry, ...] = ()
    more: int = 0

    @property
    def rest(self) -> str:
        """Return how many others there are; "" where all are shown."""
        return f"and {self.more:,} more" if self.more else ""


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of texts.

    Attributes:
        title: above it; may be empty.
        columns: the heads.
        rows: as many texts as there are columns in each.
        note: below it; may be empty.
        widths: shares of the page's width, one for each column; empty gives all the same.
        figures: the columns hold figures, which are set flush right, from the second on.
        row_is: what a row tells of, such as "scale".
        more: how many rows are left out.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    widths: tuple[float, ...] = ()
    figures: bool = False
    row_is: str = "row"
    more: int = 0

    @property
    def rest(self) -> str:
        """Return how many rows are left out, and the note; "" where there is neither."""
        left = f"and {count(self.more, f'other {self.row_is}')}" if self.more else ""
        return ". ".join(each for each in (left, self.note) if each)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the long report."""

    title: str
    blocks: tuple[str | Picture | TextTable, ...]


@dataclass(frozen=True, slots=True)
class Headings:
    """What parts of a report are called; a person's by themselves.

    Attributes:
        title: before the code.
        marks, notes, body: above these.
    """

    title: str = "Mood record of"
    marks: str = "Medicines and events"
    notes: str = "Notes"
    body: str = "Body signals"


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything that a report says.

    Attributes:
        kind: "short" has tags for screen readers in its PDF; "long" is too long for them.
        code: the subject's; a venue's name, in its report.
        period: the days that it is about, written out.
        days: how many days these are; 0 where the report is of something else than days.
        made_at: when it was made, in ISO 8601 with its zone.
        made: the same, written out.
        simulated: says that recordings were made by a program; "" where none was.
        safety: the clinic's safety text, where the PHQ-9's ninth question was answered above 0; "" where not.
        safety_why: which answers, on which days.
        facts: coverage, in large figures.
        remarks: on coverage, light and cameras, which come before any talk of mood.
        picture: the course over the period; None where there is nothing to draw.
        low_picture: the same with lower strips, for a full page.
        changes: what changed, in sentences.
        advice: the clinic's own advice, below the changes; may be empty.
        tables: such as the self-reports, in their order.
        outcomes: what these say in numbers: the ninth question over time, response and remission.
        marks: medicines and events.
        notes: what people wrote.
        limits: what the report can't tell.
        footer: versions, models, the clinic's own line.
        appendix: the sections of the long report; empty in the short one.
        headings: what its parts are called.
        body: what body sensors said, in the report of one recording; None without any.
        elsewhere: where findings stand that a full page leaves out ("the long report"); "" for nowhere.
    """

    kind: Literal["short", "long"]
    code: str
    period: str
    days: int
    made_at: str
    made: str
    simulated: str
    safety: str
    safety_why: str
    facts: tuple[Fact, ...]
    remarks: tuple[str, ...]
    picture: Picture | None
    low_picture: Picture | None
    changes: tuple[str, ...]
    advice: str
    tables: tuple[TextTable, ...]
    outcomes: tuple[str, ...]
    marks: Entries
    notes: Entries
    limits: tuple[str, ...]
    footer: tuple[str, ...]
    appendix: tuple[Section, ...] = field(default=())
    headings: Headings = Headings()
    body: Picture | None = None
    elsewhere: str = ""

    @property
    def title(self) -> str:
        """The heading."""
        return f"{self.headings.title} {self.code}"

    @property
    def subtitle(self) -> str:
        """The line below the heading."""
        return f"{self.period} ({count(self.days, 'day')})" if self.days else self.period
