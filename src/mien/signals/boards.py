"""The boards that BrainFlow knows, what their rows mean, and the files that it writes of them."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError, SourceError
from mien.signals.bursts import spread_bursts
from mien.signals.textual import text_of
from mien.signals.types import Kind, Mark, Signal, Signals, check_size, usable

_BODY: Final[tuple[tuple[str, Kind, str], ...]] = (
    ("ecg", "ecg", "uV"),
    ("emg", "emg", "uV"),
    ("eog", "eog", "uV"),
    ("eeg", "eeg", "uV"),
    ("eda", "eda", "uS"),
    ("ppg", "ppg", ""),
    ("resp", "respiration", ""),
    ("temperature", "temperature", "degC"),
    ("accel", "acceleration", "g"),
)
"""BrainFlow's names of what a board measures, ours, and the unit that it gives."""
_NO_LIBRARY: Final = "BrainFlow comes without a library for this machine: see docs/signals.md"
ELECTRODES: Final[tuple[Kind, ...]] = ("ecg", "emg", "eog", "eeg")
"""Kinds that one amplifier measures, by where its electrodes are."""


def brainflow() -> Any:
    """Return BrainFlow, which logs nothing.

    Raises:
        ModuleNotFoundError: without it; `mien[signals]` brings it.
        SourceError: it has no library for this machine.
    """
    try:
        import brainflow
        from brainflow import board_shim, data_filter
    except ModuleNotFoundError:
        if sys.platform == "linux" and platform.machine() == "aarch64":  # the extra doesn't bring it there
            raise SourceError(_NO_LIBRARY) from None
        raise

    # Before Python 3.12 it looks for its library in a way that fails, and then asks for what setuptools no
    # longer has (`pkg_resources`).
    for module in (board_shim, data_filter):
        module.files = lambda _: Path(board_shim.__file__).parent
    try:
        brainflow.BoardShim.disable_board_logger()
    except OSError:
        raise SourceError(_NO_LIBRARY) from None
    return brainflow


def board_names() -> dict[str, int]:
    """Return all boards that BrainFlow knows, and their numbers.

    Raises:
        ModuleNotFoundError: without BrainFlow.
        SourceError: it has no library for this machine.
    """
    return {
        plain_board(each.name): int(each.value)
        for each in sorted(brainflow().BoardIds, key=lambda each: each.name)
        if each.name != "NO_BOARD"
    }


def plain_board(name: str) -> str:
    """Return a board's name as users write it: MUSE_2_BOARD is muse-2."""
    return name.strip().lower().replace("_", "-").removesuffix("-board")


def described(
    told: Mapping[str, Any], electrodes: Mapping[int, Kind] | None = None
) -> list[tuple[str, Kind, str, int]]:
    """Return name, kind, unit and row of each channel that a board's description tells of.

    Args:
        told: BrainFlow's description of one preset.
        electrodes: what electrodes measure, by number from 1, where the board's user says it.

    Returns:
        In the order of the kinds. Electrodes that can measure several things are taken as EEG if they can be
        that, with the names of their places.

    Raises:
        SourceError: the board has no such electrode.
    """
    amplifier = sorted({row for kind in ELECTRODES for row in told.get(f"{kind}_channels", ())})
    if beyond := [at for at in electrodes or {} if at > len(amplifier)]:
        raise SourceError(f"there is no electrode {beyond[0]}: the board has {len(amplifier)}")
    said = {amplifier[at - 1]: kind for at, kind in (electrodes or {}).items()}
    places = dict(
        zip(told.get("eeg_channels", ()), filter(None, told.get("eeg_names", "").split(",")), strict=False)
    )
    found: list[tuple[str, Kind, str, int]] = []
    for theirs, kind, unit in _BODY:
        rows = told.get(f"{theirs}_channels", ())
        if theirs in ELECTRODES:
            eeg = told.get("eeg_channels", ())
            free = [row for row in rows if row not in said and (theirs == "eeg" or row not in eeg)]
            rows = sorted([*free, *(row for row, each in said.items() if each == kind)])
        for number, row in enumerate(rows, 1):
            several = f"{kind} {number}" if len(rows) > 1 else kind
            found.append((places.get(row, several) if kind == "eeg" else several, kind, unit, row))
    return found


def read_brainflow(file: Path, board: str) -> Signals:
    """Read what BrainFlow's `DataFilter.write_file`, or its file streamer, wrote of a board.

    Args:
        file: rows of numbers without a header, between tabs or commas.
        board: which board wrote it, such as "cyton" or "muse-2"; the file doesn't say.

    Raises:
        ConfigError: BrainFlow knows no such board.
        SourceError: it isn't such a file, or that of another board.
        ModuleNotFoundError: without BrainFlow.
    """
    boards = board_names()
    if plain_board(board) not in boards:
        raise ConfigError(f"board: BrainFlow knows no {board!r}; it knows {', '.join(boards)}")
    table = _rows(file)
    told = _preset(file, boards[plain_board(board)], plain_board(board), table.shape[1])
    times = table[:, told["timestamp_channel"]]
    times, said = spread_bursts(times)
    kept, at, lost = usable(table, times)
    if not len(at):
        raise SourceError(f"{file}: its rows have no times")
    zero = float(at[0])
    at = at - zero
    at.setflags(write=False)
    notes = [said] * bool(said)
    if lost:
        notes.append(f"{lost} rows whose time didn't go on were left out")
    if plain_board(board) == "synthetic":
        notes.append("the synthetic board makes its numbers up: they are of nobody's body")
    signals = tuple(
        Signal(name, kind, unit, kept[:, row], at, str(file)) for name, kind, unit, row in described(told)
    )
    marked = kept[:, told["marker_channel"]] if "marker_channel" in told else np.zeros(len(at))
    marks = tuple(Mark(float(at[row]), f"{marked[row]:g}") for row in np.flatnonzero(marked).tolist())
    start = datetime.fromtimestamp(zero, UTC) if 9e8 <= zero < 9e9 else None
    return Signals(signals, marks, start, tuple(notes), str(file))


def _rows(file: Path) -> NDArray[np.float64]:
    lines = [line for line in text_of(file).split("\n") if line.strip()]
    separator = "\t" if lines and "\t" in lines[0] else ","
    check_size(file, len(lines) * (lines[0].count(separator) + 1) if lines else 0)
    try:
        rows = np.array([np.fromstring(line, sep=separator) for line in lines], np.float64)
    except ValueError:
        rows = np.zeros(0)
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise SourceError(
            f"{file}: is no file of BrainFlow's: expected rows of numbers, as many in each, without a header"
        )
    return rows


def _preset(file: Path, number: int, board: str, columns: int) -> dict[str, Any]:
    """Return the description of the preset whose rows the file has."""
    shim = brainflow().BoardShim
    presets = [shim.get_board_descr(number, each) for each in sorted(shim.get_board_presets(number))]
    fitting = next((each for each in presets if each["num_rows"] == columns), None)
    if fitting is None:
        known = " or ".join(str(each["num_rows"]) for each in presets)
        raise SourceError(
            f"{file}: has {columns} columns, and BrainFlow's files of a {board} board have {known}"
        )
    told: dict[str, Any] = fitting
    return told
