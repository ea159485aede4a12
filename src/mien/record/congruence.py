"""Whether a subject's expression goes with prompts, and with what they say of themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.mood.congruence import Congruence, Prompt, with_prompts, with_self_report
from mien.mood.estimate import Estimate
from mien.record.baseline import taken
from mien.record.days import days
from mien.record.finalize import load_series
from mien.record.scales import recall_days
from mien.store.audit import as_one_reading
from mien.store.types import Annotation, StoredRecording, Subject

if TYPE_CHECKING:
    import pandas as pd

    from mien.store.store import Store

FIGURE: Final = "valence_mean"
"""What is held against self-reports."""
LEAST_RECALLED: Final = 0.25
"""The days that a scale asks about are known from this share of them."""


@dataclass(frozen=True)
class RecordCongruence:
    """How a subject's expression went with prompts and self-reports.

    Attributes:
        prompts: by day with prompts: by "valence" or an expression's name, how it followed; None below the
            least data.
        self_reports: by scale: rank correlation, -1 to 1, of the answers with mean valence over the days that
            each asks about; None below the least data. On PHQ-9 and GAD-7 more is more trouble, so a face
            that goes with them gives values below 0.
    """

    prompts: Mapping[date, Mapping[str, Congruence | None]]
    self_reports: Mapping[str, Estimate | None]


@as_one_reading
def congruence(store: Store, subject: Subject) -> RecordCongruence:
    """Return how a subject's expression went with prompts in recordings, and across days with self-reports.

    An answer is held against the days that its scale asks about: a mood of now against the day itself, a
    PHQ-9 or GAD-7 against the two weeks up to it; where that isn't known of a scale, against the day itself.

    Args:
        store: the record.
        subject: whose.
    """
    recordings = {each.id: each for each in store.recordings.of(subject) if each.state != "open"}
    by_day: dict[date, list[tuple[StoredRecording, list[Prompt]]]] = defaultdict(list)
    marks: dict[int, list[Annotation]] = defaultdict(list)
    for mark in store.annotations.of(subject):
        if mark.kind == "prompt" and mark.recording_id in recordings:
            marks[mark.recording_id].append(mark)
    for number, of_recording in marks.items():
        recording = recordings[number]
        by_day[recording.day].append((recording, [_prompt(recording, mark) for mark in of_recording]))
    prompts = {
        day: with_prompts([load_series(store, each.id) for each, _ in pairs], [asked for _, asked in pairs])
        for day, pairs in sorted(by_day.items())
    }
    return RecordCongruence(prompts, _with_self_reports(store, subject))


def _prompt(recording: StoredRecording, mark: Annotation) -> Prompt:
    start_s = (mark.at - recording.started_at).total_seconds()
    end_s = ((mark.until or mark.at) - recording.started_at).total_seconds()
    return Prompt(start_s, end_s, mark.data.get("valence"), mark.data.get("expression"))


def _with_self_reports(store: Store, subject: Subject) -> dict[str, Estimate | None]:
    table = days(store, subject, baseline=taken(store, subject))
    own: pd.Series[float] = table[FIGURE].dropna()
    found = {}
    for scale, of_day in sorted(_answers(store, subject).items()):
        shown = [_recalled(own, day, recall_days(scale) or 1) for day in of_day]
        if not np.isnan(shown).all():
            found[scale] = with_self_report(shown, [float(np.mean(each)) for each in of_day.values()])
    return found


def _answers(store: Store, subject: Subject) -> dict[str, dict[date, list[float]]]:
    """Return the totals of each scale by day, in order; a day is that of the place of the recording then."""
    starts = [each.started_at for each in store.recordings.of(subject)]
    answers: dict[str, dict[date, list[float]]] = defaultdict(lambda: defaultdict(list))
    for report in sorted(store.self_reports.of(subject), key=lambda each: each.at):
        if starts and report.total is not None:
            nearest = min(starts, key=lambda start: abs(start - report.at))
            answers[report.scale][report.at.astimezone(nearest.tzinfo).date()].append(report.total)
    return answers


def _recalled(own: pd.Series[float], day: date, recall: int) -> float:
    """Return the mean over the days up to this one that an answer is about; NaN where too few are known."""
    first = day - timedelta(recall - 1)
    known = own.to_numpy()[[first <= each <= day for each in own.index]]
    return float(known.mean()) if len(known) >= max(1, LEAST_RECALLED * recall) else float("nan")
