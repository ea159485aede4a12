"""The questionnaires whose words Mien has, in several languages; the rule for the PHQ-9's ninth question.

The words stand in `scale_texts/NAME.LANGUAGE.toml`, each with its source. Of PHQ-9 and GAD-7 the sheets say:
"No permission required to reproduce, translate, display or distribute." Other scales are kept as totals,
without their words.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from mien.store.scales import SCALES, known, near
from mien.store.types import SelfReport

if TYPE_CHECKING:
    from mien.store.store import Store

PHQ9_NINTH: Final = 8
"""The index of the PHQ-9's ninth question among its answers."""

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"en": "English", "de": "Deutsch", "es": "Español (Estados Unidos)"}
)
"""The languages that all questionnaires are there in."""

_TEXTS: Final = Path(__file__).with_name("scale_texts")
_MOST_WITHOUT_NINTH: Final = 24
"""The highest total of a PHQ-9 whose ninth answer is 0."""
_SAFETY: Final = "phq9_safety"


class Answered(Protocol):
    """A self-report, as the store or an exported record has it."""

    @property
    def scale(self) -> str:
        """The scale's name."""

    @property
    def items(self) -> Sequence[int | None] | None:
        """The answers; None for a total alone."""

    @property
    def total(self) -> float | None:
        """The sum; None where answers are missing."""

    @property
    def lowest(self) -> float | None:
        """The lowest total of a scale that Mien doesn't know; None for others, and where it isn't known."""

    @property
    def highest(self) -> float | None:
        """The highest total of such a scale."""


_Report = TypeVar("_Report", bound=Answered)


@dataclass(frozen=True, slots=True)
class Proration:
    """How a scale's published rule makes a total of answers with some missing.

    Attributes:
        most_missing: so many answers may be missing.
        words: the rule.
        source: where it is published.
    """

    most_missing: int
    words: str
    source: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scale's literature calls response and remission.

    Attributes:
        response: a fall by this share of the starting total, or more.
        remission_below: a total below this.
        least_start: the starting total from which on both are published.
        source: where.
    """

    response: float
    remission_below: int
    least_start: int
    source: str


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """A questionnaire, or a single number that a subject gives, in one language.

    Attributes:
        name: its key in the store.
        title: for people.
        question: what stands above the items.
        items: the questions; none where the scale is a single number.
        answers: what can be answered to each item, worth 0, 1, 2, ...
        lowest, highest: what the total can be.
        recall_days: how many days up to the answer it asks about; 0 asks about now.
        meaning: what a high total means, in words.
        source: the paper, and the terms.
        difficulty: the question how difficult the problems made things; "" without one.
        difficulty_answers: what can be answered to it, worth 0, 1, 2, ...
        language: of the words, one of `LANGUAGES`.
    """

    name: str
    title: str
    question: str
    items: tuple[str, ...]
    answers: tuple[str, ...]
    lowest: int
    highest: int
    recall_days: int
    meaning: str
    source: str
    difficulty: str = ""
    difficulty_answers: tuple[str, ...] = ()
    language: str = "en"

    def answer(self, value: int) -> str:
        """Return an answer's words."""
        return self.answers[value]


@cache
def in_language(name: str, language: str = "en") -> Questionnaire:
    """Return a scale's words.

    Args:
        name: of a known scale, however it is written.
        language: one of `LANGUAGES`.

    Raises:
        KeyError: there is no such scale, or it is not there in that language.
    """
    scale = known(name)
    if scale is None or language not in LANGUAGES:
        raise KeyError(f"{name}, {language}")
    read: dict[str, Any] = tomllib.loads((_TEXTS / f"{scale.name}.{language}.toml").read_text("utf-8"))
    words: dict[str, Any] = {"items": (), "answers": ()}
    words |= {key: tuple(value) if isinstance(value, list) else value for key, value in read.items()}
    return Questionnaire(
        name=scale.name,
        lowest=0,
        highest=scale.highest_total,
        recall_days=scale.recall_days,
        language=language,
        **words,
    )


QUESTIONNAIRES: Final = MappingProxyType({name: in_language(name) for name in SCALES})
"""The scales that Mien has the words of, by their key, in English."""

PHQ9: Final = QUESTIONNAIRES["phq9"]
"""Nine questions about the last two weeks, and a tenth how difficult the problems made things."""

PRORATIONS: Final[Mapping[str, Proration]] = MappingProxyType(
    {
        "phq9": Proration(
            2,
            "one or two missing answers are taken as the mean of the others",
            "NHS Data Dictionary, Patient Health Questionnaire-9",
        )
    }
)
"""Scales with a published rule for missing answers. For the GAD-7 none was found that could be cited."""

CUTS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType({"phq9": (10, 20), "gad7": (10,)})
"""Of the papers' cut points (Kroenke et al. 2001: 5, 10, 15, 20; Spitzer et al. 2006: 5, 10, 15), those that
a picture has room for."""

OUTCOMES: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        "phq9": Outcome(
            0.5, 5, 10,
            "Coley et al. 2020, Psychiatr Serv, doi 10.1176/appi.ps.201900295",
        )
    }
)  # fmt: skip
"""Scales with published definitions of response and remission."""


def title_of(scale: str) -> str:
    """Return a scale's title; of one that Mien does not know, its own name."""
    return QUESTIONNAIRES[scale].title if scale in QUESTIONNAIRES else scale


def recall_days(scale: str) -> int | None:
    """Return how many days up to the answer a scale asks about; 0 asks about now, None is not known."""
    found = known(scale)
    return found.recall_days if found else None


def prorated(report: Answered) -> float | None:
    """Return the total that the scale's published rule makes of answers with some missing.

    Returns:
        The total, which may be a fraction; None where nothing is missing, too much is, or there is no rule.
    """
    rule = PRORATIONS.get(report.scale)
    if rule is None or report.items is None or report.total is not None:
        return None
    given = [each for each in report.items if each is not None]
    if not given or len(report.items) - len(given) > rule.most_missing:
        return None
    return sum(given) / len(given) * len(report.items)


def told_total(report: Answered) -> str:
    """Return a report's total in words: "13", "13.5 prorated, 8 of 9 answers", "no total, 5 of 9 answers"."""
    if report.total is not None:
        return f"{report.total:g}"
    items = report.items or ()
    many = f"{sum(each is not None for each in items)} of {len(items)} answers"
    total = prorated(report)
    return f"no total, {many}" if total is None else f"{total:.3g} prorated, {many}"


def ninth_answer(report: Answered) -> int | None:
    """Return the answer to the PHQ-9's ninth question, 0 to 3; None where unknown, or of another scale.

    A total alone tells it only at both ends: 0, and 27.
    """
    if not _is_phq9(report):
        return None
    if report.items is not None:
        return report.items[PHQ9_NINTH] if len(report.items) > PHQ9_NINTH else None
    return {0.0: 0, float(PHQ9.highest): 3}.get(report.total if report.total is not None else -1.0)


def needs_safety_text(report: Answered) -> bool:
    """Return whether the PHQ-9's ninth question was answered above 0.

    Of a total alone it can be known only where the other eight questions can't add up to it: above 24. A
    PHQ-9 counts as one however its name was written, also where it is only like one, and has no range or
    the PHQ-9's.

    Args:
        report: of any scale.
    """
    if not (_is_phq9(report) or _may_be_phq9(report)):
        return False
    if report.items is None:
        return report.total is not None and report.total > _MOST_WITHOUT_NINTH
    return (ninth_answer(report) or 0) > 0


def ninth_is_unknown(report: Answered) -> bool:
    """Return whether a report is a PHQ-9 of which nobody can tell how the ninth question was answered."""
    return _is_phq9(report) and ninth_answer(report) is None and not needs_safety_text(report)


def may_be_the_ninth(report: Answered, given: Sequence[int | None] | None) -> bool:
    """Return whether the last of too few answers may be that to the ninth question, and is above 0.

    Args:
        report: as it is kept, those that were left out at the end filled up.
        given: the answers as they came in; None for a total alone.
    """
    short = given is not None and report.items is not None and len(given) < len(report.items)
    return bool(short and given and given[-1] and ninth_is_unknown(report))


NINTH_UNKNOWN: Final = "How the ninth question was answered is not known. Please ask."
"""What stands beside a PHQ-9 without its ninth answer."""


def safety_reports(reports: Iterable[_Report]) -> list[_Report]:
    """Return those reports for which the safety text must stand, in their order."""
    return [report for report in reports if needs_safety_text(report)]


def safety_text(store: Store, reports: Iterable[Answered]) -> str | None:
    """Return the clinic's safety text where one of these reports needs it; else None."""
    return store.texts.get(_SAFETY) if safety_reports(reports) else None


@dataclass(frozen=True, slots=True)
class Course:
    """How a scale's total went from a starting point to the last report.

    Attributes:
        start: the named starting point.
        last: the last complete report after it.
        share: the fall as a share of the starting total; below 0 where the total rose; None from 0.
        response: whether it fell by the published share or more; None from 0.
        remission: whether it is below the published total.
        as_published: whether the start is as high as the publication wants it.
        outcome: the definitions.
    """

    start: SelfReport
    last: SelfReport
    share: float | None
    response: bool | None
    remission: bool
    as_published: bool
    outcome: Outcome


def course(reports: Sequence[SelfReport], start: SelfReport | None = None) -> Course | None:
    """Compare the last total of a scale with a starting point.

    Args:
        reports: of one scale, by time; those without a whole total are passed over.
        start: the starting point; by itself the first report.

    Returns:
        None where the scale has no published definitions, or there is nothing to compare.
    """
    complete = [each for each in reports if each.total is not None]
    start = start or (complete[0] if complete else None)
    if start is None or start.total is None or start.scale not in OUTCOMES:
        return None
    later = [each for each in complete if each.at > start.at]
    if not later:
        return None
    outcome, last = OUTCOMES[start.scale], later[-1]
    now = last.total if last.total is not None else 0.0
    share = (start.total - now) / start.total if start.total else None
    return Course(
        start,
        last,
        share,
        response=None if share is None else share >= outcome.response,
        remission=now < outcome.remission_below,
        as_published=start.total >= outcome.least_start,
        outcome=outcome,
    )


def _may_be_phq9(report: Answered) -> bool:
    scale = near(report.scale)
    like_it = report.lowest is None or (report.lowest, report.highest) == (PHQ9.lowest, PHQ9.highest)
    return scale is not None and scale.name == PHQ9.name and like_it


def _is_phq9(report: Answered) -> bool:
    scale = known(report.scale)
    return scale is not None and scale.name == PHQ9.name
