from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event, Timer

import numpy as np
import pytest

from cli.helpers import ENVIRONMENT, Run, run_process, save_clip
from live.session_fakes import LIMIT_S, live_threads
from mien.cli.live_terminal import Announcer, status_line
from mien.live.broadcaster import Broadcaster
from mien.live.purpose import choose_purpose, read_purpose
from mien.live.reading import Reading
from mien.live.status import SourceStatus
from mien.types import Faces, Frame


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_network: Path) -> Iterator[None]:
    monkeypatch.setenv("MIEN_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MIEN_NETWORK", str(tiny_network))
    monkeypatch.setenv("MIEN_DETECTOR", "haar")
    yield
    assert live_threads() == []


@pytest.fixture
def clip(tmp_path: Path, small_portrait: np.ndarray) -> Path:
    return save_clip(tmp_path / "clip.mp4", [small_portrait] * 5)


def environment() -> dict[str, str]:
    return ENVIRONMENT | {name: value for name, value in os.environ.items() if name.startswith("MIEN_")}


def test_a_line_of_json_for_each_reading_until_the_film_ends(run: Run, clip: Path) -> None:
    ran = run("live", clip, "--no-page", "--json", "--landmarks", "--purpose", "research", "--name", "film")
    readings = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert 1 <= len(readings) <= 5
    assert {reading["source"] for reading in readings} == {"film"}
    frames = [reading["frame"] for reading in readings]
    assert frames == sorted(set(frames))
    assert readings[-1]["faces"][0]["landmarks"] is None
    assert "mien: film on: film" in ran.err
    assert "nothing is stored" in ran.err
    assert ran.errors == []
    assert read_purpose() == "research"


def test_without_json_lines_for_people(run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.cli.live_terminal.LINE_EVERY_S", 0.0)
    ran = run("live", clip, "--no-page", "--purpose", "self")
    assert ran.code == 0
    assert any(line.startswith("clip.mp4: ") for line in ran.out.splitlines())


def test_a_source_that_cannot_be_opened_ends_it(run: Run) -> None:
    ran = run("live", "camera:97", "--no-page", "--purpose", "self")
    assert ran.code == 1
    assert len(ran.errors) == 1
    assert ran.errors[0].startswith("camera:97: ")


def test_a_broken_film_fails_and_the_other_is_read(run: Run, clip: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no film")
    ran = run("live", clip, broken, "--no-page", "--json", "--purpose", "self")
    assert ran.code == 1
    assert {json.loads(line)["source"] for line in ran.out.splitlines()} == {"clip.mp4"}
    assert len(ran.errors) == 1
    assert "broken.mp4" in ran.errors[0]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["no-such.mp4", "--no-page"], 1, "no-such.mp4: there is no such file"),
        (["portrait", "--no-page", "--size", "large"], 2, "size: expected WIDTHxHEIGHT"),
        (["portrait", "--no-page", "--profile", "tv"], 2, "profile: expected pi, received 'tv'"),
        (["portrait", "--no-page", "--fps", "0"], 2, "setting fps"),
        (["portrait", "--json"], 2, "add --no-page"),
        (["portrait", "--no-page", "--purpose", "work"], 2, "not for watching people at work"),
        (["portrait", "--no-page", "--purpose", "fun"], 2, "purpose: expected self"),
        (["camera:0", "--no-page"], 2, "say once what you use this for, with --purpose: self"),
        (["--no-page"], 2, "say once what you use this for"),
        (["camera:0", "--host", "0.0.0.0"], 2, "choose a password"),
    ],
)
def test_wrong_use_is_one_line(run: Run, options: list[str], code: int, message: str) -> None:
    ran = run("live", *options)
    assert ran.code == code
    (error,) = ran.errors
    assert message in error
    assert ran.out == ""


def test_a_person_at_the_terminal_is_asked_once(
    run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.cli.live._at_terminal", lambda: True)
    asked = []
    monkeypatch.setattr("typer.prompt", lambda text, **_: asked.append(text) or " Clinic ")
    ran = run("live", clip, "--no-page", "--json")
    assert ran.code == 0
    assert "None is stored, and none leaves this machine" in ran.err
    assert run("live", clip, "--no-page", "--json").code == 0
    assert asked == ["Purpose"]
    assert read_purpose() == "clinic"


def test_the_page_gets_the_station_and_the_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    serve = pytest.importorskip("mien.web.serve")
    shown = []

    def run_page(session, settings, open_browser, *, store) -> None:  # type: ignore[no-untyped-def]
        with session.broadcaster.subscribe() as box:
            shown.append((settings.port, open_browser, box.take(LIMIT_S).source))

    monkeypatch.setattr(serve, "run_page", run_page)
    assert run("live", "portrait", "--port", "0", "--no-browser").code == 0
    assert shown == [(0, False, "portrait")]


@pytest.mark.parametrize(
    ("options", "allowed"),
    [((), ("ward.example",)), (("--allow-host", "a", "--allow-host", "b"), ("a", "b"))],
)
def test_the_pages_names_come_from_the_options_or_else_from_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], allowed: tuple[str, ...]
) -> None:
    serve = pytest.importorskip("mien.web.serve")
    monkeypatch.setenv("MIEN_WEB_ALLOWED_HOSTS", '["ward.example"]')
    given: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        serve, "run_page", lambda _, settings, *__, **___: given.append(settings.allowed_hosts)
    )
    assert run("live", "--no-browser", *options).code == 0
    assert given == [allowed]


def test_a_page_without_a_source_waits_for_the_browsers_camera(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve = pytest.importorskip("mien.web.serve")
    monkeypatch.setattr(serve, "run_page", lambda session, *_, **__: print(session.statuses()))
    ran = run("live")
    assert (ran.code, ran.out.strip()) == (0, "[]")
    assert read_purpose() is None


def test_the_page_stops_after_a_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    serve = pytest.importorskip("mien.web.serve")
    monkeypatch.setattr(serve, "run_page", lambda *_, **__: Event().wait(LIMIT_S))
    ran = run("live", "--for", "0.1")
    assert (ran.code, ran.errors) == (0, [])


class EarlyTimer:
    """A timer whose time is over before what it ends has begun."""

    def __init__(self, _: float, function: Callable[..., None], args: Sequence[object]) -> None:
        self.start = lambda: function(*args)

    def cancel(self) -> None: ...

    def is_alive(self) -> bool:
        return False


class LateTimer(EarlyTimer):
    """A timer whose time is over just as what it ends has ended by itself."""

    def __init__(self, _: float, function: Callable[..., None], args: Sequence[object]) -> None:
        self.cancel = lambda: function(*args)  # type: ignore[method-assign]

    def start(self) -> None: ...


@pytest.mark.parametrize("timer", [EarlyTimer, LateTimer])
def test_the_page_stops_in_peace_at_whatever_moment_its_time_is_over(
    run: Run, monkeypatch: pytest.MonkeyPatch, timer: type
) -> None:
    serve = pytest.importorskip("mien.web.serve")
    monkeypatch.setattr(serve, "run_page", lambda *_, **__: None)
    monkeypatch.setattr("mien.cli.serving.Timer", timer)
    ran = run("live", "--for", "1000")
    assert (ran.code, ran.errors) == (0, [])


def test_ctrl_c_ends_the_page_before_its_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    serve = pytest.importorskip("mien.web.serve")
    monkeypatch.setattr(serve, "run_page", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    ran = run("live", "--for", "1000")
    assert (ran.code, ran.errors) == (130, ["interrupted"])


def test_readings_go_to_a_broker_whose_password_nobody_sees(
    run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mqtt = pytest.importorskip("mien.live.mqtt")
    sinks = []

    class Sink:
        def __init__(
            self, url: str, broadcaster: Broadcaster[Reading], statuses: Callable[[], list[SourceStatus]],
            **body: object,
        ) -> None:  # fmt: skip
            sinks.append(self)
            self.url, self.box, self.statuses, self.closed = url, broadcaster.subscribe(), statuses, 0

        def close(self) -> None:
            self.closed += 1
            self.last = self.box.take(0)

    monkeypatch.setattr(mqtt, "MqttSink", Sink)
    ran = run("live", clip, "--no-page", "--json", "--purpose", "self", "--mqtt", "mqtt://me:secret@host")
    assert ran.code == 0
    (sink,) = sinks
    assert (sink.url, sink.closed, sink.last.source) == ("mqtt://me:secret@host", 1, "clip.mp4")
    assert "readings but no pictures go to mqtt://***@host" in ran.err
    assert "secret" not in ran.err + ran.out


def test_readings_go_out_by_lsl(run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pylsl")
    lsl_out = pytest.importorskip("mien.live.lsl_out")
    sinks = []

    class Sink(lsl_out.LslSink):  # type: ignore[misc]
        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, **more)
            sinks.append(self)
            self.sent: list[object] = []

        def _send_face(self, reading: Reading) -> None:
            self.sent.append(reading.source)
            super()._send_face(reading)

    monkeypatch.setattr(lsl_out, "LslSink", Sink)
    ran = run("live", clip, "--no-page", "--json", "--purpose", "self", "--lsl-out", "Mien")
    assert ran.code == 0
    (sink,) = sinks
    assert set(sink.sent) == {"clip.mp4"}
    assert "readings but no pictures go to whoever is on this network, by LSL" in ran.err


def test_the_profile_gives_way_to_what_is_chosen(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def opened(where: str, **choices: object) -> object:
        from mien.source import open_source

        asked.append(choices)
        return open_source("portrait", fps=1, name=where)

    monkeypatch.setattr("mien.cli.live.open_live", opened)
    ran = run("live", "camera:0", "--no-page", "--json", "--profile", "pi", "--fps", "4", "--purpose", "self")
    assert ran.code == 0
    assert asked == [{"name": "camera:0", "size_wh": (320, 240), "rate_hz": 15.0, "fps": 4.0}]
    assert "mien: camera on: camera:0; nothing is stored, nothing leaves this machine" in ran.err
    assert "mien: camera off: camera:0" in ran.err


@pytest.mark.exhaustive
def test_the_portrait_for_a_second_by_the_real_program() -> None:
    ran = run_process("live", "portrait", "--no-page", "--json", "--for", 1, cwd="/")
    assert ran.returncode == 0
    readings = [json.loads(line) for line in ran.stdout.splitlines()]
    assert 1 <= len(readings) <= 32
    assert {reading["source"] for reading in readings} == {"portrait"}
    assert any(reading["faces"] for reading in readings)
    assert "mien: film on: portrait" in ran.stderr


def started(*options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mien", "live", "portrait", "--no-page", "--json", *map(str, options)],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes as on Unix")
@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda process: process.send_signal(signal.SIGINT), 130),
        pytest.param(lambda process: process.stdout.close(), 0, marks=pytest.mark.exhaustive),
    ],
    ids=["ctrl-c", "closed pipe"],
)
def test_it_ends_cleanly(end: Callable[[subprocess.Popen[str]], None], code: int) -> None:
    with started() as process:
        guard = Timer(60, process.kill)
        guard.start()
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert json.loads(process.stdout.readline())["source"] == "portrait"
            end(process)
            said = process.stderr.read()
            assert process.wait() == code
        finally:
            guard.cancel()
    assert "Traceback" not in said
    assert ("mien: error: interrupted" in said) == (code == 130)


def status(state: str = "running", **changes: object) -> SourceStatus:
    return SourceStatus(**({"name": "cam", "where": "camera:0", "state": state} | changes))  # type: ignore[arg-type]


def test_the_line_of_a_source_says_what_it_shows_and_how_fast() -> None:
    box = np.array([[0, 0, 9, 9], [0, 0, 5, 5]])
    p = [0.1, 0.82, 0.08, 0, 0, 0, 0, 0]
    faces = Faces(box, probabilities=[p, p], expression=[1, 1], confidence=[0.82, 0.82])
    frame = Frame(np.zeros((9, 9, 3), np.uint8), 0, 0.0, "cam")
    reading = Reading(frame, faces, faces, 0.0, 1.0)
    line = status_line(status(rate_hz=29.9, latency_ms=41.2, frames_dropped=3), reading)
    assert line == "● camera on: cam: happiness 82% and 1 more, 30 a second, 41 ms, 3 dropped"
    nobody = Reading(frame, Faces.empty(), Faces.empty(), 0.0, 1.0)
    assert status_line(status(where="portrait"), nobody) == "cam: no face"
    assert status_line(status("waiting", note="no camera"), None) == "cam: waiting; no camera"


def test_the_terminal_says_when_a_camera_goes_on_and_off(capsys: pytest.CaptureFixture[str]) -> None:
    announcer = Announcer("nothing is stored")
    browser = status(name="browser-1", where="a browser's camera")
    for statuses in (
        [status("opening")],
        [status()],
        [status()],
        [status("stalled", note="no frame for 5 s")],
        [status("running"), browser],
        [status("waiting", note="camera:0: gone"), browser],
        [status("waiting", note="camera:0: gone")],
        [status()],
        [status("stopped")],
    ):
        announcer.look(statuses)
    assert capsys.readouterr().err.splitlines() == [
        "mien: camera on: cam (camera:0); nothing is stored",
        "mien: cam: no frame for 5 s",
        "mien: camera on: browser-1 (a browser's camera); nothing is stored",
        "mien: camera off: cam (camera:0)",
        "mien: error: camera:0: gone",
        "mien: camera off: browser-1 (a browser's camera)",
        "mien: camera on: cam (camera:0); nothing is stored",
        "mien: camera off: cam (camera:0)",
    ]


def test_a_camera_that_was_on_only_between_two_looks_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    announcer = Announcer("nothing is stored")
    announcer.look([status("opening")])
    announcer.look([status("ended", frames_read=3)])
    assert capsys.readouterr().err.splitlines() == [
        "mien: camera on: cam (camera:0); nothing is stored",
        "mien: camera off: cam (camera:0)",
    ]


def test_a_camera_is_said_to_be_on_before_a_reading_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    announcer = Announcer("nothing is stored")
    announcer.look([status("waiting", note="camera:0: gone", frames_read=3)])
    again = status("waiting", note="camera:0: gone", frames_read=4)  # on and gone again since the last look
    announcer.heard("cam", lambda: [again])
    announcer.heard("cam", lambda: [again])  # one that waited
    announcer.heard("cam", lambda: [status(frames_read=5)])
    announcer.heard("cam", lambda: pytest.fail("it is known to be on"))
    on, off = "mien: camera on: cam (camera:0); nothing is stored", "mien: camera off: cam (camera:0)"
    gone = "mien: error: camera:0: gone"
    assert capsys.readouterr().err.splitlines() == [on, off, gone, on, off, gone, on]


def test_the_purpose_of_before_needs_no_question(run: Run, clip: Path) -> None:
    choose_purpose("venue")
    assert run("live", clip, "--no-page", "--json").code == 0
