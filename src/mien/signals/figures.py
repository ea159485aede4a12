"""What a file's signals say, window by window: each measure with its quality, None where that is too low.

A window's figures depend on its own samples and on some before it, never on later ones: computed as the
samples come, they are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.errors import ConfigError
from mien.signals.body import breathing_rate, muscle_activity, skin, temperature
from mien.signals.brain import band_powers, frontal_asymmetry
from mien.signals.breath import LEAST_WINDOW_S as LEAST_BREATH_S
from mien.signals.breath import breath_of_beats
from mien.signals.heart import VARIABILITY, Beats, find_beats, variability
from mien.signals.rate import LEAD_S, heart_rate
from mien.signals.types import Figure, Signal, Signals

if TYPE_CHECKING:
    import pandas as pd

LEAST_WINDOW_S: Final = 10.0
LONGEST_WINDOW_S: Final = 3600.0
_VARIABILITY_UNITS: Final = {"rmssd_ms": "ms", "pnn50": "", "hf_ms2": "ms2", "lf_ms2": "ms2", "sdnn_ms": "ms"}


def figures(read: Signals, window_s: float = 60.0, step_s: float | None = None) -> tuple[Figure, ...]:
    """Return all measures of all signals over windows.

    Args:
        read: what `read_signals` gave.
        window_s: length of a window, 10 to 3600.
        step_s: from one window's start to the next; the windows' length if left out.

    Returns:
        In the order of time. A shorter window at the end is left out, unless it is the only one.

    Raises:
        ConfigError: a length can't be.
        ModuleNotFoundError: without NeuroKit2, which `mien[signals]` brings, where there is a heart's signal.
    """
    if not LEAST_WINDOW_S <= window_s <= LONGEST_WINDOW_S:
        raise ConfigError(
            f"expected a window of {LEAST_WINDOW_S:g} to {LONGEST_WINDOW_S:g} s, received {window_s:g}"
        )
    if step_s is not None and not 1 <= step_s <= LONGEST_WINDOW_S:
        raise ConfigError(f"expected a step of 1 to {LONGEST_WINDOW_S:g} s, received {step_s:g}")
    return figures_in(read, windows(read, window_s, step_s or window_s))


def figures_in(read: Signals, spans: Iterable[tuple[float, float]]) -> tuple[Figure, ...]:
    """Return all measures of all signals over given windows, each from its start to its end in seconds."""
    return tuple(figure for start, end in spans for figure in _of_window(read, start, end, {}))


def window_figures(
    read: Signals, start_s: float, end_s: float, beats: Mapping[str, Beats]
) -> tuple[Figure, ...]:
    """Return what `figures_in` returns of one window, where beats have been found already.

    Args:
        read: the signals.
        start_s: where the window begins.
        end_s: where it ends.
        beats: by the signal's name, from `LEAD_S` before the window to its end.
    """
    return tuple(_of_window(read, start_s, end_s, beats))


def windows(read: Signals, window_s: float, step_s: float) -> Iterator[tuple[float, float]]:
    """Yield start and end of each window."""
    first, last = read.span_s[0], read.end_s
    if last - first < window_s - 1e-6:
        yield first, last + 1e-6
        return
    for number in range(int((last - first - window_s) / step_s + 1e-6) + 1):
        start = first + number * step_s
        yield start, start + window_s


def _of_window(read: Signals, start_s: float, end_s: float, beats: Mapping[str, Beats]) -> Iterator[Figure]:
    """Yield all figures of one window."""
    belt = bool(read.of("respiration"))
    for signal in read.signals:
        for measure, unit, value, quality in _of_signal(
            signal, start_s, end_s, beats.get(signal.name), belt=belt
        ):
            given = None if value is None or not np.isfinite(value) else float(value)
            yield Figure(start_s, end_s, signal.name, measure, unit, given, float(quality))
    for pair, (difference, quality) in frontal_asymmetry(read.signals, start_s, end_s).items():
        yield Figure(start_s, end_s, pair, "frontal_asymmetry", "", difference, quality)


def _of_signal(
    signal: Signal, start_s: float, end_s: float, found: Beats | None, *, belt: bool
) -> Iterator[tuple[str, str, float | None, float]]:
    """Yield measure, unit, value and quality of one signal over one window."""
    if signal.kind in ("ecg", "ppg", "intervals"):
        beats = find_beats(signal.between(start_s - LEAD_S, end_s)) if found is None else found
        rate = heart_rate(signal, start_s, end_s, beats)
        yield "heart_rate", "1/min", rate.per_min, rate.quality
        quality = beats.between(start_s, end_s).quality(start_s, end_s)
        for name, index in variability(beats, start_s, end_s).items():
            if end_s - start_s >= VARIABILITY[name]:
                yield name, _VARIABILITY_UNITS[name], index, quality
        if signal.kind != "intervals" and not belt and end_s - start_s >= LEAST_BREATH_S:
            breath = breath_of_beats(signal, beats, start_s, end_s)
            yield "breathing_rate", "1/min", breath.value, breath.quality
    elif signal.kind == "rate":
        rate = heart_rate(signal, start_s, end_s)
        yield "heart_rate", "1/min", rate.per_min, rate.quality
    elif signal.kind == "eda":
        told = skin(signal, start_s, end_s)
        yield "skin_level", "uS", told.level_us, told.quality
        yield "skin_slope", "uS/min", told.slope_us_min, told.quality
        yield "skin_responses", "1/min", told.responses_min, told.quality
        yield "skin_response_sum", "uS/min", told.response_us, told.quality
    elif signal.kind == "respiration":
        breath = breathing_rate(signal, start_s, end_s)
        yield "breathing_rate", "1/min", breath.value, breath.quality
    elif signal.kind == "emg":
        active = muscle_activity(signal, start_s, end_s)
        yield "muscle_activity", signal.unit, active.value, active.quality
    elif signal.kind == "temperature":
        warm = temperature(signal, start_s, end_s)
        yield "skin_temperature", "degC", warm.value, warm.quality
    elif signal.kind == "eeg":
        brain = band_powers(signal, start_s, end_s)
        unit = "uV2" if signal.in_unit("uV").unit == "uV" else ""
        for band, power in brain.powers.items():
            yield f"eeg_{band}", unit, power, brain.quality


def to_frame(found: tuple[Figure, ...]) -> pd.DataFrame:
    """Return figures as a table, one row each; what has no value is empty."""
    import pandas as pd

    names = list(Figure.__dataclass_fields__)
    table = pd.DataFrame([[getattr(each, name) for name in names] for each in found], columns=names)
    table["value"] = table["value"].astype("float64")
    return table
