"""How strongly the body is aroused against the person's own rest: an index from heart and skin.

The weights were learned on Stress-Predict (Iqbal et al. 2022): twenty people with a wristband, in tasks and
at rest. They stand in `arousal.json`; `python benchmarks/signals.py --learn` writes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.signals.types import Figure

PARTS: Final = ("heart_rate", "skin_level", "skin_slope", "skin_response_sum", "skin_temperature")
"""The measures that it stands on. Level and sum of responses count by their logarithm."""
NEEDED: Final = ("heart_rate", "skin_level")
"""Without both there is no index."""
LEAST_WINDOWS: Final = 5
"""Windows of rest that are needed to know a person's own."""
REST_S: Final = 300.0
"""The rest that a recording opens with: after four minutes of sitting a heart is (Speed et al. 2023)."""
REST_MISSING_S: Final = 10.0
"""So much of it may be unknown."""
TRUSTED: Final = 0.5
"""Figures of less quality are passed over, whatever their sensor says."""
_LIMIT: Final = 4.0
"""Spreads of a person's rest beyond which a part counts no further."""
_Z_90: Final = 1.645


@dataclass(frozen=True, slots=True)
class Arousal:
    """The index of one window.

    Attributes:
        value: 0 to 1: how much the window resembles the tasks, and not the rest, that the weights were
            learned from. 0.5 lies between the two.
        low: where its 90 % interval begins, by how far other people would have moved the weights, and by
            parts that are missing.
        high: where it ends.
        parts: what each of `PARTS` adds, in logits; None where it is not known.
    """

    value: float
    low: float
    high: float
    parts: dict[str, float | None]


def arousal(
    windows: Sequence[Mapping[str, float | None]], rest: Sequence[bool] | None = None
) -> tuple[Arousal | None, ...]:
    """Return the index of each window.

    Args:
        windows: of about 60 s, each with what is known of `PARTS`; see `parts_of`.
        rest: which of them are the person's rest; all of them if left out, so that the index says where in
            the recording arousal was higher than usual in it.

    Returns:
        One for each window; None where rate or skin is not known, or rest not in enough windows.
    """
    table = np.array([_row(each) for each in windows]).reshape(len(windows), len(PARTS))
    resting = table if rest is None else table[np.asarray(rest, bool)]
    relative = against_rest(table, resting)
    return tuple(_index(each) for each in relative)


def since_opening(found: Sequence[Figure]) -> dict[tuple[float, float], Arousal]:
    """Return the index in a recording, against its first five minutes with pulse and skin as the rest.

    Args:
        found: figures of windows of about 60 s, which may overlap.

    Returns:
        By window, in the order of time: those after the rest in which pulse and skin are known. Nothing where
        hardly anything is known of the rest.
    """
    trusted = parts_of([each for each in found if each.value is not None and each.quality >= TRUSTED])
    known = {window: parts for window, parts in sorted(trusted.items()) if knows_needed(parts)}
    rest_end_s = min((start for start, _ in known), default=0.0) + REST_S
    resting = [end <= rest_end_s for _, end in known]
    covered_s, last_s = 0.0, 0.0
    for start, end in (window for window, at_rest in zip(known, resting, strict=True) if at_rest):
        covered_s += end - max(start, last_s)
        last_s = end
    if covered_s < REST_S - REST_MISSING_S:
        return {}
    told = arousal(list(known.values()), resting)
    return {
        window: index
        for window, index in zip(known, told, strict=True)
        if index is not None and window[0] >= rest_end_s
    }


def rest_windows(start_s: float, end_s: float, window_s: float) -> list[tuple[float, float]]:
    """Return the windows of a rest, which overlap by half.

    So five minutes are enough where a minute of them is not known: a wristband's pulse begins late.
    """
    half = window_s / 2
    count = int((end_s - start_s) / half + 1e-6) - 1
    return [(start_s + half * number, start_s + half * number + window_s) for number in range(count)]


def parts_of(found: Sequence[Figure]) -> dict[tuple[float, float], dict[str, float | None]]:
    """Return by window what figures know of `PARTS`; of several signals, the one of the best quality."""
    best: dict[tuple[float, float], dict[str, Figure]] = {}
    for each in found:
        if each.measure not in PARTS:
            continue
        known = best.setdefault((each.start_s, each.end_s), {})
        before = known.get(each.measure)
        if before is None or (each.value is not None, each.quality) > (
            before.value is not None,
            before.quality,
        ):
            known[each.measure] = each
    return {
        window: {name: known[name].value if name in known else None for name in PARTS}
        for window, known in best.items()
    }


def knows_needed(window: Mapping[str, float | None]) -> bool:
    """Return whether a window has what no index is without."""
    return all(window.get(name) is not None for name in NEEDED)


def _row(window: Mapping[str, float | None]) -> list[float]:
    """Return a window's parts as numbers; NaN where one is not known."""
    raw = {name: window.get(name) for name in PARTS}
    values = {name: np.nan if value is None else float(value) for name, value in raw.items()}
    values["skin_level"] = (
        np.log(max(values["skin_level"], 0.01)) if raw["skin_level"] is not None else np.nan
    )
    values["skin_response_sum"] = np.log1p(values["skin_response_sum"])
    return [values[name] for name in PARTS]


def against_rest(
    table: NDArray[np.float64], resting: NDArray[np.float64], floors: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return parts in spreads from a person's own rest, (n, parts); NaN where too little is known."""
    floors = np.array(_learned()["floors"]) if floors is None else floors
    relative = np.full(table.shape, np.nan)
    for number in range(len(PARTS)):
        own = resting[:, number][np.isfinite(resting[:, number])]
        if len(own) >= LEAST_WINDOWS:
            spread = max(float(np.std(own, ddof=1)), float(floors[number]))
            relative[:, number] = np.clip((table[:, number] - np.median(own)) / spread, -_LIMIT, _LIMIT)
    return relative


def _index(relative: NDArray[np.float64]) -> Arousal | None:
    learned = _learned()
    weights, covariance = np.array(learned["weights"]), np.array(learned["covariance"])
    known = np.isfinite(relative)
    if not all(known[PARTS.index(name)] for name in NEEDED):
        return None
    filled = np.r_[1.0, np.where(known, relative, 0.0)]
    middle = float(weights @ filled)
    # A part that is not known could lie anywhere around rest, by one spread.
    spread = float(np.sqrt(filled @ covariance @ filled + (weights[1:][~known] ** 2).sum()))
    value, low, high = (
        float(1 / (1 + np.exp(-each))) for each in (middle, middle - _Z_90 * spread, middle + _Z_90 * spread)
    )
    parts = {name: float(weights[1 + i] * relative[i]) if known[i] else None for i, name in enumerate(PARTS)}
    return Arousal(value, low, high, parts)


@cache
def _learned() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("mien.signals").joinpath("arousal.json").read_text("utf-8"))
    if tuple(found["parts"]) != PARTS:
        raise ValueError(f"arousal.json: expected the parts {PARTS}, received {found['parts']}")
    return found
