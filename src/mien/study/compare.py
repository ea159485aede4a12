"""`mien.compare_epochs(epochs)`: conditions and groups, by a mixed model and by clusters in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mien import __version__
from mien.errors import ConfigError, SourceError
from mien.files import check_folder, write_json
from mien.study.clusters import (
    LEAST_OF_GROUP,
    LEAST_WITHIN,
    ROUNDS,
    ClusterTest,
    groups_exchanged,
    signs_flipped,
)
from mien.study.epochs import Epochs, mean_and_interval, mean_of_known, read_epochs, write_csv
from mien.study.models import MixedModel, difference, mixed_model
from mien.study.tables import Floats
from mien.wording import count, first_few

if TYPE_CHECKING:
    import pandas as pd

_REFERENCES: Final = ("neutral", "control", "controls", "baseline", "rest")
"""What others are compared with, where there is one of these names and no other is chosen."""

COMPARED_FILE, COURSES_FILE = "compare.json", "differences.csv"


@dataclass(frozen=True, slots=True, eq=False)
class CourseComparison:
    """Two conditions or two groups over time.

    Attributes:
        name: such as "smile - neutral".
        within: whether both are of the same people; else people are in one of two groups.
        people: how many; of two groups in each.
        times_s: (t,) of the window.
        mean, low, high: (t,) the difference, with a 95 % interval at each time by itself.
        test: by clusters, for all times together.
    """

    name: str
    within: bool
    people: tuple[int, ...]
    times_s: Floats
    mean: Floats
    low: Floats
    high: Floats
    test: ClusterTest

    def spans_s(self, below: float = 1.1) -> list[tuple[float, float]]:
        """Return the first and last time of each cluster whose p is below a limit."""
        return [
            (float(self.times_s[each.start]), float(self.times_s[each.stop - 1]))
            for each in self.test.clusters
            if each.p < below
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return it in numbers, ready for JSON, without the courses."""
        clusters = [
            {"from_s": start, "to_s": end, "mass": each.mass, "p": each.p}
            for each, (start, end) in zip(self.test.clusters, self.spans_s(), strict=True)
        ]
        return {
            "name": self.name, "within": self.within, "people": list(self.people), "clusters": clusters,
            "exchanges": self.test.rounds, "exact": self.test.exact,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class EpochComparison:
    """How epochs differ by condition and group.

    Attributes:
        epochs: that were compared.
        conditions, groups: the first of each is what the others are compared with.
        window_s: from when to when.
        people: with epochs in it.
        model: of each epoch's mean over the window.
        courses: over time.
        seed: of the exchanges.
        notes: in sentences.
    """

    epochs: Epochs
    conditions: tuple[str, ...]
    groups: tuple[str, ...]
    window_s: tuple[float, float]
    people: int
    model: MixedModel
    courses: tuple[CourseComparison, ...]
    seed: int
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return everything but courses and epochs, ready for JSON."""
        return {
            "measure": self.epochs.measure,
            "conditions": list(self.conditions),
            "groups": list(self.groups),
            "window_s": list(self.window_s),
            "people": self.people,
            "epochs": self.epochs.kept,
            "model": asdict(self.model),
            "courses": [each.as_dict() for each in self.courses],
            "seed": self.seed,
            "notes": list(self.notes),
            "version": __version__,
        }

    def differences(self) -> pd.DataFrame:
        """Return the differences over time: `comparison`, `time_s`, `mean`, `low`, `high`, `t`."""
        import pandas as pd

        parts = [
            pd.DataFrame(
                {
                    "comparison": each.name, "time_s": each.times_s, "mean": each.mean, "low": each.low,
                    "high": each.high, "t": each.test.t,
                }
            )
            for each in self.courses
        ]  # fmt: skip
        empty = pd.DataFrame(columns=["comparison", "time_s", "mean", "low", "high", "t"])
        return (pd.concat(parts, ignore_index=True) if parts else empty).round(6)

    def save(self, folder: str | Path) -> list[Path]:
        """Write JSON, a table of the differences over time, and the figure as PDF, SVG and PNG.

        Args:
            folder: earlier results in it are replaced.

        Returns:
            The files.

        Raises:
            OutputError: it can't be written.
        """
        from mien.study.figures import draw_comparison

        folder = Path(folder)
        check_folder(folder)
        write_json(folder / COMPARED_FILE, self.as_dict())
        write_csv(self.differences(), folder / COURSES_FILE)
        return [folder / COMPARED_FILE, folder / COURSES_FILE, *draw_comparison(self, folder / "compare")]


def compare_epochs(
    epochs: Epochs | str | Path,
    *,
    window_s: tuple[float, float] | None = None,
    conditions: Sequence[str] = (),
    reference: str | None = None,
    reference_group: str | None = None,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> EpochComparison:
    """Compare conditions, and groups of people, in epochs.

    Args:
        epochs: what `epochs` gave, or a folder that it was saved in.
        window_s: from when to when; by itself from the onset to the end.
        conditions: only these.
        reference: the condition that the others are compared with; by itself "neutral" or "control", if
            there is one, else the first by name.
        reference_group: the group, as well.
        rounds: exchanges by chance for the clusters, where not all can be tried.
        seed: of these.

    Raises:
        SourceError: there is nothing to compare, or there are too few people.
        ConfigError: a name or a time that is not there.
        ModuleNotFoundError: without statsmodels; `mien[study]` brings it.
    """
    found = epochs if isinstance(epochs, Epochs) else read_epochs(epochs)
    inside, window = _window(found, window_s)
    rows, curves = _in_window(found, inside)
    if conditions:
        _require(conditions, sorted(rows["condition"].unique()), "--condition")
        chosen = rows["condition"].isin(conditions).to_numpy()
        rows, curves = rows[chosen].reset_index(drop=True), curves[chosen]
    first, *others = _ordered(rows["condition"], reference, "condition")
    groups = _ordered(rows["group"], reference_group, "group")
    _check(rows, (first, *others), groups)
    model = mixed_model(rows, (first, *others), groups)
    compared, notes = _over_time(rows, curves, (first, *others), groups, found.times_s[inside], rounds, seed)
    if len(compared) > 1:
        notes.append(
            f"{len(compared)} comparisons over time, each with p of its own: where nothing differs, one in 20"
            " has a cluster with p below 0.05"
        )
    return EpochComparison(
        found, (first, *others), tuple(groups), window, rows["person"].nunique(), model, tuple(compared),
        seed, (*found.notes, *model.notes, *notes),
    )  # fmt: skip


def _window(epochs: Epochs, window_s: tuple[float, float] | None) -> tuple[Any, tuple[float, float]]:
    end_s = float(epochs.times_s[-1])
    low, high = window_s or (max(0.0, float(epochs.times_s[0])), end_s)
    inside = (epochs.times_s >= low - 1e-9) & (epochs.times_s <= high + 1e-9)
    if inside.sum() < 2 or low < epochs.times_s[0] - 1e-9 or high > end_s + 1e-9:
        raise ConfigError(
            f"window: expected FROM:TO within the epochs, {epochs.times_s[0]:g} to {end_s:g} s, received"
            f" {low:g}:{high:g}"
        )
    return inside, (low, high)


def _in_window(epochs: Epochs, inside: Any) -> tuple[pd.DataFrame, Floats]:
    """Return the kept epochs with something read in the window, their means as `value`; and their courses."""
    values = epochs.values[:, inside]
    means = mean_of_known(values, axis=1)
    chosen = epochs.events["kept"].to_numpy(bool) & np.isfinite(means)
    rows = epochs.events.loc[chosen, ["person", "group", "condition"]].astype(str)
    return rows.assign(value=means[chosen]).reset_index(drop=True), values[chosen]


def _ordered(column: pd.Series[str], first: str | None, kind: str) -> tuple[str, ...]:
    """Return the values of a column, the one first that the others are compared with."""
    names = sorted(column.unique())
    option = "--reference" if kind == "condition" else "--reference-group"
    if first is not None:
        _require([first], names, option)
    start = first or next((each for like in _REFERENCES for each in names if each.lower() == like), names[0])
    return (start, *(each for each in names if each != start))


def _require(wanted: Sequence[str], names: Sequence[str], option: str) -> None:
    for each in wanted:
        if each not in names:
            there = f"only {first_few(names)}" if any(names) else "which have no groups"
            raise ConfigError(f"{option}: there is no {each!r} in the epochs, {there}")


def _check(rows: pd.DataFrame, conditions: Sequence[str], groups: Sequence[str]) -> None:
    """Raise where there is nothing to compare, or nothing that could be told from chance."""
    if len(conditions) == 1 and len(groups) == 1:
        raise SourceError(
            f"there is nothing to compare: one condition ({conditions[0]}) and no groups of people; name"
            " conditions in the column condition, or groups in group"
        )
    people = rows.groupby("group")["person"].nunique()
    if int(people.sum()) < LEAST_WITHIN:
        raise SourceError(
            f"too few people: {people.sum()} with epochs that were kept, and it takes {LEAST_WITHIN} to tell"
            " anything from chance"
        )
    for group in groups if len(groups) > 1 else []:
        if people[group] < LEAST_OF_GROUP:
            raise SourceError(
                f"too few people: {people[group]} in the group {group!r}, and it takes {LEAST_OF_GROUP} in"
                " each to tell anything from chance"
            )
    there = set(zip(rows["group"], rows["condition"], strict=True))
    for group in groups:
        for condition in conditions:
            if (group, condition) not in there:
                raise SourceError(
                    f"the group {group!r} has no epochs of {condition}: choose conditions that all groups"
                    " have, with --condition"
                )
    many = rows.groupby("condition")["person"].nunique()
    if few := [each for each in conditions if many[each] < LEAST_OF_GROUP]:
        raise SourceError(
            f"too few people: {many[few[0]]} in the condition {few[0]}, it takes {LEAST_OF_GROUP}"
        )


def _over_time(
    rows: pd.DataFrame, curves: Floats, conditions: Sequence[str], groups: Sequence[str], times_s: Floats,
    rounds: int, seed: int,
) -> tuple[list[CourseComparison], list[str]]:  # fmt: skip
    """Compare people's mean courses over time, all pairs that are told."""
    people, by_person = _of_people(rows, curves, conditions)
    group = people["group"].to_numpy()
    compared, notes = [], []
    for name, values, first in _pairs(by_person, group, conditions, groups):
        known = np.isfinite(values).any(axis=1)
        values, first = values[known], None if first is None else first[known]
        many = (len(values),) if first is None else (int(first.sum()), int((~first).sum()))
        if (least := LEAST_WITHIN if first is None else LEAST_OF_GROUP) > min(many):
            both = "with both" if first is None else "in one of the two"
            notes.append(f"{name}: not compared over time, {count(min(many), 'person', 'people')} {both}"
                         f" and it takes {least}")  # fmt: skip
            continue
        if first is None:
            test = signs_flipped(values, rounds=rounds, seed=seed)
            courses = mean_and_interval(values)
        else:
            test = groups_exchanged(values, first, rounds=rounds, seed=seed)
            courses = _apart(values, first)
        compared.append(CourseComparison(name, first is None, many, times_s, *courses, test))
    return compared, notes


def _of_people(rows: pd.DataFrame, curves: Floats, conditions: Sequence[str]) -> tuple[pd.DataFrame, Floats]:
    """Return the people, and (people, conditions, t) their mean courses, NaN where they have none."""
    people = rows[["person", "group"]].drop_duplicates().reset_index(drop=True)
    by_person = np.full((len(people), len(conditions), curves.shape[1]), np.nan)
    row_of = {person: row for row, person in enumerate(people["person"])}
    parts: Any = rows.groupby(["person", "condition"])
    for (person, condition), part in parts:
        mean = mean_of_known(curves[part.index.to_numpy()])
        by_person[row_of[person], conditions.index(condition)] = mean
    return people, by_person


def _pairs(
    by_person: Floats, group: Any, conditions: Sequence[str], groups: Sequence[str]
) -> Iterator[tuple[str, Floats, Any]]:
    """Yield what is compared: its name, people's courses, and who is in the first of two groups, if any."""
    has: NDArray[np.bool_] = np.asarray(np.isfinite(by_person).any(axis=2))
    within = bool((has.sum(axis=1) > 1).any())
    reference = by_person[:, 0]
    for at, condition in enumerate(conditions[1:], 1):
        name = difference(condition, conditions[0])
        if within:
            yield name, by_person[:, at] - reference, None
        else:
            either = has[:, at] | has[:, 0]
            yield name, np.where(has[:, at, None], by_person[:, at], reference)[either], has[either, at]
    for other in groups[1:]:
        both, name = np.isin(group, (groups[0], other)), difference(other, groups[0])
        if within or len(conditions) == 1:  # people with all conditions, each of which counts the same
            yield name, by_person[both].mean(axis=1), (group == other)[both]
        for at, condition in enumerate(conditions[1:], 1) if within else ():
            twice = f"({difference(condition, conditions[0])}) x ({name})"
            yield twice, (by_person[:, at] - reference)[both], (group == other)[both]


def _apart(values: Floats, first: Any) -> tuple[Floats, Floats, Floats]:
    """Return the difference of two groups' mean courses, with its interval (Welch's, by their own)."""
    (one, low, _), (other, of_other, _) = mean_and_interval(values[first]), mean_and_interval(values[~first])
    reach = np.hypot(one - low, other - of_other)
    return one - other, one - other - reach, one - other + reach
