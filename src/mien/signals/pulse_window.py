"""The last seconds of a face's colours at even times, without what light, key frames and motion changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

WINDOW_S: Final = 12.0
RATE_HZ: Final = 30.0
COUNT: Final = round(WINDOW_S * RATE_HZ)

_LEAST_HZ, _LEAST_SEEN, _LONGEST_GAP_S, _LEAST_REGIONS = 12.0, 0.8, 0.5, 3
"""At least three regions must be seen, 12 times a second, in this share of the window, without long gaps."""
_STEP, _STEPS_USUAL = 0.008, 6.0
"""Where a colour differs from the last frame's by more than this share, and by more than so many usual steps,
the light has changed, which is taken out."""
_FASTEST: Final = 1.0
"""A face that moves by more inter-ocular distances a second is blurred, and lit anew."""
_KEY_FRAMES_S: Final = (0.3, 2.1)
"""How far key frames are apart that could look like a pulse or like half of one."""
_LARGE, _LEAST_LARGE, _CHANCE, _LEAST_KEY_FRAMES = 0.1, 0.7, 1e-5, 6
"""They are there if so many steps of one phase belong to the first share, of the largest steps, which chance
would bring about less often than that."""
_SMALLEST_LIGHT: Final = 2e-4
"""Less light than this, as a share, is not taken out: what is beside a face may be a neck, with a pulse."""
_APART_S, _MOST_STEADY = 0.25, 4.0
"""Cells of the background are compared over the first; none counts more than so many usual ones."""
_TINY: Final = 1e-12


class Sample(NamedTuple):
    """One frame's face.

    Colours are (regions, 3), the background's (cells, 3); the place is x, y and the eyes' distance in pixels.
    """

    time_s: float
    colours: Floats
    background: Floats
    place: Floats


class Window(NamedTuple):
    """The last seconds at even times.

    Attributes:
        colours: (regions, n, 3) around 1.
        background: (n, 3) around 1; None where too little was seen of it.
        places: (n, 2) in distances of the eyes.
    """

    colours: Floats
    background: Floats | None
    places: Floats


def window(samples: Sequence[Sample], time_s: float) -> Window | None:
    """Return the window that ends at a time; None where too little of it was seen."""
    if len(samples) < _LEAST_HZ * WINDOW_S * _LEAST_SEEN:
        return None
    times_s = np.array([each.time_s for each in samples])
    places = np.array([each.place for each in samples])
    places = places[:, :2] / max(float(np.median(places[:, 2])), 1.0)
    calm = np.r_[True, np.linalg.norm(np.diff(places, axis=0), axis=1) <= _FASTEST * np.diff(times_s)]
    colours = np.array([each.colours for each in samples])
    beside = _beside(times_s, [each.background for each in samples])
    colours = np.concatenate([colours, beside[:, None]], axis=1)
    usable = calm[:, None] & np.isfinite(colours).all(axis=-1)
    key_frames = np.cumsum(_key_frames(times_s, np.where(usable[..., None], colours, np.nan)))
    grid_s = time_s - np.arange(COUNT)[::-1] / RATE_HZ
    *regions, background = (
        _levelled(times_s[there], colours[there, index], key_frames[there], grid_s)
        for index, there in enumerate(usable.T)
    )
    seen = [region for region in regions if region is not None]
    if len(seen) < _LEAST_REGIONS:
        return None
    return Window(
        np.exp(_unlit(np.array(seen), background)),
        None if background is None else np.exp(background),
        _even(times_s, places, grid_s),
    )


def _beside(times_s: Floats, cells: Sequence[Floats]) -> Floats:
    """Return the course of the background's colour, (n, 3) around 1; NaN where nothing was seen of it.

    It adds up by how much all cells change that are seen in two neighbouring frames. A cell that changes
    otherwise than most, since something moves in it, counts little.

    Args:
        times_s: (n,).
        cells: of each frame (cells, 3).
    """
    many = max(len(each) for each in cells)
    course = np.full((len(cells), many, 3), np.nan)
    for index, each in enumerate(cells):
        course[index, : len(each)] = each
    course = np.log(course[:, np.isfinite(course[..., 0]).any(axis=0)])
    if not course.shape[1]:
        return np.full((len(cells), 3), np.nan)
    steps = np.diff(course, axis=0)
    there = np.isfinite(steps[..., 0])
    counts = there * _steadiness(times_s, course)
    all_counts = counts.sum(axis=1, keepdims=True)
    together = np.einsum("nc,nck->nk", counts, np.where(there[..., None], steps, 0.0)) / (all_counts + _TINY)
    return np.where(
        np.isfinite(course[..., 0]).any(axis=1)[:, None],
        np.exp(np.concatenate([np.zeros((1, 3)), np.cumsum(together, axis=0)])),
        np.nan,
    )


def _steadiness(times_s: Floats, course: Floats) -> Floats:
    """Return how much each cell of a course counts, (cells,): less if it changes otherwise than most."""
    lag = max(1, round(_APART_S / float(np.median(np.diff(times_s)))))
    steps = np.diff(course[::lag], axis=0)
    seen = np.isfinite(steps[..., 0]).any(axis=1)
    if not seen.any():
        return np.ones(course.shape[1])
    steps = steps[seen]
    apart = ((steps - np.nanmedian(steps, axis=1, keepdims=True)) ** 2).sum(axis=-1)
    number = np.isfinite(apart).sum(axis=0)
    apart = np.where(number, np.nansum(apart, axis=0) / np.maximum(number, 1), np.inf)
    usual = float(np.median(apart[np.isfinite(apart)]))
    return np.asarray((usual + _TINY) / (apart + usual / _MOST_STEADY + _TINY))


def _key_frames(times_s: Floats, colours: Floats) -> Bools:
    """Return which frames are key frames of a compressed film, (n,); none where none stand out.

    With each of them a compressed picture changes a little: at even distances, as by a pulse.

    Args:
        times_s: (n,).
        colours: (n, parts, 3), NaN where they can't be used.
    """
    found = np.zeros(len(times_s), bool)
    steps = np.linalg.norm(np.diff(np.log(colours), axis=0), axis=-1)
    there = np.isfinite(steps)
    if not (many := np.flatnonzero(there.any(axis=1))).size:
        return found
    steps = np.where(there, steps, 0.0)[many]
    usual = np.median(steps, axis=0) + _TINY
    sizes = (steps / usual).sum(axis=1) / there[many].sum(axis=1)
    large = sizes >= np.quantile(sizes, 1 - _LARGE)
    frame_s = float(np.median(np.diff(times_s)))
    places = np.rint((times_s[many + 1] - times_s[0]) / frame_s).astype(int)
    shortest, longest = (round(each / frame_s) for each in _KEY_FRAMES_S)
    most = 0.0
    for distance in range(max(4, shortest), longest + 1):
        phases = places % distance
        hits, all_steps = np.bincount(phases, large), np.bincount(phases)
        phase = int(hits.argmax())
        hit, tried = float(hits[phase]), int(all_steps[phase])
        if tried >= _LEAST_KEY_FRAMES and hit - _LARGE * tried > most and hit >= _needed(tried):
            most = hit - _LARGE * tried
            found[:] = False
            found[many[phases == phase] + 1] = True
    return found


def _needed(tried: int) -> float:
    """Return how many of some steps must be large ones."""
    # Chernoff's bound on chance, which needs no table of the binomial distribution.
    share = np.linspace(_LARGE, 1, 91)[1:]
    entropy = share * np.log(share / _LARGE) + (1 - share) * np.log((1 - share + _TINY) / (1 - _LARGE))
    enough = share[entropy * tried >= -np.log(_CHANCE)]
    return tried * max(float(enough[0]), _LEAST_LARGE) if len(enough) else np.inf


def _levelled(
    times_s: Floats, colours: Floats, key_frames: NDArray[np.int64], grid_s: Floats
) -> Floats | None:
    """Return the logarithms of one part's colours at even times without the steps of light and key frames.

    Args:
        times_s: (n,) when it was seen.
        colours: (n, 3).
        key_frames: (n,) how many there were up to then.
        grid_s: the even times.

    Returns:
        (even times, 3) with a mean of 0; None where too little was seen.
    """
    if len(times_s) < _LEAST_HZ * WINDOW_S * _LEAST_SEEN:
        return None
    if max(times_s[0] - grid_s[0], grid_s[-1] - times_s[-1]) > _LONGEST_GAP_S:
        return None
    steps_s = np.diff(times_s)
    if steps_s[steps_s <= _LONGEST_GAP_S].sum() < _LEAST_SEEN * WINDOW_S:
        return None
    steps = np.diff(np.log(colours), axis=0)
    sizes = np.abs(steps).max(axis=1)
    lit = sizes > max(_STEP, _STEPS_USUAL * float(np.median(sizes)))
    steps[lit | (np.diff(key_frames) > 0) | (steps_s > _LONGEST_GAP_S)] = 0
    even = _even(times_s, np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)]), grid_s)
    return np.asarray(even - even.mean(axis=0))


def _even(times_s: Floats, values: Floats, grid_s: Floats) -> Floats:
    return np.stack([np.interp(grid_s, times_s, column) for column in values.T], axis=1)


_SLOW: Final = np.linalg.qr(np.vander(np.linspace(-1, 1, COUNT), 4))[0]


def _unlit(colours: Floats, background: Floats | None) -> Floats:
    """Return colours, (regions, n, 3), without what changes as the background, (n, 3), does: the light."""
    if background is None:
        return colours
    light = background - _SLOW @ (_SLOW.T @ background)
    power = light.T @ light + COUNT * _SMALLEST_LIGHT**2 * np.eye(3)
    return np.asarray(colours - light @ np.linalg.solve(power, light.T @ colours))
