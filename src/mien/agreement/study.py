"""How two sets of readings agree: `mien.agree`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.agreement.figures import (
    LEAST_PAIRS,
    Labels,
    Numbers,
    columns_of,
    label_figures,
    left_out,
    number_figures,
    units_of,
)
from mien.agreement.pairing import Paired, Shift, estimate_shift, on_one_clock, pair
from mien.agreement.ratings import Ratings, measured
from mien.agreement.reading import read_recordings
from mien.errors import ConfigError, SourceError
from mien.table import plain_name
from mien.wording import count, first_few

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Compared:
    """One recording.

    Attributes:
        name: without folders and suffix.
        frames_a, frames_b: with a face.
        common_frames: how many of them are at the same time in both.
        pairs: faces in both.
        shift: of the second against the first; None where none could be told.
    """

    name: str
    frames_a: int
    frames_b: int
    common_frames: int
    pairs: int
    shift: Shift | None


@dataclass(frozen=True, eq=False)
class AgreementResult:
    """How two sets of readings agree.

    Attributes:
        a, b: what they are of: the tool, and the file's or folder's name.
        recordings: that both have.
        labels: the expression first, then action units.
        numbers: columns of numbers, in the table's order.
        intervals: what the intervals are over, in words; "" where there are none.
        remarks: what a reader should know, in sentences.
        pairs: a row for each pair of faces: `recording`, `time_s`, and each compared column as `NAME_a` and
            `NAME_b`.
    """

    a: str
    b: str
    recordings: tuple[Compared, ...]
    labels: tuple[Labels, ...]
    numbers: tuple[Numbers, ...]
    intervals: str
    remarks: tuple[str, ...]
    pairs: pd.DataFrame

    @property
    def shift_s(self) -> float | None:
        """The usual shift of the second against the first: the median over recordings."""
        known = [each.shift.seconds for each in self.recordings if each.shift]
        return float(np.median(known)) if known else None

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the pairs for JSON."""
        told: dict[str, Any] = {name: getattr(self, name) for name in ("a", "b", "intervals", "shift_s")}
        for name in ("recordings", "labels", "numbers"):
            told[name] = [asdict(each) for each in getattr(self, name)]
        plain: dict[str, Any] = _rounded(told | {"remarks": list(self.remarks)})
        return plain

    def save(self, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write agreement.json, agreement.csv, and pictures of what was compared.

        Args:
            folder: made where it is missing.
            overwrite: whether files that are there are replaced.

        Returns:
            What was written.

        Raises:
            OutputError: files are there, or it can't be written.
        """
        from mien.agreement.report import save

        return save(self, Path(folder), overwrite=overwrite)


def agree(
    a: str | Path,
    b: str | Path,
    *,
    rate_hz_a: float | None = None,
    rate_hz_b: float | None = None,
    tolerance_s: float | None = None,
    align: bool = False,
    boxes: bool = True,
    keep_uncertain: bool = False,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> AgreementResult:
    """Measure how two sets of readings of the same faces agree.

    Args:
        a: a table of Mien, OpenFace, py-feat, DeepFace, fer or FaceReader, or a person's labels; or a folder
            of them, with a file for each recording.
        b: the other; recordings are paired by name, single ones whatever they are called.
        rate_hz_a: frames a second of `a`, where its files don't say when frames were.
        rate_hz_b: the same of `b`.
        tolerance_s: how far apart in time paired frames may be [half of the longer step].
        align: take the shift in time out that is found; else it is only told.
        boxes: pair faces by their boxes, where both have them; else one face each.
        keep_uncertain: count `uncertain` as a label; else such faces are left out of the labels' figures.
        seed: of the bootstrap.
        progress: called with the share that is done, 0 to 1.

    Returns:
        The figures, with 95 % intervals over recordings, or over blocks of time where there is one alone.

    Raises:
        ConfigError: a choice is wrong.
        SourceError: something can't be read, or the two have nothing in common.

    Example:
        >>> import mien
        >>> result = mien.agree("mien-results", "openface")  # doctest: +SKIP
        >>> result.labels[0].kappa, result.numbers[0].icc_2_1  # doctest: +SKIP
    """
    for name, value in (
        ("rate_hz_a (--fps-a)", rate_hz_a), ("rate_hz_b (--fps-b)", rate_hz_b), ("tolerance_s", tolerance_s)
    ):  # fmt: skip
        if value is not None and not 0 < value < np.inf:
            raise ConfigError(f"{name}: expected a number above 0, received {value:g}")
    first, second = read_recordings(Path(a), rate_hz_a), read_recordings(Path(b), rate_hz_b)
    names, remarks = _common(first, second, Path(a).name, Path(b).name)
    compared, kept = [], []
    for place, (name, left, right) in enumerate(names):
        one, paired = _compare(name, left, right, tolerance_s, align=align, boxes=boxes, remarks=remarks)
        compared.append(one)
        kept.append(paired)
        progress((place + 1) / len(names))
    frames = _pair_table(compared, kept)
    if not len(frames):
        raise SourceError(f"{_none(kept)} in {count(len(names), 'recording')} of {a} and {b}")
    units = units_of(frames, seed)
    labels = tuple(label_figures(frames, units, keep_uncertain=keep_uncertain))
    numbers = tuple(number_figures(frames, units))
    remarks += [*units.remarks, *left_out(frames, keep_uncertain=keep_uncertain)]
    if not (labels or numbers):
        raise SourceError(
            _nothing(f"{a} and {b}", frames, {each.tool for each in (*first.values(), *second.values())})
        )
    return AgreementResult(
        _titled(first, a), _titled(second, b), tuple(compared), labels, numbers, units.told,
        tuple(dict.fromkeys(map(plain_name, remarks))), frames,
    )  # fmt: skip


def _titled(recordings: dict[str, Ratings], path: str | Path) -> str:
    return f"{'/'.join(sorted({each.tool for each in recordings.values()}))} ({plain_name(Path(path).name)})"


def _common(
    first: dict[str, Ratings], second: dict[str, Ratings], a: str, b: str
) -> tuple[list[tuple[str, Ratings, Ratings]], list[str]]:
    """Return the recordings that both have, and what is to be said of the others."""
    for side, name in ((first, a), (second, b)):
        if not side:
            raise SourceError(f"{name} has no face in it")
    if len(first) == 1 and len(second) == 1:
        (name, left), (_, right) = *first.items(), *second.items()
        return [(name, left, right)], [*left.remarks, *right.remarks]
    both = [(name, first[name], second[name]) for name in first if name in second]
    if not both:
        raise SourceError(
            f"no recording is in both, name files alike: {a} has {first_few(first)};"
            f" {b} has {first_few(second)}"
        )
    remarks = [line for _, left, right in both for line in (*left.remarks, *right.remarks)]
    for side, other, name in ((first, second, a), (second, first, b)):
        if alone := [each for each in side if each not in other]:
            are = "is" if len(alone) == 1 else "are"
            remarks.append(f"{count(len(alone), 'recording')} {are} only in {name}: {first_few(alone)}.")
    return both, remarks


def _compare(
    name: str,
    left: Ratings,
    right: Ratings,
    tolerance_s: float | None,
    *,
    align: bool,
    boxes: bool,
    remarks: list[str],
) -> tuple[Compared, Paired]:
    without = next((each.tool for each in (left, right) if not each.timed), "")
    left, right, timed = on_one_clock(left, right)
    a, b = left.frame, right.frame
    if timed and without:
        remarks.append(f"{without} says no times here: its frames were given those of the other's.")
    if not timed:
        remarks.append(
            "Neither says when its frames were: they were paired by their numbers; --fps-a and --fps-b tell"
            " times."
        )
    shift = estimate_shift(a, b, _common_columns(a, b)) if timed else None
    late = shift.seconds if align and shift else 0.0
    paired = pair(a, b, shift_s=late, tolerance_s=tolerance_s if timed else 0.25, boxes=boxes)
    if paired.apart and not len(paired.a):
        raise SourceError(
            f"no face in {name} lies at the same place in both: their boxes may be in pixels of another size;"
            " --ignore-boxes pairs one face each"
        )
    if not paired.by_overlap and max(each["track"].nunique() for each in (a, b)) > 1:
        remarks.append("Where there were several faces, the one that was there most was compared.")
    return Compared(name, *paired.frames, paired.common_frames, len(paired.a), shift), paired


def _common_columns(a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    there = set(measured(b))
    return [name for name in measured(a) if name in there]


def _none(kept: list[Paired]) -> str:
    tolerance = max(each.tolerance_s for each in kept)
    return f"no two frames are within {tolerance:.3g} s of each other"


def _nothing(both: str, frames: pd.DataFrame, tools: set[str]) -> str:
    """Return why neither labels nor numbers can be compared."""
    if columns := columns_of(frames):
        pairs = count(len(frames), "pair")
        return (
            f"{both} have {first_few(columns)} in common, but only {pairs} of faces at the same time, and it"
            f" takes {LEAST_PAIRS} to compare numbers: are both times in seconds?"
        )
    posed = " (`mien analyze --measures` adds head pose)" if {"Mien", "OpenFace"} <= tools else ""
    return f"{both} have nothing in common that could be compared{posed}"


def _pair_table(compared: list[Compared], kept: list[Paired]) -> pd.DataFrame:
    import pandas as pd

    columns = list(dict.fromkeys(name for each in kept for name in _common_columns(each.a, each.b)))
    parts = []
    for one, paired in zip(compared, kept, strict=True):
        table: dict[str, Any] = {"recording": one.name, "time_s": paired.a["time_s"]}
        for name in ("expression", *columns):
            for side, frame in (("a", paired.a), ("b", paired.b)):
                table[f"{name}_{side}"] = frame.get(name, np.nan)
        parts.append(pd.DataFrame(table, index=range(len(paired.a))))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value
