"""Marks that were set while recording, as a table of stimuli, beside the readings of the recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.errors import SourceError
from mien.files import check_folder, written_whole
from mien.labels import MEASURES
from mien.record.finalize import load_series
from mien.store.store import Store
from mien.study.epochs import write_csv
from mien.table import PROBABILITIES

if TYPE_CHECKING:
    import pandas as pd

    from mien.mood.series import Series

KINDS: Final = ("event", "prompt")
"""The marks that can be stimuli; the others are about days and medicines."""

PAGE: Final = "page"
"""Where a mark came from that doesn't say: the page's button, or a program that asked the page."""


@dataclass(frozen=True, slots=True)
class RecordedMarks:
    """Recordings with marks in them.

    Attributes:
        marks: a stimulus each: `recording`, `onset_s`, `duration_s`, `name`, `person`, `source` (key, page,
            or the sensor that sent it), `simulated`.
        readings: `recording`, `time_s` and what was read of the subject; NaN where they weren't seen.
    """

    marks: pd.DataFrame
    readings: pd.DataFrame

    def save(self, folder: str | Path) -> list[Path]:
        """Write `marks.csv` and `readings.parquet`; earlier ones are replaced.

        Raises:
            OutputError: it can't be written.
        """
        folder = Path(folder)
        check_folder(folder)
        write_csv(self.marks, folder / "marks.csv")
        with written_whole(folder / "readings.parquet") as temporary:
            self.readings.to_parquet(temporary, index=False)
        return [folder / "marks.csv", folder / "readings.parquet"]


def recorded_marks(where: str | Path | None = None, subjects: Sequence[str] = ()) -> RecordedMarks:
    """Return the marks of a record, and the readings of the recordings that they were set in.

    Args:
        where: the store.
        subjects: only those with these codes.

    Raises:
        StoreError: it can't be read, or there is no such subject.
        SourceError: it holds no marks.
    """
    import pandas as pd

    rows, tables = [], []
    with Store(where, create=False) as store:
        chosen = [store.subjects.get(each) for each in subjects] if subjects else store.subjects.all()
        for subject in chosen:
            marks = [each for each in store.annotations.of(subject) if each.kind in KINDS]
            marked = {each.recording_id for each in marks}
            recordings = {each.id: each for each in store.recordings.of(subject) if each.id in marked}
            for each in marks:
                if each.recording_id is None or each.recording_id not in recordings:
                    continue
                recording = recordings[each.recording_id]
                start = recording.started_at
                lasted_s = 0.0 if each.until is None else (each.until - each.at).total_seconds()
                rows.append(
                    {
                        "recording": f"{subject.code} {each.recording_id}",
                        "onset_s": round((each.at - start).total_seconds(), 3), "duration_s": lasted_s,
                        "name": each.text, "person": subject.code, "source": each.data.get("source", PAGE),
                        "simulated": int(recording.kind == "simulated"),
                    }
                )  # fmt: skip
            tables += [_table(f"{subject.code} {each}", load_series(store, each)) for each in recordings]
        place = store.where
    if not rows:
        raise SourceError(
            f"{place} holds no marks in recordings: set some while you record, see docs/studies.md"
        )
    return RecordedMarks(pd.DataFrame(rows), pd.concat(tables, ignore_index=True))


def _table(recording: str, series: Series) -> pd.DataFrame:
    import pandas as pd

    measures = {name: series.measures[:, at] for at, name in enumerate(MEASURES)}
    shares = {name: series.probabilities[:, at] for at, name in enumerate(PROBABILITIES)}
    return pd.DataFrame(
        {
            "recording": recording, "time_s": series.time_s, **shares, "valence": series.valence,
            "arousal": series.arousal, **measures,
        }
    )  # fmt: skip
