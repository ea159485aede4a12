"""A made body: ECG, skin and breath of somebody who rests and then works, with the truth about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError
from mien.files import written_whole
from mien.signals.processing import neurokit

ECG_HZ, SLOW_HZ = 250, 32
_REST: Final = {"heart_rate": 66.0, "breathing_rate": 12.0, "skin_responses": 1.5, "skin_level": 2.0}
_WORK: Final = {"heart_rate": 88.0, "breathing_rate": 18.0, "skin_responses": 7.0, "skin_level": 4.0}
"""A minute, but for the level in uS."""


def write_body(to: Path, *, minutes: float = 10.0, seed: int = 0) -> dict[str, Any]:
    """Write a made body as EDF, and beside it the truth as JSON of the same name.

    The waves come from NeuroKit2's simulators (Makowski et al. 2021). The first half is rest, the second is
    work.

    Args:
        to: the file, in .edf.
        minutes: of both halves together, at least 2.
        seed: of all that is drawn.

    Returns:
        The truth: the two stretches, with the rates of heart, breath and the skin's responses in each.

    Raises:
        ConfigError: the name doesn't end in .edf, or it is too short.
        OutputError: it can't be written.
        ModuleNotFoundError: without what `mien[signals]` brings.
    """
    if to.suffix.lower() != ".edf":
        raise ConfigError(f"expected a name that ends in .edf, received {to}")
    if minutes < 2:
        raise ConfigError(f"expected at least 2 minutes, received {minutes:g}")
    import edfio

    half_s = round(30 * minutes)
    courses: dict[str, list[NDArray[np.float64]]] = {"ECG": [], "EDA": [], "RESP": []}
    for number, state in enumerate((_REST, _WORK)):
        for name, values in _waves(state, half_s, 2 * seed + number).items():
            courses[name].append(values)
    channels = [("ECG", "mV", ECG_HZ), ("EDA", "uS", SLOW_HZ), ("RESP", "", SLOW_HZ)]
    made = edfio.Edf(
        [
            edfio.EdfSignal(np.concatenate(courses[name]), rate_hz, label=name, physical_dimension=unit)
            for name, unit, rate_hz in channels
        ]
    )
    truth = {
        "made": "by mien simulate body; there is no real person behind it",
        "seed": seed,
        "stretches": [
            {"what": what, "start_s": at, "end_s": at + half_s, **state}
            for what, at, state in (("rest", 0, _REST), ("work", half_s, _WORK))
        ],
    }
    with written_whole(to) as temporary:
        made.write(temporary)
    with written_whole(to.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    return truth


def _waves(state: dict[str, float], seconds: int, seed: int) -> dict[str, NDArray[np.float64]]:
    nk = neurokit()
    slow = {"duration": seconds, "sampling_rate": SLOW_HZ, "random_state": seed}
    responses = round(state["skin_responses"] * seconds / 60)
    heart = nk.ecg_simulate(
        duration=seconds, sampling_rate=ECG_HZ, heart_rate=state["heart_rate"], heart_rate_std=2,
        random_state=seed,
    )  # fmt: skip
    return {
        "ECG": heart,
        "EDA": nk.eda_simulate(scr_number=responses, drift=0.0, noise=0.005, **slow)
        + state["skin_level"]
        - 1,
        "RESP": nk.rsp_simulate(method="sinusoidal", respiratory_rate=state["breathing_rate"], **slow),
    }
