"""Figures for Prometheus, gathered when they are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

import mien
from mien.live.session import LiveSession
from mien.live.status import SignalStatus, SourceStatus, State

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS: Final[dict[str, tuple[str, Callable[[SourceStatus], float]]]] = {
    "mien_frames_read": ("Frames that came from a source.", lambda each: each.frames_read),
    "mien_frames_dropped": ("Frames dropped in favour of newer ones.", lambda each: each.frames_dropped),
    "mien_readings": ("Frames that were analysed.", lambda each: each.frames_analysed),
    "mien_source_restarts": ("How many times a source was restarted.", lambda each: each.restarts),
}
_GAUGES: Final[dict[str, tuple[str, Callable[[SourceStatus], float | None]]]] = {
    "mien_readings_per_second": (
        "Readings per second, over the last few seconds.",
        lambda each: each.rate_hz,
    ),
    "mien_coverage_ratio": ("Share of the time in which a face was read.", lambda each: each.coverage),
    "mien_source_away_seconds": ("Time since a source's connection was lost.", lambda each: each.away_s),
    "mien_source_running_seconds": ("Time since a source's first frame.", lambda each: each.running_s),
}
_LATENCY: Final = "mien_reading_latency_seconds"


class LiveSessionCollector(Collector):
    """Tells how a live session's sources are doing; figures that are not there yet are left out.

    Args:
        live_session: is asked at each collection.
        clock: gives seconds that never run backwards.
    """

    def __init__(self, live_session: LiveSession, clock: Callable[[], float] = time.monotonic) -> None:
        self._live_session = live_session
        self._clock = clock
        self._start_s = clock()

    def describe(self) -> Iterable[Metric]:
        """Return nothing in advance: what there is depends on the sources."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return the figures of this moment."""
        statuses = self._live_session.statuses()
        yield InfoMetricFamily("mien_build", "This version of Mien.", value={"version": mien.__version__})
        yield GaugeMetricFamily("mien_uptime_seconds", "Time since the start.", self._clock() - self._start_s)
        yield _states(statuses)
        for name, (words, count) in _COUNTERS.items():
            counter = CounterMetricFamily(name, words, labels=["source"])
            for status in statuses:
                counter.add_metric([status.name], count(status))
            yield counter
        for name, (words, figure) in _GAUGES.items():
            gauge = GaugeMetricFamily(name, words, labels=["source"])
            for status in statuses:
                if (value := figure(status)) is not None:
                    gauge.add_metric([status.name], value)
            yield gauge
        yield _latencies(statuses)
        yield from _sensors(self._live_session.signal_statuses())


def make_registry(live_session: LiveSession) -> CollectorRegistry:
    """Make a registry of its own for a live session, so that two in one process don't mix."""
    registry = CollectorRegistry()
    registry.register(LiveSessionCollector(live_session))
    return registry


def metrics_text(registry: CollectorRegistry) -> bytes:
    """Write the figures in Prometheus's text format."""
    return generate_latest(registry)


def _sensors(statuses: list[SignalStatus]) -> Iterable[Metric]:
    """Return how the body's sensors are doing; what they say of a person is no figure for a monitor."""
    yield _states(statuses, "mien_sensors", "Sensors of the body by what they are doing.")
    restarts = CounterMetricFamily(
        "mien_sensor_restarts", "How many times a sensor was opened again.", labels=["sensor"]
    )
    running = GaugeMetricFamily(
        "mien_sensor_running_seconds", "Time since a sensor's first sample.", labels=["sensor"]
    )
    for status in statuses:
        restarts.add_metric([status.name], status.restarts)
        running.add_metric([status.name], status.running_s)
    yield from (restarts, running)


def _states(
    statuses: Sequence[SourceStatus | SignalStatus],
    name: str = "mien_sources",
    words: str = "Sources by what they are doing.",
) -> Metric:
    gauge = GaugeMetricFamily(name, words, labels=["state"])
    for state in get_args(State):
        gauge.add_metric([state], sum(status.state == state for status in statuses))
    return gauge


def _latencies(statuses: list[SourceStatus]) -> Metric:
    words = "Time from a frame to its reading, over the last few seconds."
    gauge = GaugeMetricFamily(_LATENCY, words, labels=["source", "quantile"])
    for status in statuses:
        for quantile, latency_ms in (("0.5", status.latency_ms), ("0.95", status.latency_p95_ms)):
            if latency_ms is not None:
                gauge.add_metric([status.name, quantile], latency_ms / 1000)
    return gauge
