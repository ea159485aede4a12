"""`mien.epochs(table, stimuli)`: a measure around each stimulus, on an even grid, against its baseline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import t as student

from mien import __version__
from mien.errors import ConfigError, SourceError
from mien.files import check_folder, write_json, written_whole
from mien.study.tables import Course, Floats, read_courses, read_frame, read_stimuli
from mien.table import escape_formula
from mien.wording import count, first_few, reason

if TYPE_CHECKING:
    import pandas as pd

BEFORE_S: Final = 1.0
AFTER_S: Final = 5.0
STEP_S: Final = 0.1
LEAST_FACE: Final = 0.75
"""A rejected epoch has less than this share of its times read, or of its baseline's."""

BRIDGED_S: Final = 0.5
"""Between two readings no further apart than this the course is a straight line."""

OUTSIDE, NO_BASELINE, LITTLE_FACE, NOT_ALONE = (
    "outside the recording", "baseline not read", "too little face", "another stimulus in it",
)  # fmt: skip
"""Why an epoch is rejected."""

EVENTS_FILE, EPOCHS_FILE, MEANS_FILE, ABOUT_FILE = "events.csv", "epochs.csv", "means.csv", "epochs.json"
_DECIMALS: Final = 6
_MOST_POINTS: Final = 20_000
_CELL: Final = ["group", "condition"]
_LABELS: Final = ["epoch", "recording", "person", "group", "condition", "name"]


@dataclass(frozen=True, slots=True, eq=False)
class Epochs:
    """A measure around stimuli.

    Attributes:
        measure: its name.
        times_s: (t,) seconds from the onset, evenly.
        events: a row for each stimulus: `epoch` (from 1), `recording`, `person`, `group`, `condition`,
            `name`, `onset_s`, `duration_s`, `face` (share of its times that were read), `baseline` (its mean,
            which was subtracted; NaN for none), `kept`, and `rejected`: why, or nothing.
        values: (events, t), the baseline subtracted; NaN where nothing was read.
        baseline_s: from when to when; None where none was subtracted.
        notes: what to know of it, in sentences.
    """

    measure: str
    times_s: Floats
    events: pd.DataFrame
    values: Floats
    baseline_s: tuple[float, float] | None
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """How many epochs were not rejected."""
        return int(self.events["kept"].sum())

    @property
    def frame(self) -> pd.DataFrame:
        """The epochs that were kept, in long form: a row for each of their times."""
        kept = self.events["kept"].to_numpy()
        rows = self.events.loc[kept, [*_LABELS, "onset_s"]]
        long = rows.loc[rows.index.repeat(len(self.times_s))].reset_index(drop=True)
        long["time_s"] = np.tile(self.times_s, int(kept.sum()))
        long["value"] = self.values[kept].ravel()
        return long

    def person_curves(self) -> dict[tuple[str, str, str], Floats]:
        """Return each person's mean course, by group, condition and person."""
        kept = self.events[self.events["kept"]]
        parts: Any = kept.groupby([*_CELL, "person"])
        return {key: mean_of_known(self.values[rows.index.to_numpy()]) for key, rows in parts}

    def means(self) -> pd.DataFrame:
        """Return the mean course of each group and condition: of people, each of whom counts once.

        `low` and `high` are a 95 % interval over people, at each time by itself.
        """
        import pandas as pd

        curves = self.person_curves()
        parts = []
        for group, condition in dict.fromkeys(key[:2] for key in curves):
            of_people = np.array([each for key, each in curves.items() if key[:2] == (group, condition)])
            mean, low, high = mean_and_interval(of_people)
            chosen = self.events["kept"] & (self.events[_CELL] == [group, condition]).all(axis=1)
            parts.append(
                pd.DataFrame(
                    {
                        "group": group, "condition": condition, "time_s": self.times_s, "mean": mean,
                        "low": low, "high": high, "people": len(of_people), "epochs": int(chosen.sum()),
                    }
                )
            )  # fmt: skip
        return pd.concat(parts, ignore_index=True).round(_DECIMALS)

    def as_dict(self) -> dict[str, Any]:
        """Return what was made, in numbers, ready for JSON."""
        of_cells: Any = self.events.groupby(_CELL)
        return {
            "measure": self.measure,
            "before_s": -float(self.times_s[0]),
            "after_s": float(self.times_s[-1]),
            "step_s": round(float(self.times_s[1] - self.times_s[0]), _DECIMALS),
            "baseline_s": self.baseline_s and list(self.baseline_s),
            "stimuli": len(self.events),
            "kept": self.kept,
            "rejected": {
                str(why): int(many) for why, many in self.events["rejected"].value_counts().items() if why
            },
            "people": int(self.events["person"].nunique()),
            "conditions": [
                {"group": group, "condition": condition, "people": int(rows["person"].nunique()),
                 "stimuli": len(rows), "kept": int(rows["kept"].sum())}
                for (group, condition), rows in of_cells
            ],
            "notes": list(self.notes),
            "version": __version__,
        }  # fmt: skip

    def save(self, folder: str | Path, *, pictures: bool = True) -> list[Path]:
        """Write the epochs: tables, JSON, and the mean courses as PDF, SVG and PNG.

        Args:
            folder: earlier results in it are replaced.
            pictures: without them it takes a tenth of the time.

        Returns:
            The files.

        Raises:
            OutputError: it can't be written.
        """
        folder = Path(folder)
        check_folder(folder)
        tables = ((EVENTS_FILE, self.events), (EPOCHS_FILE, self.frame), (MEANS_FILE, self.means()))
        for name, frame in tables:
            write_csv(frame, folder / name)
        write_json(folder / ABOUT_FILE, self.as_dict())
        written = [folder / ABOUT_FILE, *(folder / name for name, _ in tables)]
        if pictures:
            from mien.study.figures import draw_means

            written += draw_means(self, folder / "means")
        return written


def epochs(
    table: str | Path | pd.DataFrame,
    stimuli: str | Path | pd.DataFrame,
    *,
    measure: str = "valence",
    before_s: float = BEFORE_S,
    after_s: float = AFTER_S,
    baseline_s: tuple[float, float] | None = (-BEFORE_S, 0.0),
    step_s: float = STEP_S,
    least_face: float = LEAST_FACE,
    alone: bool = False,
) -> Epochs:
    """Cut a measure around each stimulus.

    The mean of the readings at each step of the grid counts; short gaps are bridged by a straight line.

    Args:
        table: a table of `mien analyze`, a folder of such, or another table of courses.
        stimuli: a table with `recording`, `onset_s` and `name`; see docs/studies.md.
        measure: the column of the table.
        before_s: from so long before each onset,
        after_s: to so long after it.
        baseline_s: the mean from and to these seconds is subtracted from each epoch; None subtracts nothing.
        step_s: of the grid.
        least_face: an epoch is rejected if a smaller share of it, or of its baseline, was read.
        alone: also reject epochs in which another stimulus begins or lasts.

    Raises:
        SourceError: a table can't be read, or the stimuli don't fit it.
        ConfigError: times that can't be.
    """
    grid, inside = _grid(before_s, after_s, baseline_s, step_s, least_face)
    courses = read_courses(table, measure)
    events = read_stimuli(stimuli, courses)
    values = np.full((len(events), len(grid)), np.nan)
    for recording, rows in events.groupby("recording").indices.items():
        values[rows] = on_grid(courses[str(recording)], events["onset_s"].to_numpy()[rows], grid)
    read = np.isfinite(values)
    level = np.full(len(events), np.nan)
    of_baseline = np.ones(len(events))
    if inside is not None:
        level, of_baseline = mean_of_known(values[:, inside], axis=1), read[:, inside].mean(axis=1)
        values = values - level[:, None]
    events.insert(0, "epoch", np.arange(1, len(events) + 1))
    events["face"], events["baseline"] = read.mean(axis=1).round(4), level.round(_DECIMALS)
    ends_s = events["recording"].map({name: each.end_s for name, each in courses.items()})
    outside = (events["onset_s"] < 0) | ~(events["onset_s"] <= ends_s)
    shared = _shared(events, before_s, after_s)
    reasons = (
        (outside, OUTSIDE), (of_baseline < least_face, NO_BASELINE),
        (events["face"] < least_face, LITTLE_FACE), (alone & shared, NOT_ALONE),
    )  # fmt: skip
    events["rejected"] = np.select([each for each, _ in reasons], [words for _, words in reasons], "")
    events["kept"] = events["rejected"] == ""
    notes = _notes(events, outside, shared, ends_s)
    if not events["kept"].any():
        rejected = ", ".join(f"{many} {why}" for why, many in events["rejected"].value_counts().items())
        if outside.all():
            rejected += (
                f"; the first begins at {events['onset_s'].iloc[0]:g} s of {events['recording'].iloc[0]},"
                f" which is read up to {ends_s.iloc[0]:g} s: are both in seconds?"
            )
        raise SourceError(f"no epoch is left of {count(len(events), 'stimulus', 'stimuli')}: {rejected}")
    return Epochs(measure, grid, events, values.round(_DECIMALS), baseline_s, tuple(notes))


def on_grid(course: Course, onsets_s: Floats, grid_s: Floats) -> Floats:
    """Return a course around onsets: the mean of the readings at each step, NaN where there is none near.

    Args:
        course: of one recording.
        onsets_s: (n,).
        grid_s: (t,), even.
    """
    at = onsets_s[:, None] + grid_s
    if not len(course.times_s):
        return np.full(at.shape, np.nan)
    half = (grid_s[1] - grid_s[0]) / 2
    low, high = (np.searchsorted(course.times_s, at + side) for side in (-half, half))
    sums = np.concatenate([[0.0], np.cumsum(course.values)])
    last = len(course.times_s) - 1
    before, after = (low - 1).clip(0), high.clip(max=last)
    near = (low > 0) & (high <= last) & (course.times_s[after] - course.times_s[before] <= BRIDGED_S)
    line = np.where(near, np.interp(at, course.times_s, course.values), np.nan)
    return np.where(high > low, (sums[high] - sums[low]) / np.maximum(high - low, 1), line)


def read_epochs(folder: str | Path) -> Epochs:
    """Read what `Epochs.save` wrote.

    Raises:
        SourceError: the folder doesn't hold it, or it is damaged.
    """
    folder = Path(folder)
    if not (folder / ABOUT_FILE).is_file():
        raise SourceError(f"{folder} holds no epochs: expected a folder that `mien study epochs` wrote")
    try:
        about = json.loads((folder / ABOUT_FILE).read_text("utf-8"))
        many = round((about["before_s"] + about["after_s"]) / about["step_s"]) + 1
        grid = np.linspace(-about["before_s"], about["after_s"], many).round(_DECIMALS)
        events = read_frame(folder / EVENTS_FILE)
        for column in ("group", "rejected"):
            events[column] = events[column].astype(object).fillna("").astype(str)
        values = np.full((len(events), len(grid)), np.nan)
        values[events["kept"].to_numpy(bool)] = (
            read_frame(folder / EPOCHS_FILE)["value"].to_numpy(float).reshape(-1, len(grid))
        )
        baseline = about["baseline_s"] and (float(about["baseline_s"][0]), float(about["baseline_s"][1]))
        return Epochs(about["measure"], grid, events, values, baseline, tuple(about["notes"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"the epochs in {folder} can't be read: {reason(error)}; make them again"
        ) from error


def mean_and_interval(curves: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the mean of people's courses, and its 95 % interval at each time; NaN where there is one person.

    Args:
        curves: (people, t), NaN where unknown.
    """
    known = np.isfinite(curves).sum(axis=0)
    mean = mean_of_known(curves)
    left = np.where(np.isfinite(curves), curves - mean, 0.0)
    spread = np.full(len(mean), np.nan)
    several = known > 1
    spread[several] = student.ppf(0.975, known[several] - 1) * np.sqrt(
        (left**2).sum(axis=0)[several] / (known[several] - 1) / known[several]
    )
    return mean, mean - spread, mean + spread


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table, whole or not at all; what a spreadsheet would take for a formula is escaped.

    Raises:
        OutputError: it can't be written.
    """
    for column in frame.select_dtypes(["object", "str"]):
        texts = [each for each in frame[column].unique() if isinstance(each, str)]
        if formulas := {each: escape_formula(each) for each in texts if escape_formula(each) != each}:
            frame = frame.assign(**{str(column): frame[column].replace(formulas)})
    with written_whole(path) as temporary:
        frame.to_csv(temporary, index=False)


def mean_of_known(values: Floats, axis: int = 0) -> Floats:
    """Return the mean of what is known; NaN where nothing is, without a warning."""
    known = np.isfinite(values).sum(axis=axis)
    sums = np.where(np.isfinite(values), values, 0.0).sum(axis=axis)
    return np.asarray(np.where(known > 0, sums / np.maximum(known, 1), np.nan))


def _grid(
    before_s: float, after_s: float, baseline_s: tuple[float, float] | None, step_s: float, least_face: float
) -> tuple[Floats, Any]:
    """Return the grid, and which of its times are the baseline's."""
    if not (before_s >= 0 and after_s > 0 and 0 < step_s <= after_s and 0 <= least_face <= 1):
        raise ConfigError(
            "expected a time before of at least 0 s, one after and a step above 0 s, and a share of face from"
            f" 0 to 1, received {before_s:g}, {after_s:g}, {step_s:g} and {least_face:g}"
        )
    if (before_s + after_s) / step_s > _MOST_POINTS:
        raise ConfigError(f"expected at most {_MOST_POINTS:,} steps in an epoch: choose a longer --step")
    steps = np.arange(-round(before_s / step_s), round(after_s / step_s) + 1)
    grid = np.asarray(steps * step_s, np.float64).round(_DECIMALS)
    if baseline_s is None:
        return grid, None
    low, high = baseline_s
    inside = (grid >= low - 1e-9) & (grid < high - 1e-9)
    if not low < high or not inside.any() or low < grid[0] - 1e-9 or high > grid[-1] + 1e-9:
        raise ConfigError(
            f"baseline: expected FROM:TO within the epoch from {grid[0]:g} to {grid[-1]:g} s, or none,"
            f" received {low:g}:{high:g}"
        )
    return grid, inside


def _shared(events: pd.DataFrame, before_s: float, after_s: float) -> Any:
    """Return in which epochs another stimulus begins or lasts."""
    shared = np.zeros(len(events), bool)
    for rows in events.groupby("recording").indices.values():
        onsets = events["onset_s"].to_numpy()[rows]
        low, high = np.searchsorted(onsets, onsets - before_s), np.searchsorted(onsets, onsets + after_s)
        ends = np.maximum.accumulate(onsets + events["duration_s"].to_numpy()[rows])
        shared[rows] = high - low > 1
        shared[rows[1:]] |= ends[:-1] > onsets[1:] - before_s
    return shared


def _notes(events: pd.DataFrame, outside: Any, shared: Any, ends_s: Any) -> list[str]:
    many = len(events)
    notes = []
    if "simulated" in events and (events["simulated"] == 1).any():
        notes.append("simulated: a program made these people up")
    if outside.any():
        first = events[outside].iloc[0]
        notes.append(
            f"{outside.sum()} of {count(many, 'stimulus', 'stimuli')} begin outside their recording, the"
            f" first at {first['onset_s']:g} s of {first['recording']}, which is read up to"
            f" {ends_s[outside].iloc[0]:g} s"
        )
    for why in (LITTLE_FACE, NO_BASELINE):
        if rejected := int((events["rejected"] == why).sum()):
            notes.append(f"{rejected} of {count(many, 'epoch')} rejected: {why}")
    if shared.any():
        notes.append(
            f"in {shared.sum()} of {count(many, 'epoch')} another stimulus begins or lasts"
            + (": rejected" if (events["rejected"] == NOT_ALONE).any() else "; --alone rejects these")
        )
    lost = sorted(set(events["person"]) - set(events.loc[events["kept"], "person"]))
    if lost:
        notes.append(f"nothing is left of {count(len(lost), 'person', 'people')}: {first_few(lost)}")
    return notes
