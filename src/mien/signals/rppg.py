"""A pulse's wave from the colour of skin, by three published methods: POS, CHROM and LGI.

All take colours at even times, and none knows of faces. A pulse changes the colour of skin by less than one
part in a hundred; light and motion change it by more, but mostly along other directions of colour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_WINDOW_S: Final = 1.6
"""POS and CHROM look at stretches of this length, which holds at least one beat."""
_TINY: Final = 1e-12
_POS_AXES: Final = np.array([[0.0, 1.0, -1.0], [-2.0, 1.0, 1.0]])
"""Two directions of colour, by red, green and blue, across the skin's tone."""


def pos(colours: Floats, rate_hz: float) -> Floats:
    """Return the pulse on the plane orthogonal to the skin's tone.

    Wang, den Brinker, Stuijk and de Haan 2017, doi:10.1109/TBME.2016.2609282.

    Args:
        colours: (..., n, 3) red, green and blue, above 0, at even times; at least 1.6 s of them.
        rate_hz: how many a second.

    Returns:
        (..., n) without unit, higher where green is brighter, which is where there is less blood.
    """
    size = _window(rate_hz)
    middle = colours.mean(axis=-2, keepdims=True)
    apart = colours - middle
    pairs = _running(apart[..., :, None] * apart[..., None, :], size, -3) / size
    offset = _running(apart, size, -2) / size
    mean = middle + offset  # of each window, as its covariances are
    across = pairs - offset[..., :, None] * offset[..., None, :]
    across /= mean[..., :, None] * mean[..., None, :]
    first, second = (np.sqrt(((across @ axis) @ axis).clip(0)) for axis in _POS_AXES)
    share = (_POS_AXES[0] + (first / (second + _TINY))[..., None] * _POS_AXES[1]) / mean
    # Every sample counts in each window that holds it, by that window's shares of its colours.
    ends = [(0, 0)] * (share.ndim - 2) + [(size - 1, size - 1), (0, 0)]
    return np.asarray((_running(np.pad(share, ends), size, -2) * colours).sum(axis=-1))


def chrom(colours: Floats, rate_hz: float) -> Floats:
    """Return the pulse from chrominance: de Haan and Jeanne 2013, doi:10.1109/TBME.2013.2266196.

    Args and result are those of `pos`.
    """
    size, count = _window(rate_hz), colours.shape[-2]
    starts = np.unique(np.append(np.arange(0, count - size + 1, size // 2), count - size))
    parts = sliding_window_view(colours, size, axis=-2)[..., starts, :, :]
    red, green, blue = np.moveaxis(parts / parts.mean(axis=-1, keepdims=True), -2, 0)
    first, second = 3 * red - 2 * green, 1.5 * (red - blue) + green
    return -_added(_tuned(first, second) * np.hanning(size), starts, count)


def lgi(colours: Floats, rate_hz: float) -> Floats:
    """Return the pulse as green without the direction in which most colour lies: local group invariance.

    Pilz, Zaunseder, Krajewski and Blazek 2018, doi:10.1109/CVPRW.2018.00172.

    Args and result are those of `pos`; the colours should hold a few beats.
    """
    level = colours / colours.mean(axis=-2, keepdims=True)
    _, main = np.linalg.eigh(np.swapaxes(level, -1, -2) @ level)
    main = main[..., -1]
    along = (level @ main[..., None])[..., 0]
    return np.asarray(level[..., 1] - main[..., 1:2] * along)


METHODS: Final[dict[str, Callable[[Floats, float], Floats]]] = {"POS": pos, "CHROM": chrom, "LGI": lgi}
"""The methods by name."""


def _window(rate_hz: float) -> int:
    return 2 * round(_WINDOW_S * rate_hz / 2)


def _running(values: Floats, size: int, axis: int) -> Floats:
    """Return the sums of so many neighbours along an axis, (..., n - size + 1, ...)."""
    sums = np.moveaxis(np.cumsum(values, axis=axis), axis, 0)
    return np.moveaxis(np.concatenate([sums[size - 1 : size], sums[size:] - sums[:-size]]), 0, axis)


def _tuned(first: Floats, second: Floats) -> Floats:
    """Return the difference of two signals so that what disturbs both in step cancels out."""
    first, second = (each - each.mean(axis=-1, keepdims=True) for each in (first, second))
    spread = first.std(axis=-1, keepdims=True) / (second.std(axis=-1, keepdims=True) + _TINY)
    return np.asarray(first - spread * second)


def _added(parts: Floats, starts: NDArray[np.int64], count: int) -> Floats:
    """Add windows, (..., windows, size), where each begins."""
    whole = np.zeros((*parts.shape[:-2], count))
    for index, start in enumerate(starts):
        whole[..., start : start + parts.shape[-1]] += parts[..., index, :]
    return whole
