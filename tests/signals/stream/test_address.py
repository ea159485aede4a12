"""What users write to name a sensor, and what there is."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from mien.cli import main
from mien.errors import ConfigError
from mien.signals.stream.address import changes, check_address, find_streams, open_stream
from mien.signals.stream.types import Channel

pytest.importorskip("pylsl")
pytest.importorskip("brainflow")
pytest.importorskip("bleak")

from signals.stream.lsl_senders import outlet, unique


@pytest.mark.main_path
def test_addresses_open_what_they_name() -> None:
    board = open_stream(" Board:Synthetic ")
    assert board.channels[0].name == "Fz"
    board.close()
    name = unique("Named")
    with outlet(name):
        stream = open_stream(f"lsl:{name}")
        assert [each.name for each in stream.channels] == ["Fz"]
        stream.close()
    check_address("ble:AA:BB:CC:DD:EE:FF")


@pytest.mark.parametrize(
    "address", ["", "synthetic", "camera:0", "lsl", "lsl:", "board:", "ble: ", "ecg.edf", "http://x"]
)
def test_other_addresses_are_refused_with_what_is_right(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_address(address)
    assert "lsl:NAME" in str(caught.value)
    assert "board:synthetic" in str(caught.value)


def test_what_came_back_otherwise_is_said() -> None:
    fz, cz = Channel("Fz", "eeg", "uV", 250.0), Channel("Cz", "eeg", "uV", 250.0)
    fast = Channel("Fz", "eeg", "uV", 500.0)
    assert changes((fz, cz), (fz, cz)) is None
    assert changes((fz, cz), (fz,)) == "it came back without Cz"
    assert changes((fz,), (fast, cz)) == "it came back with Cz, at 500 Hz instead of 250"
    assert changes((fz,), (Channel("Fz", "eeg", "mV", 250.0),)) == "it came back with its channels changed"


@pytest.mark.exhaustive
def test_what_there_is_is_found_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    name = unique("Listed")
    with outlet(name):
        found = find_streams(0.1)
        assert f"lsl:{name}" in {each.address for each in found.streams}
        assert {"board:synthetic", "board:muse-2", "board:cyton"} <= {each.address for each in found.boards}
        assert main(["signals", "--list"]) == 0
    printed = capsys.readouterr().out
    assert f"lsl:{name}  EEG, 1 channel, 250 Hz, on " in printed
    assert "board:synthetic" in printed


@pytest.mark.parametrize(
    ("address", "module"), [("lsl:x", "pylsl"), ("board:synthetic", "brainflow"), ("ble:x", "bleak")]
)
def test_without_the_package_one_line_says_how_to_get_it(
    address: str, module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mien.signals.stream import lsl

    really = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return really(name, *rest, **more)

    lsl.lsl_library.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError):
        open_stream(address)
    assert main(["signals", "--list"]) == 0
    assert f"note: this needs {module}: " in capsys.readouterr().out
