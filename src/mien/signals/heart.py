"""Heart beats from an electrocardiogram or a pulse wave: their times, their rate and its variability.

NeuroKit2 (Makowski et al. 2021) cleans and finds the beats. Which of them count is ours: a beat has to look
like the beats around it (Orphanidou et al. 2015) and come at a plausible distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.signals.types import Signal

_ECG_HZ: Final = 250.0
_PPG_HZ: Final = 100.0
_LEAST_HZ: Final = {"ecg": 90.0, "ppg": 15.0}
"""Below these the spike, or the wave, of a beat has too few samples."""
_BRIDGED_S: Final = 0.25
_LEAST_PIECE_S: Final = 4.0
_BEAT_S: Final = {"ecg": (0.15, 0.25), "ppg": (0.25, 0.35)}
"""What belongs to a beat's shape, before and after its peak."""
_ALIKE: Final = {"ecg": 0.66, "ppg": 0.80}
"""Least correlation with the typical beat (Orphanidou et al. 2015, who have 0.86 for a pulse wave)."""
_TYPICAL_OF: Final = 41
"""The typical beat is the median of so many around it."""
_PLAUSIBLE_S: Final = (0.30, 2.0)
"""Distances from beat to beat: 200 to 30 beats a minute."""
_OUT_OF_LINE: Final = 0.35
"""Beats missed or seen twice change a distance by half of the usual one or more; breathing by a quarter."""
_AROUND: Final = 11


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """The beats of one signal.

    Attributes:
        times_s: float64, (n,), of each beat's peak.
        intervals_s: float64, (n,), since the beat before; NaN where that is not known.
        alike: float64, (n,), the correlation of its shape with the typical beat's, -1 to 1; 1 where a
            device gave only the intervals.
        good: bool, (n,), the interval before it is to be trusted.
    """

    times_s: NDArray[np.float64]
    intervals_s: NDArray[np.float64]
    alike: NDArray[np.float64]
    good: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.times_s)

    def between(self, start_s: float, end_s: float) -> Beats:
        """Return the beats from `start_s` on and before `end_s`."""
        inside = slice(*np.searchsorted(self.times_s, (start_s, end_s)))
        return Beats(self.times_s[inside], self.intervals_s[inside], self.alike[inside], self.good[inside])

    def quality(self, start_s: float, end_s: float) -> float:
        """Return which share of a time trusted intervals cover, 0 to 1."""
        ends, lengths = self.times_s[self.good], self.intervals_s[self.good]
        covered = np.minimum(ends, end_s) - np.maximum(ends - lengths, start_s)
        # The beat that has begun and the one that goes on lie half outside.
        usual = float(np.median(lengths)) if len(lengths) else 0.0
        return float(min(1.0, (np.maximum(covered, 0).sum() + usual) / (end_s - start_s))) if usual else 0.0


def find_beats(signal: Signal) -> Beats:
    """Find the beats in a signal.

    Args:
        signal: of kind "ecg", "ppg" or "intervals".

    Returns:
        Its beats; none where it is too slow or too short.

    Raises:
        ModuleNotFoundError: without NeuroKit2, which `mien[signals]` brings.
    """
    if signal.kind == "intervals":
        seconds = signal.values if signal.unit != "ms" else signal.values / 1000
        follows = np.abs(np.diff(signal.times_s, prepend=-np.inf) - seconds) < 0.05 + 0.1 * seconds
        return _judged(signal.times_s, np.where(follows, seconds, np.nan), np.ones(len(signal)), 0.0)
    kind = "ecg" if signal.kind == "ecg" else "ppg"
    found = []
    for piece in signal.pieces(_BRIDGED_S):
        if piece.duration_s >= _LEAST_PIECE_S and (piece.rate_hz or 0) >= _LEAST_HZ[kind]:
            found.append(_of_piece(piece, kind))
    times = np.concatenate([each[0] for each in found]) if found else np.array([])
    alike = np.concatenate([each[1] for each in found]) if found else np.array([])
    intervals = [np.diff(each[0], prepend=np.nan) for each in found if len(each[0])]
    return _judged(times, np.concatenate(intervals) if intervals else np.array([]), alike, _ALIKE[kind])


def _of_piece(piece: Signal, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the times of the beats in a piece without gaps, and how alike they are."""
    from mien.signals.processing import neurokit

    nk: Any = neurokit()
    rate = _ECG_HZ if kind == "ecg" else _PPG_HZ
    even = piece.even(rate)
    if np.ptp(even.values) == 0:
        return np.array([]), np.array([])
    if kind == "ecg":
        clean = nk.ecg_clean(even.values, sampling_rate=int(rate))
        peaks = nk.ecg_findpeaks(clean, sampling_rate=int(rate))["ECG_R_Peaks"]
    else:
        clean = nk.ppg_clean(even.values, sampling_rate=int(rate))
        clean = clean * _way_up(clean, rate)
        peaks = nk.ppg_findpeaks(clean, sampling_rate=int(rate))["PPG_Peaks"]
    peaks = np.asarray(peaks, np.intp)
    peaks = peaks[(peaks > 0) & (peaks < len(clean) - 1)]
    return even.times_s[0] + (peaks + _between_samples(clean, peaks)) / rate, _alike(clean, peaks, rate, kind)


def _way_up(clean: NDArray[np.float64], rate: float) -> float:
    """Return 1 if the wave's steep side goes up, as blood arrives, else -1: a lens sees less light then."""
    steps = np.diff(clean)
    size = np.abs(steps) <= np.quantile(np.abs(steps), 0.98)  # knocks are steeper than any pulse
    return 1.0 if (steps[size] ** 3).sum() >= 0 else -1.0


def _between_samples(clean: NDArray[np.float64], peaks: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how far beyond its sample each peak lies, -0.5 to 0.5: the top of a parabola through three."""
    before, at, after = clean[peaks - 1], clean[peaks], clean[peaks + 1]
    bend = before - 2 * at + after
    return np.clip(np.divide(before - after, 2 * bend, out=np.zeros(len(peaks)), where=bend < 0), -0.5, 0.5)


def _alike(
    clean: NDArray[np.float64], peaks: NDArray[np.intp], rate: float, kind: str
) -> NDArray[np.float64]:
    """Return the correlation of each beat's shape with the median of the beats around it."""
    before, after = (round(each * rate) for each in _BEAT_S[kind])
    if not len(peaks):
        return np.array([])
    padded = np.pad(clean, (before, after), mode="edge")
    shapes = np.lib.stride_tricks.sliding_window_view(padded, before + after + 1)[peaks]
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    alike = np.zeros(len(peaks))
    for first in range(0, len(peaks), _TYPICAL_OF):
        first = max(0, min(first, len(peaks) - _TYPICAL_OF))
        group = shapes[first : first + _TYPICAL_OF]
        typical = np.median(group, axis=0)
        norms = np.linalg.norm(group, axis=1) * np.linalg.norm(typical)
        alike[first : first + len(group)] = np.divide(
            group @ typical, norms, out=np.zeros(len(group)), where=norms > 0
        )
    return alike


def _judged(
    times_s: NDArray[np.float64], intervals_s: NDArray[np.float64], alike: NDArray[np.float64], least: float
) -> Beats:
    """Return the beats, each with whether the interval before it is to be trusted."""
    good = np.isfinite(intervals_s) & (intervals_s >= _PLAUSIBLE_S[0]) & (intervals_s <= _PLAUSIBLE_S[1])
    good &= (alike >= least) & (np.r_[1.0, alike[:-1]][: len(alike)] >= least)
    around = np.pad(np.where(good, intervals_s, np.nan), _AROUND // 2, constant_values=np.nan)
    if len(times_s):
        windows = np.lib.stride_tricks.sliding_window_view(around, _AROUND)
        usual = np.nanmedian(np.where(np.isnan(windows).all(axis=1)[:, None], 0.0, windows), axis=1)
        good &= np.abs(intervals_s - usual) <= _OUT_OF_LINE * usual
    return Beats(times_s, intervals_s, alike, good)


LEAST_FOR_VARIABILITY: Final = 0.8
"""Below this quality no variability is given."""

VARIABILITY: Final[dict[str, float]] = {
    "rmssd_ms": 60.0, "pnn50": 60.0, "hf_ms2": 60.0, "lf_ms2": 120.0, "sdnn_ms": 300.0,
}  # fmt: skip
"""The least seconds for which each index of variability is defined: Task Force (1996), and for `rmssd_ms` and
`pnn50` Shaffer and Ginsberg (2017). Values of `sdnn_ms` are comparable only over the same length."""
_BANDS_HZ: Final = {"lf_ms2": (0.04, 0.15), "hf_ms2": (0.15, 0.40)}
_TACHOGRAM_HZ: Final = 4.0
_NORMAL: Final = 0.20
"""An interval further from the usual one is not from one normal beat to the next (Malik et al. 1989)."""


def variability(beats: Beats, start_s: float, end_s: float) -> dict[str, float | None]:
    """Return the indices of variability between two times.

    Returns:
        Each of `VARIABILITY`; None where the time is too short for it, or the beats are not good enough.
    """
    inside = beats.between(start_s, end_s)
    indices: dict[str, float | None] = dict.fromkeys(VARIABILITY)
    if inside.quality(start_s, end_s) < LEAST_FOR_VARIABILITY or inside.good.sum() < 20:
        return indices
    usual = np.median(inside.intervals_s[inside.good])
    normal = inside.good & (np.abs(inside.intervals_s - usual) <= _NORMAL * usual + 0.1)
    both = normal[1:] & normal[:-1]
    changes_ms = 1000 * np.diff(inside.intervals_s)[both]
    computed = {
        "rmssd_ms": float(np.sqrt(np.mean(changes_ms**2))) if len(changes_ms) > 10 else None,
        "pnn50": float(np.mean(np.abs(changes_ms) > 50)) if len(changes_ms) > 10 else None,
        "sdnn_ms": float(1000 * np.std(inside.intervals_s[normal], ddof=1)),
        **_bands(inside.times_s[normal], 1000 * inside.intervals_s[normal]),
    }
    for name, least_s in VARIABILITY.items():
        if end_s - start_s >= least_s:
            indices[name] = computed[name]
    return indices


def _bands(times_s: NDArray[np.float64], intervals_ms: NDArray[np.float64]) -> dict[str, float]:
    """Return the power of the intervals' course in each band, in ms^2, by Welch."""
    from scipy.interpolate import PchipInterpolator
    from scipy.signal import detrend, welch

    even = np.arange(times_s[0], times_s[-1], 1 / _TACHOGRAM_HZ)
    course = detrend(np.asarray(PchipInterpolator(times_s, intervals_ms)(even), np.float64))
    frequencies, power = welch(course, _TACHOGRAM_HZ, nperseg=min(len(course), int(120 * _TACHOGRAM_HZ)))
    return {
        name: float(power[(frequencies >= low) & (frequencies < high)].sum() * frequencies[1])
        for name, (low, high) in _BANDS_HZ.items()
    }
