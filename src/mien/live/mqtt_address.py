"""The address of an MQTT broker, which may hold a password: no message repeats it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from mien.errors import ConfigError

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_EXPECTED: Final = "MQTT broker: expected mqtt://[user[:password]@]host[:port][/prefix], or mqtts:// for TLS"
_PREFIX: Final = re.compile(r"[\w.-]+(/[\w.-]+)*")


@dataclass(frozen=True)
class Broker:
    """Where a broker is, who asks, and what topics begin with; the password shows in no `repr`."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    prefix: str | None = None

    @classmethod
    def parse(cls, url: str) -> Broker:
        """Take an address apart.

        Args:
            url: mqtt://[user[:password]@]host[:port][/prefix], or mqtts:// for TLS; what isn't a letter or
                digit in user and password is percent-encoded.

        Raises:
            ConfigError: it isn't such an address. The message doesn't repeat it, as it may hold a password.
        """
        parts, port = _split(url)
        if parts.scheme not in _PORTS:
            raise ConfigError(f"{_EXPECTED}, received another kind of address")
        prefix = parts.path.strip("/")
        if (prefix and not _PREFIX.fullmatch(prefix)) or not {"?", "#"}.isdisjoint(url):
            raise ConfigError(
                f"{_EXPECTED}, received something else after the host; in a password write / as %2F,"
                " # as %23, ? as %3F, @ as %40"
            )
        if not parts.hostname:
            raise ConfigError(f"{_EXPECTED}, received no host")
        if parts.password is not None and not parts.username:
            raise ConfigError(f"{_EXPECTED}, received a password without a user")
        return cls(
            parts.hostname,
            _PORTS[parts.scheme] if port is None else port,
            parts.scheme == "mqtts",
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password is not None else None,
            prefix or None,
        )

    @property
    def where(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Its message would repeat a part of the address, and with it perhaps of the password.
        raise ConfigError(f"{_EXPECTED}, received a port or host that can't be read") from None
    if port == 0:
        raise ConfigError(f"{_EXPECTED}, received port 0")
    return parts, port


def check_prefix(prefix: str) -> str:
    """Check what all topics begin with.

    Returns:
        The same prefix: one or more words with "/" between them.

    Raises:
        ConfigError: it is empty, or holds what a topic can't.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"MQTT prefix: expected words of letters, digits, '_', '-' and '.', with '/' between them,"
            f" received {prefix!r}"
        )
    return prefix
