"""How summaries are measured in the literature, and the two data sets on which they are.

TVSum   Song et al. (2015), CVPR: 50 videos, 20 people's scores from 1 to 5 for each two seconds
SumMe   Gygli et al. (2014), ECCV: 25 videos, 15 to 18 people's own summaries
F1      Zhang et al. (2016), ECCV: frames in common, the mean over people for TVSum, the best for SumMe
ranks   Otani et al. (2019), CVPR: Kendall's tau and Spearman's rho with each person's scores, which tell
a method from chance where F1 doesn't
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import DatasetError
from mien.install import install_command
from mien.textfile import encoding_of
from mien.videos.summary.course import Floats

SHARE: Final = 0.15
"""The length of a summary in both protocols, as a share of the film."""

SHOT_S: Final = 2.0
"""TVSum's people scored stretches of two seconds."""

_ANNO_COLUMNS: Final = 3
_INFO_COLUMNS: Final = 5


@dataclass(frozen=True, eq=False)
class Annotated:
    """A video that people have scored, or summarised.

    Attributes:
        name: the video's.
        title: what it is about, as far as it is told.
        duration_s: its length; None where it isn't told.
        scores: (people, frames) a score for each frame; 0 and 1 for summaries.
        kind: "scores" of each moment, or "summaries".
    """

    name: str
    title: str
    duration_s: float | None
    scores: Floats
    kind: Literal["scores", "summaries"]

    @property
    def frames(self) -> int:
        """How many frames the video has."""
        return int(self.scores.shape[1])


@dataclass(frozen=True)
class Agreement:
    """How one summary agrees with people's.

    Attributes:
        f1_mean, f1_max: over the people, of the frames in common.
        tau, rho: Kendall's and Spearman's, the mean over the people; NaN where nothing can be ranked.
    """

    f1_mean: float
    f1_max: float
    tau: float
    rho: float


def read_tvsum(folder: Path) -> list[Annotated]:
    """Read TVSum: `ydata-tvsum50.mat`, or `ydata-tvsum50-anno.tsv` and `-info.tsv`.

    Args:
        folder: in which they are, at any depth.

    Raises:
        DatasetError: they aren't there, or aren't of this form.
    """
    for name in ("anno.tsv", "ydata-tvsum50.mat"):
        found = sorted(folder.rglob(f"*{name}"))
        if found:
            return _tvsum_tables(found[0]) if name == "anno.tsv" else _tvsum_mat(found[0])
    raise DatasetError(f"{folder}: expected ydata-tvsum50-anno.tsv or ydata-tvsum50.mat, found neither")


def _tvsum_tables(anno: Path) -> list[Annotated]:
    people: dict[str, list[list[float]]] = {}
    for line, row in _rows(anno, _ANNO_COLUMNS):
        try:
            people.setdefault(row[0], []).append([float(each) for each in row[2].split(",")])
        except ValueError as error:
            raise DatasetError(f"{anno}, line {line}: expected scores separated by commas") from error
    info = anno.with_name(anno.name.replace("anno.tsv", "info.tsv"))
    lines = _rows(info, _INFO_COLUMNS) if info.exists() else []
    about = {row[1]: (row[2], _clock_s(row[4])) for _, row in lines}
    videos = []
    for name, scores in people.items():
        title, duration_s = about.get(name, ("", None))
        videos.append(Annotated(name, title, duration_s, _equal(anno, name, scores), "scores"))
    return videos


def _rows(path: Path, columns: int) -> list[tuple[int, list[str]]]:
    with path.open(encoding=encoding_of(path), newline="") as file:
        rows = list(enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 1))
    wrong = next((line for line, row in rows if row and len(row) < columns), None)
    if wrong is not None or not rows:
        raise DatasetError(f"{path}, line {wrong or 1}: expected {columns} columns separated by tabs")
    # A header has no digits where scores and lengths are.
    return [(line, row) for line, row in rows if row and any(each.isdigit() for each in row[columns - 1])]


def _clock_s(text: str) -> float | None:
    try:
        minutes, _, rest = text.strip().rpartition(":")
        return 60 * float(minutes or 0) + float(rest)
    except ValueError:
        return None


def _equal(path: Path, name: str, scores: Sequence[Sequence[float]]) -> Floats:
    if len({len(each) for each in scores}) != 1:
        raise DatasetError(f"{path}: expected as many scores from everybody for {name}")
    return np.array(scores, float)


def _tvsum_mat(path: Path) -> list[Annotated]:
    """Read the file of MATLAB's version 7.3, which is HDF5: each field holds references, one a video."""
    try:
        import h5py
    except ImportError as error:
        raise DatasetError(
            f"{path}: needs h5py: {install_command('h5py')}; or put the .tsv files beside it"
        ) from error
    try:
        with h5py.File(path) as file:
            table = file["tvsum50"]

            def field(name: str, index: int) -> NDArray[Any]:
                return np.asarray(file[table[name][index, 0]])

            def text(name: str, index: int) -> str:
                return "".join(map(chr, field(name, index).ravel().astype(int)))

            return [
                Annotated(
                    text("video", index), text("title", index), float(field("length", index).ravel()[0]),
                    _people_first(field("user_anno", index), int(field("nframes", index).ravel()[0])),
                    "scores",
                )
                for index in range(table["video"].shape[0])
            ]  # fmt: skip
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise DatasetError(f"{path}: expected TVSum's file of MATLAB 7.3; download it again") from error


def _people_first(scores: NDArray[Any], frames: int) -> Floats:
    """Return scores as (people, frames): MATLAB's order is turned round in HDF5, in some exports it isn't."""
    turned = scores.T if scores.shape[0] == frames != scores.shape[1] else scores
    return np.asarray(turned, float)


def read_summe(folder: Path) -> list[Annotated]:
    """Read SumMe: a `.mat` a video in `GT/`, with `user_score`, `nFrames`, `FPS`.

    Args:
        folder: in which they are, at any depth.

    Raises:
        DatasetError: they aren't there, or aren't of this form.
    """
    found = sorted(path for path in folder.rglob("*.mat") if not path.name.startswith("._"))
    if not found:
        raise DatasetError(
            f"{folder}: expected SumMe's GT folder with a .mat file for each video, found none"
        )
    return [_summe_video(path) for path in found]


def _summe_video(path: Path) -> Annotated:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        data = loadmat(path)
        frames = int(np.ravel(data["nFrames"])[0])
        scores = np.asarray(data["user_score"], float)
        rate_hz = float(np.ravel(data["FPS"])[0]) if "FPS" in data else None
    except (OSError, KeyError, IndexError, ValueError, NotImplementedError, MatReadError) as error:
        raise DatasetError(f"{path}: expected SumMe's user_score and nFrames; download it again") from error
    if scores.ndim != 2 or frames not in scores.shape:
        raise DatasetError(f"{path}: expected user_score of {frames} frames, received {scores.shape}")
    people = scores.T if scores.shape[0] == frames else scores
    duration_s = frames / rate_hz if rate_hz else None
    return Annotated(path.stem, "", duration_s, (people > 0).astype(float), "summaries")


def agreement(scores: ArrayLike, video: Annotated, share: float = SHARE) -> Agreement:
    """Compare a method's scores with people's.

    Args:
        scores: one for each moment, evenly spaced; as many as there are frames, or fewer, or more.
        video: what people said.
        share: of the film that a summary may take.
    """
    from scipy.stats import kendalltau, spearmanr

    ours = _spread(scores, video.frames)
    edges = shot_edges(video)
    mine = key_shots(ours, edges, share)
    if video.kind == "summaries":
        theirs = [each > 0 for each in video.scores]
    else:
        theirs = [key_shots(each, edges, share) for each in video.scores]
    f1 = [_f1(mine, each) for each in theirs]
    ranked = [each for each in video.scores if np.ptp(each) > 0]
    if np.ptp(ours) == 0 or not ranked:
        return Agreement(float(np.mean(f1)), max(f1), float("nan"), float("nan"))
    return Agreement(
        float(np.mean(f1)),
        max(f1),
        float(np.mean([kendalltau(ours, each).statistic for each in ranked])),
        float(np.mean([spearmanr(ours, each).statistic for each in ranked])),
    )


def _spread(scores: ArrayLike, frames: int) -> Floats:
    line = np.asarray(scores, float)
    if line.ndim != 1 or not len(line) or not np.isfinite(line).all():
        raise DatasetError("scores: expected one number for each moment, received none, or something else")
    place = ((np.arange(frames) + 0.5) / frames * len(line)).astype(int)
    return np.asarray(line[place])


def shot_edges(video: Annotated) -> list[int]:
    """Return the frames where shots of two seconds begin, and the end; a fiftieth of it without a length."""
    step_s = SHOT_S / video.duration_s if video.duration_s else 0.02
    step = max(1, round(step_s * video.frames))
    return [*range(0, video.frames, step), video.frames]


def key_shots(scores: Floats, edges: Sequence[int], share: float) -> NDArray[np.bool_]:
    """Choose the shots with the highest mean scores, times their lengths, that fit: an exact knapsack.

    Args:
        scores: (frames,) of at least 0.
        edges: where shots begin, and the end.
        share: of the frames that may be chosen.

    Returns:
        (frames,) which are.
    """
    lengths = np.diff(edges)
    worth = [float(scores[low:high].sum()) for low, high in pairwise(edges)]
    room = int(share * edges[-1])
    # All lengths but the last are equal, so they are counted in their common measure.
    unit = int(np.gcd.reduce(lengths))
    best, taken = np.zeros(room // unit + 1), []
    for length, value in zip(lengths // unit, worth, strict=True):
        better = np.zeros(len(best), bool)
        if length < len(best):
            candidate = best[: len(best) - length] + value
            better[length:] = candidate > best[length:]
            best[length:] = np.maximum(best[length:], candidate)
        taken.append(better)
    chosen, left = np.zeros(edges[-1], bool), len(best) - 1
    for index in reversed(range(len(lengths))):
        if taken[index][left]:
            chosen[edges[index] : edges[index + 1]] = True
            left -= int(lengths[index] // unit)
    return chosen


def _f1(mine: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> float:
    both = float((mine & theirs).sum())
    return 2 * both / (mine.sum() + theirs.sum()) if both else 0.0


def chance(video: Annotated, draws: int = 100, seed: int = 0) -> Agreement:
    """Return what random scores reach on average, which is what a method has to beat (Otani et al. 2019).

    Args:
        video: what people said.
        draws: how many random scores.
        seed: of them.
    """
    random = np.random.default_rng(seed)
    moments = len(shot_edges(video)) - 1
    drawn = [agreement(random.random(moments), video) for _ in range(draws)]
    return _mean(drawn)


def people_agree(video: Annotated) -> Agreement:
    """Return how well one person agrees with the others, on average: what can be hoped for."""
    among = []
    for index in range(len(video.scores)):
        others = Annotated(
            video.name, video.title, video.duration_s, np.delete(video.scores, index, axis=0), video.kind
        )
        among.append(agreement(video.scores[index], others))
    return _mean(among)


def _mean(several: Sequence[Agreement]) -> Agreement:
    return Agreement(*np.nanmean([astuple(each) for each in several], axis=0).tolist())
