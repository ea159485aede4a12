"""What users write to name a sensor: `lsl:NAME`, `board:NAME?key=value`, `ble:ADDRESS`."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from mien.errors import ConfigError
from mien.signals.stream.types import SignalStream

EXPECTED: Final = (
    "expected lsl:NAME, lsl:type=EEG, board:synthetic, board:NAME?serial_port=... or ble:ADDRESS"
)


def open_stream(address: str) -> SignalStream:
    """Open a running sensor.

    Args:
        address: `board:NAME`, with BrainFlow's parameters after "?".

    Raises:
        ConfigError: it is no such address.
        SourceError: the sensor isn't there, or can't be opened.
        ModuleNotFoundError: without the package for it, which `mien[signals]` brings.
    """
    kind, colon, rest = address.partition(":")
    if kind.strip().lower() == "board" and colon and rest:
        from mien.signals.stream.board import BoardStream, board_address

        name, _, query = rest.partition("?")
        return BoardStream(board_address(name, dict(parse_qsl(query, keep_blank_values=True))))
    raise ConfigError(f"signals: {EXPECTED}, received {address!r}")
