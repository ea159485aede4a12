"""Labelled courses: what somebody who watched a film wrote down, and how well states agree with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PureWindowsPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.textfile import NO_VALUE, csv_form, missing_cells
from mien.videos.states import Floats, changes
from mien.wording import plainly, reason


def read_courses(
    path: str | Path, labels: Sequence[str], step_s: float
) -> list[tuple[str, NDArray[np.int64]]]:
    """Read labelled courses: who watched a film wrote down the state at moments, or where it begins.

    Args:
        path: a CSV with the columns `video`, `time_s` and `label`; a label holds until the video's next row,
            and an empty one ends it. So one row for each change is enough, and one for each frame is fine.
        labels: the network's.
        step_s: seconds from one step to the next.

    Returns:
        Of each video its name and (n,) the place in `labels` every `step_s` from 0 on; -1 where there is
        none.

    Raises:
        DatasetError: it can't be read, a column is missing, a label isn't the network's, or a time is none.
    """
    table = _table(Path(path))
    table["label"] = table["label"].fillna("").str.strip()
    table.loc[table["label"].isin(set(NO_VALUE) - set(labels)), "label"] = ""
    if odd := sorted(set(table["label"]) - set(labels) - {""}):
        raise DatasetError(
            f"{path}: the network has no label {', '.join(odd[:5])}; its labels are {', '.join(labels)}"
        )
    found = []
    for video, rows in table.sort_values("time_s", kind="stable").groupby("video", sort=True):
        times_s = rows["time_s"].to_numpy(np.float64)
        places = [labels.index(each) if each else -1 for each in rows["label"]]
        steps = np.arange(int(times_s[-1] / step_s + 1e-6) + 1) * step_s
        before = np.searchsorted(times_s, steps + 1e-6 * step_s, side="right") - 1
        found.append((str(video), np.where(before >= 0, np.array(places, np.int64)[before], -1)))
    return found


def course_of(path: str | Path, film: str, labels: Sequence[str], step_s: float) -> NDArray[np.int64]:
    """Read one film's labelled course from a table, as `read_courses` does.

    Args:
        path: the table.
        film: the film's name, which the table may give with folders or without its suffix.
        labels: the network's.
        step_s: seconds from one step to the next.

    Raises:
        DatasetError: as in `read_courses`, or the table has no row of this film.
    """
    found = dict(read_courses(path, labels, step_s))
    names = [each for each in found if PureWindowsPath(each).name in (film, PurePath(film).stem)]
    if not names:
        raise DatasetError(f"{path}: has no rows of the video {film}; there are: {', '.join(found)}")
    return found[film if film in names else names[0]]


def _table(path: Path) -> pd.DataFrame:
    try:
        named = missing_cells(path, ("video", "label"))
        table = pd.read_csv(path, **csv_form(path), **named, dtype={"video": str, "label": str})
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not a readable table: expected UTF-8 text") from error
    except (ValueError, pd.errors.ParserError) as error:
        raise DatasetError(f"{path}: not a readable table: {plainly(str(error))}") from error
    if missing := [each for each in ("video", "time_s", "label") if each not in table]:
        raise DatasetError(
            f"{path}: expected the columns video, time_s and label, found no {', '.join(missing)}"
        )
    table["time_s"] = pd.to_numeric(table["time_s"], errors="coerce")
    if not np.isfinite(table["time_s"]).all() or (table["time_s"] < 0).any() or not len(table):
        raise DatasetError(f"{path}: expected a time in seconds from 0 on in every row")
    if table["video"].isna().any():
        raise DatasetError(f"{path}: expected the name of the video in every row")
    return table


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a film's states agree with what somebody who watched it wrote down.

    Attributes:
        frames: labelled frames that were compared, also those in which no face was read.
        average_precision: of each label that occurs, 0 to 1: the area under precision over recall as the
            frames are taken by falling probability, of the network alone. A labelled frame without a face
            comes last.
        mean_average_precision: their mean.
        accuracy, accuracy_of_frames: share of the frames whose state, or whose label by the network alone, is
            right; a frame without one is wrong.
        changes, changes_of_states, changes_of_frames: how often the label changes for who watched it, in the
            states, and in the network's labels frame by frame.
        false_changes_of_states, false_changes_of_frames: steps at which the states or labels change although
            for who watched it nothing changes within a second.
    """

    frames: int
    average_precision: dict[str, float]
    mean_average_precision: float
    accuracy: float
    accuracy_of_frames: float
    changes: int
    changes_of_states: int
    changes_of_frames: int
    false_changes_of_states: int
    false_changes_of_frames: int


def agreement(
    read: pd.DataFrame, truth: NDArray[np.int64], labels: Sequence[str], step_s: float
) -> Agreement:
    """Compare a film's states with labelled ones.

    Args:
        read: an infant's `frame`, with states.
        truth: (n,) place in `labels` every `step_s` from 0 on, as `read_courses` gives it; -1 where there is
            none.
        labels: the network's.
        step_s: seconds from one step of `truth` to the next.

    Raises:
        DatasetError: no labelled moment is in the film.
    """
    times_s = read["time_s"].to_numpy(np.float64)
    step = np.round(times_s / step_s).astype(np.int64)
    padded = np.append(truth, -1)  # behind its end there is no label
    known = padded[np.minimum(step, len(truth))]
    kept = known >= 0
    if not kept.any():
        raise DatasetError(f"none of the film's {len(known)} frames has a label in the table")
    place = {label: number for number, label in enumerate(labels)}
    said = {
        column: np.array([place[each] if isinstance(each, str) else -1 for each in read[column]])
        for column in ("label", "state")
    }
    p = read[[f"p_{label}" for label in labels]].to_numpy(np.float64)
    precision = average_precisions(p[kept], known[kept], labels)
    return Agreement(
        frames=int(kept.sum()),
        average_precision=precision,
        mean_average_precision=float(np.mean(list(precision.values()))),
        accuracy=float((said["state"] == known)[kept].mean()),
        accuracy_of_frames=float((said["label"] == known)[kept].mean()),
        changes=changes(known[kept].tolist()),
        changes_of_states=_changes(said["state"][kept]),
        changes_of_frames=_changes(said["label"][kept]),
        false_changes_of_states=false_changes(said["state"][kept], known[kept], times_s[kept]),
        false_changes_of_frames=false_changes(said["label"][kept], known[kept], times_s[kept]),
    )


def average_precisions(
    probabilities: Floats, truth: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, float]:
    """Return the average precision of each label that occurs.

    Args:
        probabilities: (n, k); a row of NaN, where no face was read, is ranked last.
        truth: (n,) places in `labels`.
        labels: k names.
    """
    from sklearn.metrics import average_precision_score

    scores = np.nan_to_num(probabilities, nan=-1.0)
    return {
        label: float(average_precision_score(truth == number, scores[:, number]))
        for number, label in enumerate(labels)
        if (truth == number).any()
    }


def _changes(places: NDArray[np.int64]) -> int:
    return changes([each if each >= 0 else None for each in places.tolist()])


def false_changes(
    said: NDArray[np.int64], truth: NDArray[np.int64], times_s: Floats, near_s: float = 1.0
) -> int:
    """Count the changes of what was said that have no change of the truth within `near_s` seconds.

    Args:
        said: (n,) places; -1 where nothing was said, which is passed over.
        truth: (n,) places.
        times_s: (n,) rising.
        near_s: seconds.
    """
    there = np.flatnonzero(said >= 0)
    at_s = times_s[there[1:]][np.diff(said[there]) != 0]
    true_s = times_s[1:][np.diff(truth) != 0]
    if not len(true_s):
        return len(at_s)
    return int((np.abs(at_s[:, None] - true_s).min(axis=1) > near_s).sum()) if len(at_s) else 0
