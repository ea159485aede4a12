from __future__ import annotations

import json

import numpy as np
import pytest

from mien.live.status import RECENT_S, Figures, Pace, SourceStatus


def test_nothing_is_known_before_the_first_reading() -> None:
    assert Pace().figures(10.0) == Figures(None, None, None)


@pytest.mark.parametrize("rate_hz", [5, 30])
def test_rate_and_latency_of_the_last_seconds(rate_hz: int) -> None:
    pace = Pace()
    took_ms = np.random.default_rng(1).uniform(5, 50, 20 * rate_hz)
    times_s = np.arange(20 * rate_hz) / rate_hz
    for time_s, took in zip(times_s, took_ms, strict=True):
        pace.add(float(time_s), float(took))
    now_s = float(times_s[-1])
    figures = pace.figures(now_s)
    assert figures.rate_hz == pytest.approx(rate_hz, abs=1 / RECENT_S + 1e-9)
    recent = took_ms[times_s >= now_s - RECENT_S]
    assert figures.latency_ms == pytest.approx(np.median(recent))
    assert figures.latency_p95_ms == pytest.approx(np.percentile(recent, 95))


def test_the_rate_is_right_from_the_second_reading_on() -> None:
    pace = Pace()
    pace.add(100.0, 1.0)
    assert pace.figures(100.0).rate_hz is None
    pace.add(100.1, 1.0)
    assert pace.figures(100.1).rate_hz == pytest.approx(10)


def test_when_nothing_comes_any_more_the_rate_falls_to_nothing() -> None:
    pace = Pace()
    for step in range(100):
        pace.add(step / 10, 3.0)
    assert pace.figures(9.9 + RECENT_S / 2).rate_hz == pytest.approx(5, abs=0.3)
    assert pace.figures(30.0) == Figures(0.0, None, None)


def test_a_flood_takes_no_more_memory() -> None:
    pace = Pace()
    for step in range(20_000):
        pace.add(step / 1e6, 1.0)
    assert len(pace._recent) <= 4096


def test_a_status_is_ready_for_json() -> None:
    status = SourceStatus("cam", "camera:0", "running", rate_hz=29.97123, latency_ms=None)
    said = json.loads(json.dumps(status.as_dict(), allow_nan=False))
    assert said["rate_hz"] == 29.971
    assert (said["name"], said["state"], said["latency_ms"]) == ("cam", "running", None)
    assert set(said) == set(SourceStatus.__dataclass_fields__)
