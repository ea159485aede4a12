from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

import mien
from mien.live.status import SignalStatus, SourceStatus
from mien.web.api.metrics import LiveSessionCollector, make_registry, metrics_text
from mien.web.app import build_backend
from web.backend import Clock, FakeLiveSession, client, make_signals, settings

CAMERA = SourceStatus(
    "camera:0", "camera:0", "running",
    frames_read=300, frames_analysed=290, frames_dropped=10, rate_hz=29.5,
    latency_ms=40.0, latency_p95_ms=75.0, coverage=0.9, restarts=2, running_s=10.0,
)  # fmt: skip
AWAY = SourceStatus('odd "name"\n', "rtsp://***@host", "away", away_s=3.5)


def figures(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sorted(f"{key}={value}" for key, value in sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_figures_are_those_of_the_sources(live_session: FakeLiveSession) -> None:
    live_session.known = {status.name: status for status in (CAMERA, AWAY)}
    found = figures(metrics_text(make_registry(live_session)).decode())
    camera = "source=camera:0"
    assert found["mien_frames_read_total", camera] == 300
    assert found["mien_readings_total", camera] == 290
    assert found["mien_frames_dropped_total", camera] == 10
    assert found["mien_source_restarts_total", camera] == 2
    assert found["mien_readings_per_second", camera] == 29.5
    assert found["mien_coverage_ratio", camera] == 0.9
    assert found["mien_reading_latency_seconds", "quantile=0.5", camera] == 0.04
    assert found["mien_reading_latency_seconds", "quantile=0.95", camera] == 0.075
    assert found["mien_sources", "state=running"] == found["mien_sources", "state=away"] == 1
    assert found["mien_sources", "state=failed"] == 0
    assert found["mien_source_away_seconds", f"source={AWAY.name}"] == 3.5
    assert found["mien_build_info", f"version={mien.__version__}"] == 1


def test_sensors_are_told_of_without_what_they_say(live_session: FakeLiveSession) -> None:
    live_session.sensors["strap"] = SignalStatus("strap", "ble:x", "running", restarts=1, running_s=12.5)
    live_session.publish_signals(make_signals("strap", 1_780_000_000.0))
    text = metrics_text(make_registry(live_session)).decode()
    found = figures(text)
    assert found["mien_sensors", "state=running"] == 1
    assert found["mien_sensors", "state=failed"] == 0
    assert found["mien_sensor_restarts_total", "sensor=strap"] == 1
    assert found["mien_sensor_running_seconds", "sensor=strap"] == 12.5
    assert "71.2" not in text
    assert "heart" not in text


def test_what_is_not_known_is_left_out(live_session: FakeLiveSession) -> None:
    live_session.known = {AWAY.name: AWAY}
    names = {name for name, *_ in figures(metrics_text(make_registry(live_session)).decode())}
    assert "mien_readings_total" in names
    assert names.isdisjoint(
        {"mien_readings_per_second", "mien_coverage_ratio", "mien_reading_latency_seconds"}
    )


def test_without_sources_there_are_figures_all_the_same(live_session: FakeLiveSession) -> None:
    clock = Clock()
    collector = LiveSessionCollector(live_session, clock)
    clock.now_s += 12.5
    (uptime,) = [each for each in collector.collect() if each.name == "mien_uptime_seconds"]
    assert uptime.samples[0].value == 12.5


def test_two_stations_in_one_process_do_not_mix(live_session: FakeLiveSession) -> None:
    other = FakeLiveSession()
    other.known = {"camera:0": CAMERA}
    assert "camera:0" not in metrics_text(make_registry(live_session)).decode()
    assert "camera:0" in metrics_text(make_registry(other)).decode()
    other.close()


def test_they_are_served(live_session: FakeLiveSession) -> None:
    live_session.known = {"camera:0": CAMERA}
    answer = client(build_backend(live_session, settings())).get("/api/v1/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert figures(answer.text)["mien_frames_read_total", "source=camera:0"] == 300
