"""Boards of BrainFlow: its synthetic one as it is, and a made one that fails in every way."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import ConfigError, SourceError
from mien.signals.boards import board_names, described
from mien.signals.stream.board import BoardStream, board_address
from mien.signals.stream.clock import MachineClock
from mien.signals.stream.types import Chunk, SignalStream
from patience import LIMIT_S

brainflow = pytest.importorskip("brainflow")


def read_until(stream: SignalStream, channel: str, samples: int) -> tuple[dict[str, list[Chunk]], list[str]]:
    """Read until there are so many samples of a channel."""
    found: dict[str, list[Chunk]] = defaultdict(list)
    notes: list[str] = []
    end_s = time.monotonic() + LIMIT_S
    while sum(len(each.values) for each in found[channel]) < samples:
        assert time.monotonic() < end_s
        batch = stream.read(1.0)
        notes += batch.notes
        for each in batch.chunks:
            found[each.channel].append(each)
    return found, notes


@pytest.mark.main_path
def test_the_synthetic_board_runs() -> None:
    stream = BoardStream(board_address("synthetic", {}))
    try:
        kinds = {each.kind for each in stream.channels}
        assert kinds == {"eeg", "eda", "ppg", "temperature", "acceleration"}
        assert [each.name for each in stream.channels][:3] == ["Fz", "C3", "Cz"]
        assert {each.rate_hz for each in stream.channels} == {250.0}
        assert {each.unit for each in stream.channels} == {"uV", "uS", "", "degC", "g"}
        found, notes = read_until(stream, "Fz", 250)
    finally:
        stream.close()
        stream.close()
    assert set(found) == {each.name for each in stream.channels}
    times = np.concatenate([each.times_s for each in found["Fz"]])
    assert (np.diff(times) > 0).all()
    assert abs(times[-1] - time.time()) < LIMIT_S
    assert np.concatenate([each.values for each in found["temperature"]]).mean() == pytest.approx(
        36.6, abs=0.2
    )
    assert notes == ["the synthetic board makes its numbers up: they are of nobody's body"]


def test_the_same_board_twice_is_refused_in_words() -> None:
    first = BoardStream(board_address("synthetic", {}))
    try:
        with pytest.raises(SourceError, match=r"^board:synthetic can't be started: it is in use already$"):
            BoardStream(board_address("synthetic", {}))
    finally:
        first.close()
    BoardStream(board_address("synthetic", {})).close()


def test_a_recording_of_a_board_is_played_back(tmp_path: Path) -> None:
    """Its times are of long ago; the moment at which its samples come counts."""
    told = brainflow.BoardShim.get_board_descr(0, 0)
    rows = np.zeros((told["num_rows"], 2000))
    rows[told["eeg_channels"][0]] = np.arange(2000)
    rows[told["timestamp_channel"]] = 1.5e9 + np.arange(2000) / 250
    rows[told["package_num_channel"]] = np.arange(2000) % 256
    np.savetxt(tmp_path / "played.csv", rows.T, delimiter="\t", fmt="%.6f")
    query = {"file": str(tmp_path / "played.csv"), "master_board": "cyton", "config": "old_timestamps"}
    stream = BoardStream(board_address("playback-file", query))
    try:
        assert stream.channels[0].name == "Fp1"
        found, notes = read_until(stream, "Fp1", 200)
    finally:
        stream.close()
    values = np.concatenate([each.values for each in found["Fp1"]])
    assert values == pytest.approx(np.arange(len(values)))
    times = np.concatenate([each.times_s for each in found["Fp1"]])
    assert abs(times[-1] - time.time()) < LIMIT_S
    assert any("days behind: when its samples arrived counts instead" in each for each in notes)


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("nobody", {}, "board:nobody: BrainFlow knows no such board; it knows aavaa-v3, "),
        (
            "cyton",
            {"serialport": "x"},
            "there is no parameter 'serialport'; there are serial_port, mac_address",
        ),
        ("cyton", {"ip_port": "x"}, "ip_port: expected a number, received 'x'"),
        ("cyton", {"ecg": "one"}, "ecg: expected numbers of electrodes such as 1,2, received 'one'"),
        ("playback-file", {"master_board": "x"}, "master_board: BrainFlow knows no board 'x'"),
    ],
)
def test_a_wrong_address_names_what_is_right(name: str, query: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        board_address(name, query)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_board_has_a_name_and_channels_that_make_sense() -> None:
    """All of BrainFlow's descriptions can be read; what a board measures of a body has a kind and a unit."""
    seen = 0
    for name, number in board_names().items():
        if name in ("playback-file", "streaming"):
            continue  # are described by the board behind them
        for preset in brainflow.BoardShim.get_board_presets(number):
            told = brainflow.BoardShim.get_board_descr(number, preset)
            found = described(told, {})
            rows = [row for _, _, _, row in found]
            assert len(rows) == len(set(rows)), name
            assert len({each for each, _, _, _ in found}) == len(found), name
            assert all(unit for _, kind, unit, _ in found if kind not in ("ppg", "respiration"))
            seen += len(found)
    assert seen > 500


def test_electrodes_measure_what_the_user_says() -> None:
    told = brainflow.BoardShim.get_board_descr(0, 0)
    found = {name: (kind, row) for name, kind, _, row in described(told, {1: "ecg", 3: "emg", 4: "emg"})}
    assert found["ecg"] == ("ecg", 1)
    assert (found["emg 1"], found["emg 2"]) == (("emg", 3), ("emg", 4))
    assert found["Fp2"] == ("eeg", 2)
    assert "Fp1" not in found


class FakeBoard:
    """A Cyton whose samples are given to it.

    Attributes:
        now: POSIX seconds, which go on while somebody waits.
        waiting: rows of samples that come next; an error is raised.
    """

    def __init__(self) -> None:
        self.now = 1.7e9
        self.waiting: list[Any] = []
        self.calls: list[str] = []
        self.told = brainflow.BoardShim.get_board_descr(0, 0)

    def get_board_id(self) -> int:
        return 0

    def prepare_session(self) -> None:
        self.calls.append("prepare")

    def config_board(self, sent: str) -> None:
        self.calls.append(f"config {sent}")

    def start_stream(self, samples: int) -> None:
        self.calls.append("start")

    def stop_stream(self) -> None:
        self.calls.append("stop")
        raise brainflow.BrainFlowError("it is gone", 15)

    def release_session(self) -> None:
        self.calls.append("release")

    def get_board_data(self, preset: int) -> Any:
        told = self.waiting.pop(0) if self.waiting else np.zeros((24, 0))
        if isinstance(told, Exception):
            raise told
        return told

    def samples(self, numbers: Any, jump_s: float = 0.0) -> Any:
        """Make samples that come now, by their numbers since the start; the board's counter wraps."""
        numbers = np.asarray(numbers)
        rows = np.zeros((24, len(numbers)))
        rows[self.told["package_num_channel"]] = numbers % 256
        rows[self.told["timestamp_channel"]] = 1.7e9 + numbers / 250 + jump_s
        rows[1] = numbers
        self.now = 1.7e9 + numbers[-1] / 250 + 0.01
        return rows

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-3)


class FakeClock(MachineClock):
    def __init__(self, board: FakeBoard) -> None:
        self.board = board

    def now(self) -> float:
        return self.board.now


def opened(board: FakeBoard, **query: str) -> BoardStream:
    return BoardStream(board_address("cyton", query), shim=board, machine=FakeClock(board), sleep=board.sleep)


def values_of(board: FakeBoard, stream: BoardStream, *pieces: Any) -> tuple[Any, Any, list[str]]:
    times, values, notes = [], [], []
    for each in pieces:
        board.waiting.append(each())
        batch = stream.read(0.1)
        notes += batch.notes
        chunk = next(each for each in batch.chunks if each.channel == "Fp1")
        times.append(chunk.times_s)
        values.append(chunk.values)
    return np.concatenate(times), np.concatenate(values), notes


def test_lost_packets_are_a_gap_of_their_length_and_are_said() -> None:
    board = FakeBoard()
    stream = opened(board)
    times, values, notes = values_of(
        board,
        stream,
        *(lambda i=i: board.samples(np.arange(i, i + 50)) for i in range(0, 1000, 50)),
        lambda: board.samples(np.arange(1012, 1060)),
        lambda: board.samples(np.arange(1060, 1100)),
    )
    assert notes == ["12 samples were lost on the way"]
    assert times - times[0] == pytest.approx(values / 250, abs=1e-4)


def test_a_clock_that_jumps_is_said_and_the_samples_go_on() -> None:
    board = FakeBoard()
    stream = opened(board)
    times, values, notes = values_of(
        board,
        stream,
        *(lambda i=i: board.samples(np.arange(i, i + 50)) for i in range(0, 1000, 50)),
        *(lambda i=i: board.samples(np.arange(i, i + 50), jump_s=3.2) for i in range(1000, 1200, 50)),
    )
    assert notes == ["its clock jumped by +3.2 s"]
    assert times - times[0] == pytest.approx(values / 250, abs=1e-3)


def test_a_board_that_falls_silent_is_gone() -> None:
    board = FakeBoard()
    stream = opened(board)
    values_of(board, stream, lambda: board.samples(np.arange(50)))
    for _ in range(8):
        assert stream.read(0.5).chunks == ()
    with pytest.raises(
        SourceError, match="board:cyton: the board has sent nothing for 5 s: is it switched on"
    ):
        stream.read(2.0)
    stream.close()
    assert board.calls == ["prepare", "start", "stop", "release"]


def test_a_board_that_is_pulled_out_is_gone() -> None:
    board = FakeBoard()
    stream = opened(board)
    board.waiting = [brainflow.BrainFlowError("unable to get data", 7)]
    with pytest.raises(SourceError, match="board:cyton stopped: it doesn't answer: is it switched on"):
        stream.read(0.1)


def test_a_muse_is_told_to_switch_its_light_on() -> None:
    board = FakeBoard()
    BoardStream(board_address("MUSE_2_BOARD", {}), shim=board, machine=FakeClock(board))
    assert board.calls == ["prepare", "config p50", "start"]
    board = FakeBoard()
    opened(board, config="x1030110X")
    assert board.calls == ["prepare", "config x1030110X", "start"]


def test_nothing_that_is_not_there_is_opened() -> None:
    for name, query, words in (
        ("cyton", {"serial_port": "/dev/no-such-port"}, "it can't be reached: is its port or address right"),
        ("cyton", {}, "a parameter is missing or wrong, such as serial_port"),
        ("streaming", {}, "a parameter is missing or wrong, such as serial_port"),
    ):
        with pytest.raises(SourceError, match=f"^board:{name} can't be started: {words}"):
            BoardStream(board_address(name, query))


def test_an_electrode_that_is_not_there_is_said() -> None:
    with pytest.raises(SourceError, match="there is no electrode 999: the board has"):
        BoardStream(board_address("synthetic", {"ecg": "1,999"}))
