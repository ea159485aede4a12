"""Streams of Lab Streaming Layer: `lsl:NAME`, `lsl:type=EEG`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError, SourceError
from mien.signals.kinds import kind_of
from mien.signals.stream.clock import MachineClock, SampleClock
from mien.signals.stream.decimate import FASTEST_HZ, Decimator
from mien.signals.stream.types import Batch, Channel, Chunk, Found
from mien.signals.types import Mark, plain_unit
from mien.wording import count

_KEYS: Final = ("name", "type", "source_id", "hostname", "uid")
_RESOLVE_S: Final = 4.0
_OTHERS_S: Final = 0.5
"""So much longer a second stream may take to be found, which the address means as well."""
_OPEN_S: Final = 5.0
_BUFFER_S: Final = 10
"""What is not fetched for so long is gone, so that a stream never grows in memory."""
_CLOCK_EVERY_S: Final = 5.0
_CLOCK_JUMP_S: Final = 0.5
_SILENT_S: Final = 10.0
"""An even stream that sends nothing for so long is gone."""
_FORGET_S: Final = 10.0
_DRIFT_AFTER_S: Final = 300.0
_DRIFT_PPM: Final = 20.0
_QUIET: Final = "[log]\nlevel = -3\n"
_MARKERS: Final = ("markers", "marker", "events", "stim")


@dataclass(frozen=True, slots=True)
class LslAddress:
    """Which stream.

    Attributes:
        terms: what its description must say, such as {"type": "EEG"}.
        shown: the address as users write it.
    """

    terms: Mapping[str, str]
    shown: str

    @property
    def query(self) -> str:
        """The same as LSL's resolver takes it."""
        return " and ".join(f"{key}={_quoted(value)}" for key, value in self.terms.items())


def lsl_address(text: str) -> LslAddress:
    """Read what stands after `lsl:`.

    Raises:
        ConfigError: it is no name, and no list such as `type=EEG&hostname=lab`.
    """
    shown = f"lsl:{text}"
    terms = {"name": text.strip()} if "=" not in text else dict(parse_qsl(text, keep_blank_values=True))
    for key, value in terms.items():
        if key not in _KEYS or not value:
            raise ConfigError(
                f"{shown}: expected a stream's name, or {', '.join(_KEYS)} with a value, joined by &, as in"
                " lsl:type=EEG&hostname=lab"
            )
        if "'" in value and '"' in value:
            raise ConfigError(f"{shown}: a stream can't be named with both kinds of quotes")
    return LslAddress(terms, shown)


def _quoted(value: str) -> str:
    return f"'{value}'" if "'" not in value else f'"{value}"'


@cache
def lsl_library() -> Any:
    """Return pylsl, which logs nothing unless the user has a configuration of LSL.

    Raises:
        ModuleNotFoundError: without it; `mien[signals]` brings it.
        SourceError: it has no library for this machine.
    """
    try:
        import pylsl
    except RuntimeError:
        raise SourceError(
            "pylsl comes without LSL's library for this machine: install liblsl (see docs/signals.md), or"
            " name its file in PYLSL_LIB"
        ) from None
    places = (Path("lsl_api.cfg"), Path.home() / "lsl_api" / "lsl_api.cfg", Path("/etc/lsl_api/lsl_api.cfg"))
    if "LSLAPICFG" not in os.environ and not any(each.is_file() for each in places):
        with suppress(NotImplementedError):  # an older library of the system's
            pylsl.set_config_content(_QUIET)
    return pylsl


def find_lsl_streams(wait_s: float = 1.0) -> tuple[Found, ...]:
    """Return the streams that are on this network, by name.

    Raises:
        ModuleNotFoundError: without pylsl.
        SourceError: it has no library for this machine.
    """
    found = {each.uid(): each for each in lsl_library().resolve_streams(wait_s)}
    names = Counter(each.name() for each in found.values())
    return tuple(
        Found(
            _exact_address(each) if names[each.name()] > 1 or "=" in each.name() else f"lsl:{each.name()}",
            f"{each.type() or 'no type'}, {count(each.channel_count(), 'channel')},"
            f" {f'{each.nominal_srate():g} Hz' if each.nominal_srate() else 'no even rate'},"
            f" on {each.hostname()}",
        )
        for each in sorted(found.values(), key=lambda each: (each.name(), each.hostname()))
    )


def _exact_address(info: Any) -> str:
    terms = {"name": info.name(), "source_id": info.source_id(), "hostname": info.hostname()}
    return f"lsl:{urlencode({key: value for key, value in terms.items() if value})}"


class LslStream:
    """One stream that runs.

    Its stamps are taken as the sender gave them, plus LSL's estimate of how far its clock is from this
    machine's, renewed every 5 s; `SampleClock` makes them steady. LSL's own post-processing stays off: it
    takes a gap for jitter.

    Args:
        address: which one.
        inlet: what receives; found on the network by default.
        machine: this machine's clock.

    Raises:
        SourceError: there is no such stream, several are meant, or it can't be opened.
    """

    def __init__(
        self, address: LslAddress, *, inlet: Any = None, machine: MachineClock | None = None
    ) -> None:
        self._pylsl = lsl_library()
        self._address = address
        self._machine = machine or MachineClock()
        self._inlet = found_inlet(address) if inlet is None else inlet
        try:
            info = self._inlet.info(_OPEN_S)
            self._inlet.open_stream(_OPEN_S)
            self._correction_s = float(self._inlet.time_correction(_OPEN_S))
        except RuntimeError as error:  # pylsl's TimeoutError and LostError are such
            raise SourceError(f"{address.shown}: it is there, but can't be opened: {error}") from None
        self._first_correction = (self._machine.now(), self._correction_s)
        self._drift_told = False
        self._epoch_s = self._machine.now() - self._pylsl.local_clock()
        self._rate_hz = float(info.nominal_srate())
        self._notes: list[str] = []
        self._clock = SampleClock(self._rate_hz)
        self._marks_only = _has_marks(info)
        self._decimator = Decimator(self._rate_hz) if self._rate_hz > FASTEST_HZ else None
        self._channels = () if self._marks_only else self._described(info)
        self._most = max(1024, int(self._rate_hz))
        self._heard_s = self._looked_s = self._machine.now()
        self._there = None if self._rate_hz else self._watcher(info)

    @property
    def channels(self) -> Sequence[Channel]:
        """What it gives; nothing where it sends marks."""
        return self._channels

    def read(self, timeout_s: float) -> Batch:
        """Return what came since the last call.

        Raises:
            SourceError: the stream has gone.
        """
        try:
            samples, stamps = self._pull(timeout_s)
        except RuntimeError:
            raise SourceError(f"{self._address.shown}: the stream has gone") from None
        now_s = self._machine.now()
        self._watch(now_s, heard=len(stamps) > 0)
        chunks: tuple[Chunk, ...] = ()
        marks: tuple[Mark, ...] = ()
        if len(stamps):
            at = self._clock.times(stamps + (self._correction_s + self._epoch_s), now_s)
            self._notes += self._clock.take_notes()
            if self._marks_only:
                marks = tuple(
                    Mark(float(each), _text(sample)) for each, sample in zip(at, samples, strict=True)
                )
            else:
                chunks = self._chunks(at, np.asarray(samples, np.float64))
        notes, self._notes = self._notes, []
        return Batch(chunks, marks, tuple(notes))

    def close(self) -> None:
        """Let go of the stream; safe twice."""
        if self._inlet is not None:
            with suppress(RuntimeError):
                self._inlet.close_stream()
        self._inlet = self._there = None

    def _described(self, info: Any) -> tuple[Channel, ...]:
        rate_hz = self._rate_hz
        if self._decimator is not None:
            rate_hz = self._decimator.rate_hz
            self._notes.append(f"{self._rate_hz:g} samples a second are thinned out to {rate_hz:g}")
        many, said = info.channel_count(), info.type()
        texts = (info.get_channel_labels(), info.get_channel_units(), info.get_channel_types())
        labels, units, types = (list(each or ())[:many] + [None] * (many - len(each or ())) for each in texts)
        found: list[Channel] = []
        for number, (label, unit, kind) in enumerate(zip(labels, units, types, strict=True), 1):
            name = label or (f"{info.name()} {number}" if many > 1 else info.name())
            if any(each.name == name for each in found):
                name = f"{name} ({number})"
            unit = plain_unit(unit or "")
            found.append(Channel(name, kind_of(name, unit, kind or said), unit, rate_hz))
        return tuple(found)

    def _pull(self, timeout_s: float) -> tuple[Any, NDArray[np.float64]]:
        """Return all samples that wait, at most as many as the buffer holds."""
        parts: list[tuple[Any, NDArray[np.float64]]] = []
        for _ in range(_BUFFER_S + 1):
            samples, stamps = self._inlet.pull_chunk(
                0.0 if parts else timeout_s, max_samples=self._most, min_samples=1, as_numpy=True
            )
            parts.append((samples, stamps))
            if len(stamps) < self._most:
                break
        filled = [each for each in parts if len(each[1])] or parts[:1]
        return np.concatenate([each for each, _ in filled]), np.concatenate([each for _, each in filled])

    def _chunks(self, at: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[Chunk, ...]:
        if self._decimator is not None:
            at, values = self._decimator.take(at, values)
            if not len(at):
                return ()
        columns = np.ascontiguousarray(values.T)
        return tuple(
            Chunk(each.name, at, column) for each, column in zip(self._channels, columns, strict=True)
        )

    def _watch(self, now_s: float, *, heard: bool) -> None:
        """See whether it is still there, and how its clock goes."""
        if heard:
            self._heard_s = now_s
        elif self._rate_hz and now_s - self._heard_s > _SILENT_S:
            raise SourceError(f"{self._address.shown}: the stream has sent nothing for {_SILENT_S:g} s")
        if now_s - self._looked_s < _CLOCK_EVERY_S:
            return
        self._looked_s = now_s
        if self._there is not None and now_s - self._heard_s > _FORGET_S and not self._there():
            raise SourceError(f"{self._address.shown}: the stream has gone")
        with suppress(RuntimeError):  # no answer now
            self._follow(float(self._inlet.time_correction(0.1)), now_s)

    def _follow(self, correction_s: float, now_s: float) -> None:
        """Take LSL's new estimate of the sender's clock."""
        self._epoch_s = now_s - self._pylsl.local_clock()
        jump_s = correction_s - self._correction_s
        self._correction_s = correction_s
        if abs(jump_s) > _CLOCK_JUMP_S:
            self._notes.append("its clock was set anew; LSL's new estimate of it counts")
            self._clock.trust_stamps()
            self._first_correction = (now_s, correction_s)
        first_s, first = self._first_correction
        if self._drift_told or now_s - first_s < _DRIFT_AFTER_S:
            return
        ppm = -1e6 * (correction_s - first) / (now_s - first_s)
        if abs(ppm) >= _DRIFT_PPM:
            self._drift_told = True
            self._notes.append(
                f"its clock is {abs(ppm):.0f} millionths too {'fast' if ppm > 0 else 'slow'}; taken out"
            )

    def _watcher(self, info: Any) -> Callable[[], bool]:
        """Return what tells whether a stream that may be silent for long is still there."""
        resolver = self._pylsl.ContinuousResolver(pred=f"uid='{info.uid()}'", forget_after=_FORGET_S)
        return lambda: bool(resolver.results())


def found_inlet(address: LslAddress, others_s: float = _OTHERS_S) -> Any:
    """Find the one stream that an address means.

    Args:
        address: which one.
        others_s: how long to wait for others that are meant as well.

    Raises:
        SourceError: there is none, or more than one.
    """
    pylsl = lsl_library()
    found = {each.uid(): each for each in pylsl.resolve_bypred(address.query, 1, _RESOLVE_S)}
    if len(found) == 1:
        more = pylsl.resolve_bypred(address.query, 2, others_s)
        found |= {each.uid(): each for each in more}
    if not found:
        names = ", ".join(each.address for each in find_lsl_streams())
        raise SourceError(
            f"{address.shown}: there is no such stream on this network"
            + (f"; there are {names}" if names else ", nor any other; is the sender running?")
        )
    if len(found) > 1:
        several = ", ".join(map(_exact_address, found.values()))
        raise SourceError(f"{address.shown}: {len(found)} streams are meant; say which: {several}")
    # Not recovered by LSL: a stream that comes back may be another one, so it is opened anew.
    return pylsl.StreamInlet(next(iter(found.values())), max_buflen=_BUFFER_S, recover=False)


def _has_marks(info: Any) -> bool:
    """Whether its values are words, or numbers that are sent when something happens."""
    text: bool = info.channel_format() == lsl_library().cf_string
    return text or (not info.nominal_srate() and info.type().strip().lower() in _MARKERS)


def _text(sample: Any) -> str:
    parts = (each.decode("utf-8", "replace") if isinstance(each, bytes) else f"{each}" for each in sample)
    return " ".join(parts).strip()
