"""The questionnaires that Mien has the words of, PHQ-9 and GAD-7; the rule for the PHQ-9's ninth question.

The words are those of the American English sheets: "Developed by Drs. Robert L. Spitzer, Janet B.W. Williams,
Kurt Kroenke and colleagues, with an educational grant from Pfizer Inc. No permission required to reproduce,
translate, display or distribute." Other scales are kept as totals, without their words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mien.store.types import SelfReport

PHQ9_NINTH: Final = 8
"""The place of the PHQ-9's ninth question among its answers."""

_MOST_WITHOUT_NINTH: Final = 24
"""The highest total of a PHQ-9 whose ninth answer is 0."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A questionnaire, or a single number that a subject gives.

    Attributes:
        name: its key in the store.
        title: for people.
        question: what stands above the items.
        items: the questions; none where the scale is a single number.
        answers: what can be answered to each item, worth 0, 1, 2, ...
        lowest, highest: what the total can be.
        meaning: what a high total means, in words.
        source: the paper, and the terms.
    """

    name: str
    title: str
    question: str
    items: tuple[str, ...]
    answers: tuple[str, ...]
    lowest: int
    highest: int
    meaning: str
    source: str

    def answer(self, value: int) -> str:
        """Give an answer's words."""
        return self.answers[value]


_TERMS: Final = (
    "Developed by Drs. Robert L. Spitzer, Janet B.W. Williams, Kurt Kroenke and colleagues, with an"
    " educational grant from Pfizer Inc. No permission required to reproduce, translate, display or"
    " distribute."
)
_QUESTION: Final = "Over the last 2 weeks, how often have you been bothered by any of the following problems?"
_ANSWERS: Final = ("Not at all", "Several days", "More than half the days", "Nearly every day")

MOOD: Final = Scale(
    name="mood",
    title="Mood",
    question="How is your mood now, from 0 (the worst it can be) to 10 (the best it can be)?",
    items=(),
    answers=(),
    lowest=0,
    highest=10,
    meaning="higher is better",
    source="ours",
)
"""One number from 0 to 10."""

PHQ9: Final = Scale(
    name="phq9",
    title="PHQ-9",
    question=_QUESTION,
    items=(
        "Little interest or pleasure in doing things",
        "Feeling down, depressed, or hopeless",
        "Trouble falling or staying asleep, or sleeping too much",
        "Feeling tired or having little energy",
        "Poor appetite or overeating",
        "Feeling bad about yourself \N{EM DASH} or that you are a failure or have let yourself or your family"
        " down",
        "Trouble concentrating on things, such as reading the newspaper or watching television",
        "Moving or speaking so slowly that other people could have noticed? Or the opposite \N{EM DASH} being"
        " so fidgety or restless that you have been moving around a lot more than usual",
        "Thoughts that you would be better off dead or of hurting yourself in some way",
    ),
    answers=_ANSWERS,
    lowest=0,
    highest=27,
    meaning="higher is more trouble",
    source="Kroenke, Spitzer, Williams 2001, J Gen Intern Med 16:606-613. " + _TERMS,
)
"""Nine questions about the last two weeks."""

GAD7: Final = Scale(
    name="gad7",
    title="GAD-7",
    question=_QUESTION.replace("any of the following", "the following"),
    items=(
        "Feeling nervous, anxious or on edge",
        "Not being able to stop or control worrying",
        "Worrying too much about different things",
        "Trouble relaxing",
        "Being so restless that it is hard to sit still",
        "Becoming easily annoyed or irritable",
        "Feeling afraid as if something awful might happen",
    ),
    answers=_ANSWERS,
    lowest=0,
    highest=21,
    meaning="higher is more trouble",
    source="Spitzer, Kroenke, Williams, L\N{LATIN SMALL LETTER O WITH DIAERESIS}we 2006, Arch Intern Med"
    " 166:1092-1097. " + _TERMS,
)
"""Seven questions about the last two weeks."""

SCALES: Final = MappingProxyType({scale.name: scale for scale in (MOOD, PHQ9, GAD7)})
"""The scales that Mien has the words of, by their key."""


def title_of(scale: str) -> str:
    """Give a scale's title; of one that Mien does not know, its own name."""
    return SCALES[scale].title if scale in SCALES else scale


def needs_safety_text(report: SelfReport) -> bool:
    """Say whether the PHQ-9's ninth question was answered above 0.

    Of a total alone it can be known only where the other eight questions can't add up to it: above 24.

    Args:
        report: of any scale.
    """
    if report.scale != PHQ9.name:
        return False
    if report.items is None:
        return report.total > _MOST_WITHOUT_NINTH
    return report.items[PHQ9_NINTH] > 0


def safety_reports(reports: Iterable[SelfReport]) -> list[SelfReport]:
    """Give those reports for which the safety text must stand, in their order."""
    return [report for report in reports if needs_safety_text(report)]


def recall_days(scale: str) -> int | None:
    """Say how many days up to the answer a scale asks about; 0 asks about now, None is not known."""
    return {MOOD.name: 0, PHQ9.name: 14, GAD7.name: 14}.get(scale)
