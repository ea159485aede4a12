"""What users write to name a sensor: `lsl:NAME`, `board:NAME?key=value`, `ble:ADDRESS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from mien.errors import ConfigError, SourceError
from mien.install import extras_command
from mien.signals.stream.types import Channel, Found, SignalStream

if TYPE_CHECKING:
    from mien.signals.stream.clock import MachineClock

KINDS: Final = ("lsl", "board", "ble")
"""Of addresses: what stands before the colon."""
EXPECTED: Final = (
    "expected lsl:NAME or lsl:type=EEG, board:synthetic or board:NAME?serial_port=..., ble:ADDRESS or"
    " ble:NAME"
)


def check_address(address: str) -> Callable[[MachineClock | None], SignalStream]:
    """Check what names a sensor, without opening it.

    Args:
        address: `lsl:NAME` or `lsl:type=EEG&hostname=lab`; `board:NAME`, with BrainFlow's parameters after
            "?"; `ble:ADDRESS` or `ble:NAME`.

    Returns:
        What opens it, on a clock of this machine.

    Raises:
        ConfigError: it is no such address.
        ModuleNotFoundError: without the package for a board's, which `mien[signals]` brings.
    """
    kind, colon, rest = address.strip().partition(":")
    kind, rest = kind.strip().lower(), rest.strip()
    if not colon or kind not in KINDS:
        raise ConfigError(f"signals: {EXPECTED}, received {address!r}")
    if not rest:
        raise ConfigError(f"{kind}: which one? {EXPECTED}; `mien signals --list` shows what there is")
    if kind == "board":
        from mien.signals.stream.board import BoardStream, board_address

        name, _, query = rest.partition("?")
        board = board_address(name, dict(parse_qsl(query, keep_blank_values=True)))
        return lambda machine: BoardStream(board, machine=machine)
    if kind == "lsl":
        from mien.signals.stream.lsl import LslStream, lsl_address

        stream = lsl_address(rest)
        return lambda machine: LslStream(stream, machine=machine)
    from mien.signals.stream.strap import StrapStream

    return lambda machine: StrapStream(rest, machine=machine)


def open_stream(address: str, machine: MachineClock | None = None) -> SignalStream:
    """Open a running sensor.

    Args:
        address: as of `check_address`.
        machine: this machine's clock, where several streams and cameras share one.

    Raises:
        ConfigError: it is no such address.
        SourceError: the sensor isn't there, or can't be opened.
        ModuleNotFoundError: without the package for it, which `mien[signals]` brings.
    """
    return check_address(address)(machine)


def changes(before: Sequence[Channel], after: Sequence[Channel]) -> str | None:
    """Return in words what a sensor that was opened anew gives otherwise than before; None where nothing."""
    if tuple(before) == tuple(after):
        return None
    names, now = ({each.name: each for each in channels} for channels in (before, after))
    said = []
    if gone := [name for name in names if name not in now]:
        said.append(f"without {', '.join(gone)}")
    if new := [name for name in now if name not in names]:
        said.append(f"with {', '.join(new)}")
    rates = {(names[name].rate_hz, now[name].rate_hz) for name in names if name in now}
    said += [
        f"at {new_hz:g} Hz instead of {old_hz:g}" for old_hz, new_hz in sorted(rates) if new_hz != old_hz
    ]
    return f"it came back {', '.join(said) or 'with its channels changed'}"


@dataclass(frozen=True, slots=True)
class FoundStreams:
    """What there is.

    Attributes:
        streams: of LSL.
        straps: that are near.
        boards: that BrainFlow knows, whether they are there or not.
        notes: why there is none of a kind, in words.
    """

    streams: tuple[Found, ...]
    straps: tuple[Found, ...]
    boards: tuple[Found, ...]
    notes: tuple[str, ...]


def find_streams(wait_s: float = 5.0) -> FoundStreams:
    """Look for sensors: LSL's streams on this network, straps near by Bluetooth, the boards that have a name.

    Args:
        wait_s: how long straps are looked for.
    """
    from mien.signals.stream.board import find_boards
    from mien.signals.stream.lsl import find_lsl_streams
    from mien.signals.stream.strap import find_straps

    notes: list[str] = []

    def found(find: Callable[[], tuple[Found, ...]]) -> tuple[Found, ...]:
        try:
            return find()
        except SourceError as error:
            notes.append(str(error))
        except ModuleNotFoundError as error:
            notes.append(f"this needs {error.name}: {extras_command('signals')}")
        return ()

    streams, straps, boards = (
        found(each) for each in (find_lsl_streams, partial(find_straps, wait_s), find_boards)
    )
    return FoundStreams(streams, straps, boards, tuple(notes))
