"""Who is logged in, and how often somebody may try to be."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_MOST_SESSIONS: Final = 1000
_MOST_ADDRESSES: Final = 10_000
_LONGEST_NAME: Final = 64


@dataclass(slots=True)
class _Session:
    began_s: float
    used_s: float
    who: str


class Sessions:
    """Sessions by their tokens, kept in memory; only the tokens' hashes, so that nothing here opens a door.

    Args:
        idle_s: a session that is not used for so long is over.
        lifetime_s: a session is over after so long, used or not.
        clock: gives seconds that never run backwards.
    """

    def __init__(
        self, *, idle_s: float, lifetime_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._idle_s = idle_s
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, who: str = "") -> str:
        """Begin a session and return its token, 256 random bits.

        Args:
            who: the name of the record's user; "" for nobody by name.
        """
        self._forget()
        while len(self._sessions) >= _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        token, now_s = secrets.token_urlsafe(32), self._clock()
        self._sessions[_digest(token)] = _Session(now_s, now_s, who)
        return token

    def use(self, token: str | None) -> str | None:
        """Return whose a token's session is, "" for nobody by name, and that it was used; None for none."""
        if token is None:
            return None
        self._forget()
        session = self._sessions.get(_digest(token))
        if session is None:
            return None
        session.used_s = self._clock()
        return session.who

    def close(self, token: str | None) -> None:
        """End a session, if there is one."""
        if token is not None:
            self._sessions.pop(_digest(token), None)

    def _forget(self) -> None:
        now_s = self._clock()
        over = [
            key
            for key, session in self._sessions.items()
            if now_s - session.began_s >= self._lifetime_s or now_s - session.used_s >= self._idle_s
        ]
        for key in over:
            del self._sessions[key]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@dataclass(slots=True)
class _Tries:
    count: int = 0
    last_s: float = 0.0

    def add(self, now_s: float) -> None:
        self.count += 1
        self.last_s = now_s

    def pause_s(self, now_s: float, free: int, longest_s: float) -> float:
        """Return how long the next try has to wait; it doubles with each failure beyond the free ones."""
        if self.count < free:
            return 0.0
        pause_s = min(2.0 ** min(self.count - free, 60), longest_s)
        return max(0.0, self.last_s + pause_s - now_s)


_Names = dict[str, _Tries]
"""An address's tries by the names that they were for."""


def _together(names: _Names) -> _Tries:
    tries = names.values()
    return _Tries(sum(each.count for each in tries), max((each.last_s for each in tries), default=0.0))


class Attempts:
    """Counts failed logins, and makes the next ones wait: longer and longer for one address, a bit for all.

    The pause for all is short: it slows down a guesser with many addresses, and doesn't lock people out.

    Args:
        clock: gives seconds that never run backwards.
        free: failures of one address without a pause.
        longest_s: the longest pause of one address.
        free_for_all: failures of all addresses together without a pause.
        longest_for_all_s: the longest pause for all.
        forget_s: failures are forgotten when there is no further one for so long.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        free: int = 5,
        longest_s: float = 900.0,
        free_for_all: int = 50,
        longest_for_all_s: float = 5.0,
        forget_s: float = 3600.0,
    ) -> None:
        self._clock = clock
        self._free, self._longest_s = free, longest_s
        self._free_for_all, self._longest_for_all_s = free_for_all, longest_for_all_s
        self._forget_s = forget_s
        self._all = _Tries()
        self._by_address: OrderedDict[str, _Names] = OrderedDict()

    def begin(self, address: str, name: str = "") -> float:
        """Ask for a try.

        The try counts as failed until `succeeded` is called, so that many at once get no more tries than one
        after the other.

        Args:
            address: of the client; the network of an IPv6 address counts as one.
            name: of the user whose password is tried; "" for nobody by name.

        Returns:
            0 when it may be made now, else the seconds to wait.
        """
        now_s, key = self._clock(), network_of(address)
        self._forget(now_s)
        names = self._recent(key, now_s)
        pause_s = max(
            _together(names).pause_s(now_s, self._free, self._longest_s),
            self._all.pause_s(now_s, self._free_for_all, self._longest_for_all_s),
        )
        if pause_s > 0:
            return pause_s
        names.setdefault(name[:_LONGEST_NAME], _Tries()).add(now_s)
        self._all.add(now_s)
        self._by_address[key] = names
        self._by_address.move_to_end(key)
        while len(self._by_address) > _MOST_ADDRESSES:
            self._by_address.popitem(last=False)
        return 0.0

    def succeeded(self, address: str, name: str = "", who: str = "") -> None:
        """Note that the last try was right: an address's failures for that user are forgotten.

        Those for others stay, or whoever has a password of their own could guess at others' for ever.

        Args:
            address: as it was begun.
            name: as it was begun.
            who: whose password it was; "" where it was nobody's by name.
        """
        self._all.count = max(0, self._all.count - 1)
        key = network_of(address)
        names = self._by_address.get(key, {})
        names.pop(who, None)
        if (tries := names.get(name[:_LONGEST_NAME])) is not None:
            tries.count -= 1
            if not tries.count:
                del names[name[:_LONGEST_NAME]]
        if not names:
            self._by_address.pop(key, None)

    def _recent(self, key: str, now_s: float) -> _Names:
        names = self._by_address.get(key, {})
        return {name: each for name, each in names.items() if now_s - each.last_s < self._forget_s}

    def _forget(self, now_s: float) -> None:
        if now_s - self._all.last_s >= self._forget_s:
            self._all = _Tries()
        while self._by_address:
            oldest = next(iter(self._by_address))
            if now_s - _together(self._by_address[oldest]).last_s < self._forget_s:
                return
            del self._by_address[oldest]


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 network that a household has."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
