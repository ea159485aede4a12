"""Whether a subject's expression goes with prompts, and with what they say of themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.mood.congruence import Congruence, Prompt, with_prompts, with_self_report
from mien.mood.estimate import Estimate
from mien.record.baseline import taken
from mien.record.days import days
from mien.record.take import load_series
from mien.store.audit import as_one_reading
from mien.store.types import Annotation, StoredRecording, Subject

if TYPE_CHECKING:
    from mien.store.store import Store

FIGURE: Final = "valence_mean"
"""What is held against self-reports."""


@dataclass(frozen=True)
class RecordCongruence:
    """How a subject's expression went with prompts and self-reports.

    Attributes:
        prompts: by day with prompts: by "valence" or an expression's name, how it followed; None below the
            least data.
        self_reports: by scale: rank correlation of the days' mean valence with their mean answer, -1 to 1;
            None below the least data. On PHQ-9 and GAD-7 more is more trouble, so a face that goes with
            them gives values below 0.
    """

    prompts: Mapping[date, Mapping[str, Congruence | None]]
    self_reports: Mapping[str, Estimate | None]


@as_one_reading
def congruence(store: Store, subject: Subject) -> RecordCongruence:
    """Say how a subject's expression went with the prompts in recordings, and across days with self-reports.

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
    # An answer counts to the day that it was where the person was recorded then.
    zones = {each.day: each.started_at.tzinfo for each in store.recordings.of(subject)}
    answers: dict[str, dict[date, list[float]]] = defaultdict(lambda: defaultdict(list))
    for report in store.self_reports.of(subject):
        for day, zone in zones.items():
            if report.at.astimezone(zone).date() == day:
                answers[report.scale][day].append(report.total)
    return {
        scale: with_self_report(
            table[FIGURE].tolist(),
            [float(np.mean(of_day[day])) if day in of_day else np.nan for day in table.index],
        )
        for scale, of_day in sorted(answers.items())
    }
