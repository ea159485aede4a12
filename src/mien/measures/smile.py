"""How a smile goes: onset, apex and offset of the corners of the mouth, both sides, and the lower lids.

The features are those that published studies of spontaneous and posed smiles use (Cohn & Schmidt 2004,
Schmidt et al. 2006, Valstar et al. 2006). They are numbers; docs/measures.md says what they can't tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from mien.measures.pose import Floats, frontal, solve_pose
from mien.measures.shape import MOST_TURNED_DEG

POINTS: Final = ("left_x", "left_y", "right_x", "right_y", "lids")
"""What `smile_points` gives: the corners of the mouth, left and right as one sees them in the picture, and
how far the lower lids are below the corners of the eyes."""
LEAST_QUALITY: Final = 0.5
LEAST_HZ: Final = 12.0
"""An onset takes half a second: with fewer frames its speed can't be told."""

_BEFORE_S, _AFTER_S = 1.5, 2.5
"""What is looked at before and after an episode."""
_REST_S: Final = 1.0
_HZ: Final = 60.0
_SMOOTH_S: Final = 0.06
_LOW, _HIGH = 0.1, 0.9
_LEAST_AMPLITUDE: Final = 0.02
"""Some 2 mm; less is not told from how the landmarks tremble."""
_ABOVE_NOISE: Final = (4.0, 14.0)
"""Amplitudes, in noises at rest, whose quality is 0 and 1."""
_PEAK: Final = 0.15
_LIDS_ABOVE, _LEAST_RAISE = 1.5, 0.004
_GAP_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class SmileDynamics:
    """How one smile went. Lengths are in distances between the outer corners of the eyes (some 9 cm).

    Attributes:
        onset_s: when the corners of the mouth have gone a tenth of their way.
        apex_s: when they have gone nine tenths of the way to the first peak.
        apex_end_s: when they were last that near to the last peak.
        offset_s: when they are back to a tenth; None where that wasn't seen.
        amplitude: how far they went, the mean of both sides.
        onset_speed: their highest speed until the apex, a second.
        offset_speed: their highest speed back, a second; None where that wasn't seen.
        peaks: how often they turned back by more than a seventh of the way, and once.
        asymmetry: (left - right) / (left + right) at the apex, -1 to 1.
        left_lag_s: how much later the left side was half-way.
        cheek_raise: how far the lower lids rose until the apex; a sign of raised cheeks (AU6).
        cheek_lag_s: how much later these were half-way; None where they hardly rose.
        quality: 0 to 1, by how far the amplitude stands out of the landmarks' tremble, and by missing frames.
    """

    onset_s: float
    apex_s: float
    apex_end_s: float
    offset_s: float | None
    amplitude: float
    onset_speed: float
    offset_speed: float | None
    peaks: int
    asymmetry: float
    left_lag_s: float | None
    cheek_raise: float
    cheek_lag_s: float | None
    quality: float

    @property
    def onset_duration_s(self) -> float:
        """Seconds from onset to apex."""
        return self.apex_s - self.onset_s

    @property
    def apex_duration_s(self) -> float:
        """Seconds at the apex."""
        return self.apex_end_s - self.apex_s

    @property
    def offset_duration_s(self) -> float | None:
        """Seconds from the apex's end to the offset."""
        return None if self.offset_s is None else self.offset_s - self.apex_end_s

    @property
    def amplitude_per_s(self) -> float:
        """Amplitude by the duration of the onset (Cohn & Schmidt 2004)."""
        return self.amplitude / max(self.onset_duration_s, 1 / _HZ)


def smile_points(landmarks: NDArray[np.floating]) -> Floats:
    """Return where the corners of the mouth and the lower lids of faces are.

    Args:
        landmarks: (n, 68, 2) in pixels, iBUG's order; NaN where there are none.

    Returns:
        (n, 5), as `POINTS`, on the face turned to the front; NaN without landmarks, or further turned away
        than 45 degrees.
    """
    found = np.full((len(landmarks), len(POINTS)), np.nan)
    usable = np.flatnonzero((np.ptp(landmarks, axis=1) > 0).all(axis=1))
    if not len(usable):
        return found
    pose = solve_pose(landmarks[usable])
    seen = pose.turned_deg <= MOST_TURNED_DEG
    faces = frontal(landmarks[usable], pose)[seen]
    lids = faces[:, [40, 41, 46, 47], 1].mean(axis=1) - faces[:, [36, 39, 42, 45], 1].mean(axis=1)
    found[usable[seen]] = np.column_stack([faces[:, 48], faces[:, 54], lids])
    return found


def smile_dynamics(times_s: Floats, points: Floats, start_s: float, end_s: float) -> SmileDynamics | None:
    """Return how a smile went.

    Args:
        times_s: (n,) of one face's frames, rising.
        points: (n, 5) of `smile_points`.
        start_s: about when it began, such as the onset of an episode of happiness.
        end_s: about when it ended.

    Returns:
        None where its beginning wasn't seen, frames are missing or too few a second, or the corners of the
        mouth hardly moved: where the quality would be below 0.5.
    """
    inside = (
        (times_s >= start_s - _BEFORE_S) & (times_s <= end_s + _AFTER_S) & np.isfinite(points).all(axis=1)
    )
    times, points = times_s[inside], points[inside]
    resting = times < times[0] + _REST_S if len(times) else inside[:0]
    if resting.sum() < _REST_S * LEAST_HZ or times[-1] < end_s - _GAP_S or times[0] > start_s - _REST_S:
        return None
    if np.median(np.diff(times)) > 1 / LEAST_HZ or np.diff(times[times <= end_s]).max() > _GAP_S:
        return None
    rest = np.median(points[resting], axis=0)
    even_s = np.arange(times[0], times[-1], 1 / _HZ)
    during = (even_s >= start_s - _REST_S / 2) & (even_s <= end_s + _AFTER_S)
    moved = points - rest
    along = [moved[:, part] @ _way(moved[:, part]) for part in (slice(0, 2), slice(2, 4))]
    sides = [gaussian_filter1d(np.interp(even_s, times, each), _SMOOTH_S * _HZ) for each in along]
    course = (sides[0] + sides[1]) / 2
    top = int(np.argmax(np.where(during, course, -np.inf)))
    amplitude = float(course[top])
    noise = 1.48 * float(np.median(np.abs(along[0] + along[1])[resting])) / 2
    quality = (amplitude / max(noise, 1e-6) - _ABOVE_NOISE[0]) / (_ABOVE_NOISE[1] - _ABOVE_NOISE[0])
    if amplitude < _LEAST_AMPLITUDE or quality < LEAST_QUALITY:
        return None
    phases = _phases(np.where(during, course, -np.inf), top, amplitude)
    if phases is None:
        return None
    begins, apex, first, peaks, apex_end, ends = phases
    speed = np.gradient(course) * _HZ
    held = slice(apex, apex_end + 1)
    left, right = (float(np.median(each[held])) for each in sides)
    lids = gaussian_filter1d(np.interp(even_s, times, -moved[:, 4]), 2 * _SMOOTH_S * _HZ)
    lids_noise = 1.48 * float(np.median(np.abs(moved[resting, 4])))
    raised = float(np.median(lids[held]))
    left_half, right_half = (_passes(each, first, float(each[first]) / 2) for each in sides)
    cheek = _passes(lids, first, raised / 2) if raised > max(_LIDS_ABOVE * lids_noise, _LEAST_RAISE) else None
    return SmileDynamics(
        onset_s=float(even_s[begins]),
        apex_s=float(even_s[apex]),
        apex_end_s=float(even_s[apex_end]),
        offset_s=None if ends is None else float(even_s[ends]),
        amplitude=amplitude,
        onset_speed=float(speed[begins : apex + 1].max()),
        offset_speed=None if ends is None else float(-speed[apex_end : ends + 1].min()),
        peaks=peaks,
        asymmetry=float(np.clip((left - right) / (left + right), -1, 1)) if left + right > 0 else 0.0,
        left_lag_s=_apart(left_half, right_half),
        cheek_raise=raised,
        cheek_lag_s=_apart(cheek, _passes(course, first, float(course[first]) / 2)),
        quality=float(min(1.0, quality)),
    )


def _apart(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else (one - other) / _HZ


def _way(moved: Floats) -> Floats:
    """Return the direction in which a corner goes, by where it is furthest away."""
    far = np.linalg.norm(moved, axis=1)
    mean = moved[far >= np.quantile(far, 0.8)].mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9))


def _phases(course: Floats, top: int, amplitude: float) -> tuple[int, int, int, int, int, int | None] | None:
    """Return the steps of onset, apex, first peak, how many peaks, the apex's end, and the offset.

    A laugh swells again and again: its onset is the rise to the first peak, not to the highest.
    """
    low = np.flatnonzero(course[:top] < _LOW * amplitude)
    if not len(low):
        return None
    begins = int(low[-1]) + 1
    back = np.flatnonzero(course[top:] < _LOW * amplitude)
    ends = top + int(back[0]) if len(back) and np.isfinite(course[top + int(back[0])]) else None
    seen = np.flatnonzero(np.isfinite(course))
    last = int(seen[-1]) if ends is None else ends
    within = course[begins : last + 1]
    found = find_peaks(np.r_[0.0, within, 0.0], height=amplitude / 2, prominence=_PEAK * amplitude)[0]
    peaks = found - 1 + begins if len(found) else np.array([top])
    first, final = int(peaks[0]), int(peaks[-1])
    apex = begins + int(np.argmax(within >= _HIGH * course[first]))
    apex_end = begins + int(np.flatnonzero(within >= _HIGH * course[final])[-1])
    return begins, apex, first, len(peaks), apex_end, ends


def _passes(course: Floats, top: int, level: float) -> float | None:
    """Return the last step before `top` at which a course rises over a level, between two steps."""
    below = np.flatnonzero(course[:top] < level)
    if not len(below) or level <= 0:
        return None
    at = int(below[-1])
    return at + float((level - course[at]) / (course[at + 1] - course[at]))
