"""A table of recordings as a cohort: whose they are, their label, their measures, and how they were made.

What would let a study fool itself is told apart here: columns that hold the label, columns that say how a
recording was made and not what the face did, labels that differ within a person, one person under two codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.errors import ConfigError, SourceError
from mien.source.base import is_folder
from mien.textfile import csv_form, missing_cells
from mien.videos.cohort.figures import Bools, Floats, Ints, area, people_to_tell
from mien.wording import count, first_few, reason

if TYPE_CHECKING:
    import pandas as pd

CIRCUMSTANCES: Final = frozenset(
    {
        *("site", "centre", "center", "clinic", "hospital", "country", "city", "protocol", "study"),
        *("camera", "device", "network", "model", "browser", "system", "version", "resolution"),
        *("length", "length_s", "duration", "duration_s", "minutes", "usable_minutes", "seconds", "frames"),
        *("fps", "frames_per_second", "frame_rate", "recordings", "width", "height", "simulated"),
        *("date", "day", "month", "year", "started_at", "at", "time"),
        *("age", "age_group", "sex", "gender", "race", "ethnicity", "language", "education"),
        *("coverage", "quality", "quality_mean", "light_mean", "sharpness_mean", "face_px"),
    }
)
"""Names of columns that say who was recorded, where and how: never measures, unless they are asked for."""

NUMBERS: Final = frozenset(
    {"", "id", "index", "row", "number", "recording", "uuid", "file", "filename", "unnamed: 0"}
)
"""Names of columns that only number the rows."""

LEAST_OF_CLASS: Final = 10
"""Subjects that each class needs at least, for folds inside folds."""

_POSITIVE: Final = ("yes", "true", "1", "1.0", "y", "positive", "present")
_MOST_MISSING: Final = 0.5
_MOST: Final = 0.9
"""So many of a column's cells are numbers, or dates, where it is one of these."""
_A_FEW: Final = 1000
_TELLS: Final = 0.995
_MOST_WORDS: Final = 30
_LARGEST_ROWS: Final = 1_000_000
_NAMED: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """People with two kinds of label, a unit each: the means of their recordings' measures.

    Attributes:
        name: of the table.
        label: name of the label's column.
        classes: the label that is predicted, and the other one.
        y: (n,) whether a unit has the first of them.
        subject: (n,) whose, from 0; a subject has two units only where the label is one of recordings.
        measures: (n, p) numbers, NaN where missing.
        circumstances: (n, c) who was recorded, where and how: numbers, or text.
        recordings: how many rows are in it.
        remarks: what was left out and why, in sentences.
        simulated: whether a program made it up.
    """

    name: str
    label: str
    classes: tuple[str, str]
    y: Bools
    subject: Ints
    measures: pd.DataFrame
    circumstances: pd.DataFrame
    recordings: int
    remarks: tuple[str, ...] = ()
    simulated: bool = False

    @property
    def values(self) -> Floats:
        """(n, p) the measures as an array."""
        return self.measures.to_numpy(np.float64)

    @property
    def people(self) -> tuple[int, int]:
        """How many subjects have the label, and how many the other one."""
        return len(np.unique(self.subject[self.y])), len(np.unique(self.subject[~self.y]))


def read_cohort(
    table: str | Path | pd.DataFrame,
    label: str,
    *,
    positive: str | None = None,
    negative: str | None = None,
    subject: str = "subject",
    circumstances: Sequence[str] = (),
    measures: Sequence[str] = (),
    without: Sequence[str] = (),
    states: bool = False,
    name: str = "",
) -> Cohort:
    """Read a table with a row for each recording.

    Args:
        table: CSV, TSV, Parquet, or a DataFrame.
        label: the column that holds the label.
        positive: the value that is predicted; by itself "yes", "true" or 1, else the rarer one.
        negative: the other value; by itself the only other one. Rows with neither are left out.
        subject: the column that says whose a recording is.
        circumstances: columns that say who was recorded, where and how, beside those known by their names.
        measures: only these columns are measures; by itself all numbers that are nothing else.
        without: columns to leave out.
        states: the label is a recording's and may differ within a subject.
        name: of the table, where it is a DataFrame.

    Raises:
        SourceError: it can't be read, or it isn't such a table: it has one label only, or no measures.
        ConfigError: columns that were named are not there, or which label or measures are meant isn't clear.
    """
    import pandas as pd

    frame = table if isinstance(table, pd.DataFrame) else read_frame(Path(table))
    name = name or (Path(table).name if isinstance(table, str | Path) else "table")
    frame = frame.rename(columns=str)
    if frame.columns.has_duplicates:
        raise SourceError(f"{name} has two columns {frame.columns[frame.columns.duplicated()][0]}")
    for column in (label, subject, *circumstances, *measures, *without):
        _require(frame, column, name, subject)
    if label in (subject, *circumstances, *measures, *without):
        raise ConfigError(f"{label} is the label: it can't be a subject, a circumstance or a measure, too")
    if both := [each for each in measures if each in without]:
        raise ConfigError(f"{both[0]} is to be a measure, and to be left out: choose one")
    if subject in measures:
        raise ConfigError(f"{subject} says whose a recording is: it can't be a measure, too")
    remarks: list[str] = []
    frame, y, classes = _labelled(frame, label, positive, negative, name, remarks)
    if nobodys := int(frame[subject].isna().sum()):
        raise SourceError(
            f"{name}: {count(nobodys, 'row')} without a {subject}: a recording of nobody can't be kept on one"
            " side; fill it in, or take the rows out"
        )
    codes, whose = np.unique(frame[subject].astype(str).to_numpy(), return_inverse=True)
    _check_within(codes, whose, y, label, states)
    left = [str(each) for each in frame if each not in {label, subject, *without}]
    kept, around = _sorted_columns(frame, left, circumstances, measures, name, remarks)
    whole = Cohort(
        name, label, classes, y, np.asarray(whose, np.int64), kept, around, len(frame),
        simulated="simulated" in frame and bool((frame["simulated"] == 1).any()),
    )  # fmt: skip
    found = _without_gaps(_by_unit(whole), remarks)
    _check_leaks(found, frozenset(measures))
    return _same_people(replace(found, remarks=tuple(remarks)))


def check_people(cohort: Cohort, expected: float) -> None:
    """Raise unless a cohort is large enough to tell an area from chance.

    Args:
        cohort: any.
        expected: the area under the curve that would be worth finding.

    Raises:
        SourceError: it has too few people; the message says how many it takes.
    """
    up, down = cohort.people
    people = len(np.unique(cohort.subject))
    needed = max(people_to_tell(expected, up / (up + down)), 2 * LEAST_OF_CLASS)
    if people < needed or min(up, down) < LEAST_OF_CLASS:
        raise SourceError(
            f"{cohort.name} has too few people: {up} with {cohort.label} {cohort.classes[0]} and {down} with"
            f" {cohort.classes[1]}; to tell an area under the curve of {expected:g} from chance takes"
            f" {needed} people in this mix (Hanley & McNeil 1982, power 80 %), and at least {LEAST_OF_CLASS}"
            " of each"
        )


def read_frame(path: Path, rows: int = _LARGEST_ROWS) -> pd.DataFrame:
    """Read a table: CSV with commas, semicolons or tabs; Parquet.

    "NA", "None", "nan" and "null" are missing in a column of numbers, dates or truths. In one of words they
    are words, as people, sites and diagnoses may be called so: only an empty cell and "n/a" are missing.

    Args:
        path: of it.
        rows: how many at most.

    Raises:
        SourceError: it can't be read.
    """
    import pandas as pd

    is_folder(path)  # so that a missing table is said as every missing file is
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        form = csv_form(path)
        header = pd.read_csv(path, **form, header=None, nrows=1, dtype=str).iloc[0]
        if twice := header[header.notna() & header.duplicated()].tolist():  # pandas would call it "age.1"
            raise SourceError(f"{path} has two columns {twice[0]}")
        frame = pd.read_csv(path, **form, nrows=rows, low_memory=False)
        if words := [str(name) for name, column in frame.items() if _is_of_words(column)]:
            missing, kinds = missing_cells(path, words), dict.fromkeys(words, str)
            named = pd.read_csv(path, **form, **missing, nrows=rows, low_memory=False, dtype=kinds)
            frame[words] = named[words]
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read the table {path}: {reason(error)}") from error
    return frame


def _is_of_words(column: pd.Series) -> bool:
    """Return whether what is known of a column are words, and not numbers or dates with a few mistakes."""
    import pandas as pd

    known = column.dropna()
    if not len(known) or not known.map(lambda each: isinstance(each, str)).all():
        return False
    return not (_mostly(pd.to_numeric(known, errors="coerce")) or _mostly(_dates(known[:_A_FEW])))


def _mostly(values: pd.Series) -> bool:
    return bool(values.notna().mean() >= _MOST)


def _require(frame: pd.DataFrame, column: str, name: str, subject: str) -> None:
    if column in frame:
        return
    there = ", ".join(map(str, frame.columns[:20])) + (", ..." if frame.shape[1] > 20 else "")
    hint = " (--subject names the column that says whose a recording is)" if column == subject else ""
    raise ConfigError(f"{name} has no column {column}{hint}; it has {there or 'none'}")


def _labelled(
    frame: pd.DataFrame, label: str, positive: str | None, negative: str | None, name: str, told: list[str]
) -> tuple[pd.DataFrame, Bools, tuple[str, str]]:
    """Return the rows that have one of the two labels, whether it is the first, and what they are called."""
    missing = frame[label].isna()
    text = frame[label].map(lambda each: f"{each:g}" if isinstance(each, float) else str(each).strip())
    values = text[~missing].value_counts()
    for chosen in (positive, negative):
        if chosen is not None and chosen not in values.index:
            raise ConfigError(f"no row has the {label} {chosen!r}; it is {' or '.join(values.index[:20])}")
    if positive is not None and positive == negative:
        raise ConfigError(f"--positive and --negative: expected two values, received {positive!r} twice")
    if len(values) < 2:
        only = f"{label} is always {values.index[0]!r}" if len(values) else f"no row has a {label}"
        raise SourceError(f"{name}: {only}; two values are needed, for example 0 and 1")
    if len(values) > 2 and (positive is None or negative is None):
        shown = ", ".join(f"{each} ({many})" for each, many in values[:_NAMED].items())
        raise ConfigError(
            f"{label} has {len(values)} values: {shown}{' ...' if len(values) > _NAMED else ''};"
            " choose two by --positive and --negative"
        )
    if positive is None:
        known = [each for each in values.index if each.lower() in _POSITIVE and each != negative]
        positive = known[0] if known else next(each for each in reversed(values.index) if each != negative)
    negative = negative or next(each for each in values.index if each != positive)
    kept = ~missing & text.isin([positive, negative])
    if left := int((~kept).sum()):
        told.append(f"{count(left, 'recording')} without one of the two labels were left out.")
    return frame[kept], (text[kept] == positive).to_numpy(), (positive, negative)


def _check_within(codes: np.ndarray, whose: Ints, y: Bools, label: str, states: bool) -> None:
    both = np.intersect1d(whose[y], whose[~y])
    if len(both) and not states:
        shown = ", ".join(str(codes[each]) for each in both[:_NAMED]) + (" ..." if len(both) > _NAMED else "")
        raise ConfigError(
            f"{label} differs within {count(len(both), 'subject')} ({shown}): correct it, keep the recordings"
            " of one moment, or say by --states that it is a state of the recording"
        )


def _sorted_columns(
    frame: pd.DataFrame,
    left: list[str],
    around: Sequence[str],
    chosen: Sequence[str],
    name: str,
    told: list[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tell measures from circumstances; what is neither is named."""
    import pandas as pd

    measures, circumstances, neither = {}, {}, []
    for each in left:
        column, plain = frame[each], each.strip().lower()
        number = pd.to_numeric(column, errors="coerce")
        numeric = bool(number.notna().sum() >= _MOST * column.notna().sum())  # where there is none, too
        if each in chosen:
            if not numeric:
                raise ConfigError(
                    f"the measure {each} holds no numbers, but values such as {column.iloc[0]!r}"
                )
            measures[each] = _numbers(column, number, told)
        elif each in around or plain in CIRCUMSTANCES:
            circumstances[each] = number if numeric else _dated(column)
        elif plain in NUMBERS:
            continue
        elif numeric and not chosen:
            measures[each] = _numbers(column, number, told)
        elif not numeric and 2 <= column.nunique() <= _MOST_WORDS:
            circumstances[each] = column.astype("str").where(column.notna())
        else:
            neither.append(each)
    if neither and not chosen:
        shown = ", ".join(neither[:_NAMED]) + (" ..." if len(neither) > _NAMED else "")
        told.append(f"Not used, as neither numbers nor a few words: {shown}.")
    if not measures:
        raise SourceError(f"{name}: there is no column of numbers to predict the label by")
    return pd.DataFrame(measures), pd.DataFrame(circumstances, index=frame.index)


def _numbers(column: pd.Series, number: pd.Series, told: list[str]) -> pd.Series:
    """Return a measure's numbers; what is there and isn't one counts as missing, and is said."""
    numbers = number.astype(np.float64)
    finite = numbers.where(np.isfinite(numbers))
    lost = column[column.notna() & finite.isna()]
    if len(lost):
        told.append(
            f"{column.name}: {count(len(lost), 'value')} counted as missing, not being a finite number,"
            f" such as {str(lost.iloc[0])!r}."
        )
    return finite


def _dated(column: pd.Series) -> pd.Series:
    """Return dates as days, and all else as text."""
    import pandas as pd

    dates = _dates(column)
    if column.nunique() > 2 and dates.notna().sum() >= _MOST * max(column.notna().sum(), 1):
        return (dates - pd.Timestamp("2000-01-01", tz="UTC")) / pd.Timedelta(days=1)
    return column.astype("str").where(column.notna())


def _dates(column: pd.Series) -> pd.Series:
    """Return what is a date, and nothing for all else."""
    import warnings

    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pd.to_datetime(column, errors="coerce", utc=True)


def _by_unit(cohort: Cohort) -> Cohort:
    """Average a subject's recordings of one label, and count them: how many there are may tell the label."""
    import pandas as pd

    key = 2 * cohort.subject + cohort.y
    units, first, many = np.unique(key, return_index=True, return_counts=True)
    by = cohort.measures.groupby(key)
    words = {
        name: column.groupby(key).mean()
        if pd.api.types.is_numeric_dtype(column)
        else _most_common(column, key)
        for name, column in cohort.circumstances.items()
    }
    around = pd.DataFrame(words, index=units)
    if many.max() > 1:
        around["number of recordings"] = many.astype(np.float64)
    missing = cohort.measures.isna().mean(axis=1).groupby(key).mean()
    if missing.nunique() > 1:
        around["share of missing measures"] = missing
    return replace(
        cohort, y=cohort.y[first], subject=cohort.subject[first],
        measures=by.mean().reset_index(drop=True), circumstances=around.reset_index(drop=True),
    )  # fmt: skip


def _most_common(column: pd.Series, key: Ints) -> pd.Series:
    """Return the most common value of each key, of equals the first by name; a key may have none."""
    import pandas as pd

    known = pd.DataFrame({"key": key, "value": column.to_numpy()}).dropna()
    counts = known.groupby(["key", "value"]).size().reset_index(name="many")
    ordered = counts.sort_values(["key", "many"], ascending=[True, False])
    return ordered.drop_duplicates("key").set_index("key")["value"].astype(column.dtype)


def _without_gaps(cohort: Cohort, told: list[str]) -> Cohort:
    """Leave out measures that are the same for all, or missing for most; circumstances, too."""
    gone: dict[str, list[str]] = {"the same for everybody": [], "missing for more than half": []}
    for name, column in cohort.measures.items():
        if column.isna().mean() > _MOST_MISSING:
            gone["missing for more than half"].append(str(name))
        elif column.nunique() < 2:
            gone["the same for everybody"].append(str(name))
    for why, names in gone.items():
        if names:
            told.append(f"Left out, as {why}: {first_few(names, _NAMED)}.")
    measures = cohort.measures.drop(columns=[name for names in gone.values() for name in names])
    if measures.shape[1] == 0:
        raise SourceError(f"{cohort.name}: no measure is known for most people and differs between them")
    if empty := int(measures.isna().to_numpy().sum()):
        told.append(_gaps(empty, measures.size))
    varied = [name for name in cohort.circumstances if cohort.circumstances[name].nunique(dropna=False) > 1]
    return replace(cohort, measures=measures, circumstances=cohort.circumstances[varied])


def _gaps(empty: int, all_values: int) -> str:
    """Say how much is missing; too few to be a share are counted."""
    share = f"{100 * empty / all_values:.1f}"
    if empty == 1 or share == "0.0":
        told = f"{count(empty, 'value')} of {all_values:,} {'is' if empty == 1 else 'are'} missing"
    else:
        told = f"{share} % of the measures are missing"
    return f"{told}; the median of the others stands in."


def _check_leaks(cohort: Cohort, chosen: frozenset[str]) -> None:
    """Raise where one column is the label under another name."""
    if min(cohort.people) < LEAST_OF_CLASS:
        return
    leaks = []
    for name, column in cohort.measures.items():
        known = column.notna().to_numpy()
        found = area(cohort.y[known], column.to_numpy()[known], cohort.subject[known])
        if name not in chosen and found and max(found.value, 1 - found.value) >= _TELLS:
            leaks.append(str(name))
    if leaks:
        raise ConfigError(
            f"{', '.join(leaks[:_NAMED])} alone tells {cohort.label} without an error, as a column does that"
            f" holds the label or was made from it; leave it out (--without {leaks[0]!r}), or name the"
            " measures by --measure"
        )


def _same_people(cohort: Cohort) -> Cohort:
    """Hold people together whose measures are all the same: one person under two codes, or a copied row."""
    if cohort.measures.shape[1] < 3:
        return cohort
    seen: dict[bytes, int] = {}
    subject, twins = cohort.subject.copy(), 0
    for place, row in enumerate(cohort.values):
        if np.isnan(row).any() or np.count_nonzero(row) < 3:
            continue
        first = seen.setdefault(row.tobytes(), place)
        if subject[first] != subject[place]:
            subject[subject == subject[place]] = subject[first]
            twins += 1
    if not twins:
        return cohort
    _, numbers = np.unique(subject, return_inverse=True)
    told = (
        f"{count(twins, 'subject has', 'subjects have')} exactly another's measures: one person under two"
        " codes, or a copied row. They are held out together."
    )
    return replace(cohort, subject=np.asarray(numbers, np.int64), remarks=(*cohort.remarks, told))
