"""Where a study's rows come from: a table, tables of `mien analyze`, or a record's store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mien.errors import ConfigError, SourceError
from mien.labels import EMOTIONS, MEASURES
from mien.mood.body import of_body
from mien.mood.episodes import Episode
from mien.mood.estimate import Estimate
from mien.mood.figures import figures
from mien.mood.series import Series
from mien.record.finalize import load_series
from mien.record.scales import OUTCOMES, course
from mien.source.base import is_folder
from mien.store.store import Store
from mien.store.types import StoredRecording, Subject
from mien.table import COLUMNS, PROBABILITIES, names_in, read_table
from mien.videos.cohort.table import read_frame
from mien.wording import reason

if TYPE_CHECKING:
    import pandas as pd

TABLES: Final = (".csv", ".tsv", ".parquet")
_OTHER_TABLES: Final = frozenset(
    {".xlsx", ".xls", ".ods", ".numbers", ".txt", ".dat", ".json", ".feather", ".sav", ".dta", ".rds"}
)
"""What people keep tables in, too: no record has such a suffix."""
BY_SCALE: Final = ("remission", "response")
"""Labels that a record has by itself, of its subjects' PHQ-9."""


def rows_of(
    given: str | Path, label: str, labels: str | Path | None, *, subject: str = "subject"
) -> tuple[pd.DataFrame, str]:
    """Return a row for each recording, and what the cohort is called.

    Args:
        given: a table of recordings; a table of `mien analyze`, or a folder of such; or a record's store.
        label: what is studied.
        labels: a table with the labels, by `subject` or by `source`, and any other columns; see
            docs/cohort.md.
        subject: the column that says whose a recording is.

    Raises:
        SourceError: a table can't be read, or the labels fit nothing.
        ConfigError: labels are missing.
        StoreError: the record can't be opened or read.
    """
    path = Path(given)
    name = path.name if "://" not in str(given) else "record"
    if "://" not in str(given):
        is_folder(path)  # so that what is missing is said as every missing file is
    told = None if labels is None else read_frame(Path(labels))
    if path.is_dir():
        inside = sorted(each for each in path.iterdir() if each.suffix.lower() in TABLES)
        tables = [each for each in inside if not (labels and each.samefile(labels)) and _is_ours(each)]
        if not tables:
            raise SourceError(f"{path} holds no table of `mien analyze`")
        return _joined([row for each in tables for row in _analysed(each)], told, label, subject), name
    if path.suffix.lower() in TABLES:
        if _is_ours(path):
            return _joined(list(_analysed(path)), told, label, subject), name
        frame = read_frame(path)
        return (frame if told is None else _with_labels(frame, told, subject)), name
    if path.suffix.lower() in _OTHER_TABLES:
        raise SourceError(
            f"{path}: expected a table ({', '.join(TABLES)}), a folder or a record's store; save it as CSV"
        )
    with Store(str(given), create=False) as store:
        return _recorded(store, label, told, subject), name


# --- tables of `mien analyze`


def _is_ours(path: Path) -> bool:
    try:
        return set(COLUMNS) <= set(names_in(path))
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read the table {path}: {reason(error)}") from error


def _analysed(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each source of a table: of the face that was seen most."""
    for source, rows in read_table(path).groupby("source", sort=True):
        face = rows[rows["track"] == rows["track"].mode().iloc[0]].drop_duplicates("time_s")
        yield {"source": source, **measures_of(face)}


def measures_of(face: pd.DataFrame) -> dict[str, float | None]:
    """Return the figures of a recording, of one face's rows in a table of `mien analyze`.

    Args:
        face: its rows; the highest brow lowerer needs the columns of `--measures`.
    """
    face = face.sort_values("time_s")
    unknown = np.full(len(face), np.nan)
    known = set(face.columns)
    series = Series(
        time_s=face["time_s"].to_numpy(), quality=face["quality"].to_numpy(),
        light=unknown, sharpness=unknown,
        face_px=np.sqrt((face["width"] * face["height"]).to_numpy()),
        probabilities=face[list(PROBABILITIES)].to_numpy(),
        expression=np.array([EMOTIONS.index(e) if e in EMOTIONS else -1 for e in face["expression"]]),
        confidence=face["confidence"].to_numpy(), valence=face["valence"].to_numpy(),
        arousal=face["arousal"].to_numpy(),
        measures=np.column_stack([face[each] if each in known else unknown for each in MEASURES]),
    )  # fmt: skip
    found = _plain(figures([series]))
    del found["coverage"]  # a table has no rows for frames without a face
    return {**found, "length_s": float(np.ptp(series.time_s))}


def _joined(rows: list[dict[str, Any]], told: pd.DataFrame | None, label: str, subject: str) -> pd.DataFrame:
    import pandas as pd

    if told is None:
        raise ConfigError(
            f"a table of `mien analyze` says neither whose a recording is nor its {label}: give --labels a"
            f" table with the columns source, {subject} and {label}"
        )
    return _with_labels(pd.DataFrame(rows), told, subject).drop(columns="source")


def _with_labels(rows: pd.DataFrame, told: pd.DataFrame, subject: str) -> pd.DataFrame:
    """Put the labels' columns beside the rows, by the source if both have it, else by the subject."""
    key = next((each for each in ("source", subject) if each in told and each in rows), None)
    if key is None:
        raise ConfigError(f"the labels need a column source or {subject} that the recordings have, too")
    told = told[told[key].notna()]
    told = told.assign(**{key: _as_text(told[key])}).drop_duplicates()
    if told[key].duplicated().any():
        twice = told[key][told[key].duplicated()].iloc[0]
        raise SourceError(f"the labels say different things of {key} {twice}")
    rows = rows.assign(**{key: _as_text(rows[key])})
    new = [each for each in told if each == key or each not in rows]
    if not rows[key].isin(told[key]).any():
        raise SourceError(f"no {key} of the labels is among the recordings, such as {rows[key].iloc[0]!r}")
    # Those without a label stay, to be counted when they are left out.
    return rows.merge(told[new], on=key, how="left")


def _as_text(column: pd.Series) -> pd.Series:
    """Return codes as text; those that are numbers beside empty cells are 7.0 to pandas, not 7."""
    whole = column.dtype == np.float64 and (column.dropna() % 1 == 0).all()
    text = (column.astype("Int64") if whole else column).astype(str).astype(object)
    return text.where(column.notna(), None)


# --- a record's store


def _recorded(store: Store, label: str, told: pd.DataFrame | None, subject: str) -> pd.DataFrame:
    import pandas as pd

    if told is None and label not in BY_SCALE:
        raise ConfigError(
            f"a record has no label {label} by itself, only {' and '.join(BY_SCALE)} by the PHQ-9: give"
            f" --labels a table with the columns {subject} and {label}"
        )
    named = None if told is None or subject not in told else set(told[subject].astype(str))
    rows = []
    for person in store.subjects.all():
        if named is not None and person.code not in named:
            continue
        answer, until = ("", None) if told is not None else _outcome(store, person, label)
        if answer is None:
            continue
        for recording in store.recordings.of(person):
            if recording.state == "open" or (until is not None and recording.started_at > until):
                continue
            own = {subject: person.code} | ({} if told is not None else {label: answer})
            rows.append({**own, **_row(store, person, recording)})
    if not rows:
        why = "with the labels' codes" if told is not None else "with two whole PHQ-9 sums"
        raise SourceError(f"the record has no recordings of subjects {why}")
    frame = pd.DataFrame(rows)
    return frame if told is None else _with_labels(frame, told, subject)


def _outcome(store: Store, person: Subject, label: str) -> tuple[str | None, Any]:
    """Return a subject's label by their PHQ-9, and when it was last answered; None where it isn't known."""
    reports = [each for scale in OUTCOMES for each in store.self_reports.of(person, scale)]
    found = course(reports)
    answer = None if found is None else getattr(found, label)
    return (None, None) if answer is None or found is None else ("yes" if answer else "no", found.last.at)


def _row(store: Store, person: Subject, recording: StoredRecording) -> dict[str, Any]:
    events = [
        Episode(each.kind, each.label, each.onset_s, each.apex_s, each.offset_s, each.peak)
        for each in store.readings.events(recording.id)
        if each.kind != "blink"
    ]
    found = figures([load_series(store, recording.id)], events=[events])
    found |= of_body([store.signals.of(recording.id)])
    age = None if person.birth_year is None else recording.day.year - person.birth_year
    return {
        **_plain(found), "camera": recording.source, "network": recording.network, "age": age,
        "length_s": recording.length_s, "frames": recording.frames,
        "simulated": int(recording.kind == "simulated"),
    }  # fmt: skip


def _plain(found: dict[str, Estimate | None]) -> dict[str, float | None]:
    return {name: None if each is None else float(each.value) for name, each in found.items()}
