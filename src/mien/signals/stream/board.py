"""Boards that BrainFlow knows: `board:synthetic`, `board:cyton?serial_port=/dev/ttyUSB0`, `board:muse-2`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError, SourceError
from mien.signals.boards import ELECTRODES, board_names, brainflow, described, plain_board
from mien.signals.stream.clock import MachineClock, SampleClock
from mien.signals.stream.types import Batch, Channel, Chunk, Found
from mien.signals.types import Kind

_SYNTHETIC: Final = "synthetic"
_POLL_S: Final = 0.05
_SILENT_S: Final = 5.0
"""A board that sends nothing for so long is gone."""
_BUFFER_S: Final = 30.0

_MUSE_WITH_PULSE: Final = {
    "MUSE_2_BOARD": "p50", "MUSE_2_BLED_BOARD": "p50", "MUSE_S_BOARD": "p61", "MUSE_S_BLED_BOARD": "p61",
}  # fmt: skip
"""What switches the optical sensor of a Muse on, by BrainFlow's documentation of its boards."""
_REASONS: Final = {
    1: "another program uses its port",
    2: "it can't be reached: is its port or address right, is Bluetooth on, and may you use them",
    3: "its port can't be set up",
    4: "nothing can be sent to it",
    5: "its answer isn't that of this board",
    6: "its answer isn't that of this board",
    7: "it doesn't answer: is it switched on, charged and near",
    10: "it sends nothing: is it switched on, charged and near",
    13: "a parameter is missing or wrong, such as serial_port, mac_address or ip_port",
    14: "BrainFlow's library can't speak to it on this machine",
    16: "it is in use already",
    17: "it isn't there, or its driver is missing",
    18: "it sends nothing: is it switched on, charged and near",
}
"""BrainFlow's exit codes in words."""


@dataclass(frozen=True, slots=True)
class BoardAddress:
    """Which board, and how it is reached.

    Attributes:
        name: as users write it, such as "muse-2".
        inputs: BrainFlow's input parameters by name.
        electrodes: what electrodes measure, by number from 1, where it isn't what the board is made for.
        config: what is sent to the board before it starts; None for what it usually needs.
    """

    name: str
    inputs: Mapping[str, str | int] = field(default_factory=dict)
    electrodes: Mapping[int, Kind] = field(default_factory=dict)
    config: str | None = None

    @property
    def shown(self) -> str:
        """The address as users write it, without its parameters."""
        return f"board:{self.name}"


def board_address(name: str, query: Mapping[str, str]) -> BoardAddress:
    """Check a board's name and parameters.

    Args:
        name: "synthetic", or another of BrainFlow's, in any spelling: "muse-2", "MUSE_2_BOARD".
        query: BrainFlow's input parameters; `ecg`, `emg`, `eog` or `eeg` with electrodes' numbers ("1,2");
            `config` with what is sent to the board.

    Raises:
        ConfigError: there is no such board or parameter.
        ModuleNotFoundError: without BrainFlow.
    """
    boards = board_names()
    plain = plain_board(name)
    if plain not in boards:
        raise ConfigError(f"board:{name}: BrainFlow knows no such board; it knows {', '.join(boards)}")
    params = vars(brainflow().BrainFlowInputParams())
    inputs: dict[str, str | int] = {}
    electrodes: dict[int, Kind] = {}
    for key, value in query.items():
        if key in ELECTRODES:
            electrodes.update(_electrodes(name, key, value))
        elif key == "master_board":
            if plain_board(value) not in boards:
                raise ConfigError(f"board:{name}: master_board: BrainFlow knows no board {value!r}")
            inputs[key] = boards[plain_board(value)]
        elif key in params:
            inputs[key] = _number(name, key, value) if isinstance(params[key], int) else value
        elif key != "config":
            known = ", ".join([*params, *ELECTRODES, "config"])
            raise ConfigError(f"board:{name}: there is no parameter {key!r}; there are {known}")
    return BoardAddress(plain, inputs, electrodes, query.get("config"))


def find_boards() -> tuple[Found, ...]:
    """Return the addresses of all boards that BrainFlow knows, whether they are there or not."""
    return tuple(
        Found(f"board:{name}", "made-up numbers" if name == _SYNTHETIC else "") for name in board_names()
    )


def _number(name: str, key: str, value: str) -> int:
    if not value.isdecimal():
        raise ConfigError(f"board:{name}: {key}: expected a number, received {value!r}")
    return int(value)


def _electrodes(name: str, kind: str, value: str) -> dict[int, Kind]:
    numbers = value.split(",")
    if not all(each.strip().isdecimal() and int(each) for each in numbers):
        raise ConfigError(
            f"board:{name}: {kind}: expected numbers of electrodes such as 1,2, received {value!r}"
        )
    return {int(each): cast("Kind", kind) for each in numbers}


@dataclass
class _Preset:
    """One stream of a board: its channels, each a row of what it gives, on one clock."""

    number: int
    rows: dict[str, int]
    time_row: int
    count_row: int | None
    clock: SampleClock
    counter: _Counter = field(default_factory=lambda: _Counter())


class BoardStream:
    """A board that runs.

    Args:
        address: which board.
        shim: what speaks to it; BrainFlow's own by default.
        machine: this machine's clock.
        sleep: waits so many seconds.

    Raises:
        SourceError: it can't be started.
    """

    def __init__(
        self,
        address: BoardAddress,
        *,
        shim: Any = None,
        machine: MachineClock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._brainflow = brainflow()
        self._address = address
        self._machine = machine or MachineClock()
        self._sleep = sleep
        try:
            self._shim = self._make_shim() if shim is None else shim
        except self._brainflow.BrainFlowError as error:
            raise self._gone("can't be started", error) from None
        self._notes: list[str] = []
        self._channels: list[Channel] = []
        self._presets: list[_Preset] = []
        self._open = True
        try:
            self._start()
        except self._brainflow.BrainFlowError as error:
            self.close()
            raise self._gone("can't be started", error) from None
        except BaseException:
            self.close()
            raise
        self._heard_s = self._machine.now()

    @property
    def channels(self) -> Sequence[Channel]:
        """What it gives."""
        return tuple(self._channels)

    def read(self, timeout_s: float) -> Batch:
        """Return what came since the last call.

        Raises:
            SourceError: the board was pulled out, switched off or is too far away.
        """
        end_s = self._machine.now() + timeout_s
        try:
            while not (found := self._fetch()):
                now_s = self._machine.now()
                if now_s - self._heard_s > _SILENT_S:
                    raise SourceError(
                        f"{self._address.shown}: the board has sent nothing for {_SILENT_S:g} s: is it"
                        " switched on, charged and near?"
                    )
                if now_s >= end_s:
                    break
                self._sleep(min(_POLL_S, end_s - now_s))
        except self._brainflow.BrainFlowError as error:
            raise self._gone("stopped", error) from None
        notes, self._notes = self._notes, []
        return Batch(tuple(found), (), tuple(notes))

    def close(self) -> None:
        """Let go of the board; safe twice."""
        if not self._open:
            return
        self._open = False
        for let_go in (self._shim.stop_stream, self._shim.release_session):
            with suppress(self._brainflow.BrainFlowError):  # it is gone, or was never started
                let_go()

    def _make_shim(self) -> Any:
        params = self._brainflow.BrainFlowInputParams()
        for key, value in self._address.inputs.items():
            setattr(params, key, value)
        return self._brainflow.BoardShim(board_names()[self._address.name], params)

    def _start(self) -> None:
        board = self._shim.get_board_id()
        self._shim.prepare_session()
        config = self._address.config
        if config is None:
            config = next(
                (sent for name, sent in _MUSE_WITH_PULSE.items() if plain_board(name) == self._address.name),
                None,
            )
        if config:
            self._shim.config_board(config)
        fastest = 1
        for number in sorted(self._brainflow.BoardShim.get_board_presets(board)):
            told = self._brainflow.BoardShim.get_board_descr(board, number)
            fastest = max(fastest, int(told.get("sampling_rate", 1)))
            if self._address.name == _SYNTHETIC and number:
                continue  # makes up the same once more
            self._add(number, told)
        if not self._presets:
            raise SourceError(f"{self._address.shown}: the board measures nothing of a body")
        self._shim.start_stream(int(_BUFFER_S * fastest))
        if self._address.name == _SYNTHETIC:
            self._notes.append("the synthetic board makes its numbers up: they are of nobody's body")

    def _add(self, number: int, told: dict[str, Any]) -> None:
        """Take what a preset measures of a body as channels."""
        rows: dict[str, int] = {}
        taken = {each.name for each in self._channels}
        for name, kind, unit, row in described(told, self._address.electrodes if not number else {}):
            unique = name
            while unique in taken:
                unique = f"{name} ({sum(each.startswith(name) for each in taken) + 1})"
            taken.add(unique)
            rows[unique] = row
            self._channels.append(Channel(unique, kind, unit, float(told["sampling_rate"])))
        if rows:
            clock = SampleClock(float(told["sampling_rate"]))
            self._presets.append(
                _Preset(number, rows, told["timestamp_channel"], told.get("package_num_channel"), clock)
            )

    def _fetch(self) -> list[Chunk]:
        found: list[Chunk] = []
        for preset in self._presets:
            values = self._shim.get_board_data(preset=preset.number)
            if values.shape[1]:
                self._heard_s = self._machine.now()
                found += self._chunks(preset, values)
        return found

    def _chunks(self, preset: _Preset, values: NDArray[np.float64]) -> list[Chunk]:
        lost = None
        if preset.count_row is not None:
            lost = preset.counter.lost(values[preset.count_row])
            if (missing := int(lost.sum())) > 0:
                self._notes.append(f"{missing} samples were lost on the way")
        times = preset.clock.times(values[preset.time_row], self._heard_s, lost)
        self._notes += preset.clock.take_notes()
        return [Chunk(name, times, values[row].copy()) for name, row in preset.rows.items()]

    def _gone(self, what: str, error: Any) -> SourceError:
        reason = _REASONS.get(getattr(error, "exit_code", 0)) or " ".join(str(error).split())
        return SourceError(f"{self._address.shown} {what}: {reason}")


class _Counter:
    """Finds samples that are missing by the numbers that a board gives its packets.

    Boards count from 0 to 255 or further, and some give the samples of one packet one number.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._highest = 255
        self._step = 0
        self._repeats = 1

    def lost(self, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return how many samples are missing before each."""
        before = numbers[0] if self._last is None else self._last
        steps = np.diff(numbers, prepend=before).astype(np.int64)
        self._last = float(numbers[-1])
        if numbers.max() > self._highest:
            self._highest = 65535 if numbers.max() <= 65535 else 2**31 - 1
        steps = np.where(steps < 0, steps + self._highest + 1, steps)
        moved = steps[steps > 0]
        if not self._step:
            if len(moved) >= 8:
                self._step = int(np.bincount(moved[moved < 1000]).argmax()) if np.any(moved < 1000) else 1
                self._repeats = max(1, round(len(numbers) / len(moved)))
            return np.zeros(len(numbers), np.int64)
        packets = np.where((steps > 0) & (steps < (self._highest + 1) // 2), steps // self._step - 1, 0)
        return np.maximum(packets, 0) * self._repeats
