"""`mien live --neutral`, its keys, and what the terminal says of it."""

from __future__ import annotations

import json
import os
import sys

import pytest

from cli.helpers import Run
from live.session_fakes import FakeSource
from mien.cli.live import _obey
from mien.cli.live_terminal import pressed_keys, status_line
from mien.config import load_settings
from mien.live.session import LiveSession
from mien.live.status import NeutralStatus, SourceStatus


@pytest.mark.exhaustive
def test_the_first_seconds_of_a_live_source(run: Run) -> None:
    ran = run(
        "live", "portrait", "--no-page", "--json", "--for", "4", "--neutral", "first:1s",
        "--purpose", "research",
    )  # fmt: skip
    assert ran.code == 0
    origins = [face["neutral"] for line in ran.out.splitlines() for face in json.loads(line)["faces"]]
    assert origins[0] == "average"
    assert origins[-1] == "first"


@pytest.mark.parametrize("text", ["auto", "first:100s", "first:abc", "nowhere.jpg"])
def test_what_a_live_source_cannot_do(run: Run, text: str) -> None:
    ran = run("live", "portrait", "--no-page", "--neutral", text, "--purpose", "research")
    assert ran.code == 2
    assert ran.errors[0].startswith("neutral: ")


def test_keys_learn_and_forget() -> None:
    with LiveSession(load_settings(threads=1), watch_every_s=None) as session:
        session.add("one", FakeSource)
        _obey(session, "n")
        assert session.neutral_of("one").status.state == "learning"
        _obey(session, "x")
        assert session.neutral_of("one").status.state == "learning"
        _obey(session, "o")
        assert session.neutral_of("one").status.state == "off"


def test_a_key_where_the_network_cannot(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveSession(load_settings(threads=1, network="zhou"), watch_every_s=None) as session:
        session.add("one", FakeSource)
        _obey(session, "n")
    assert "zhou was not calibrated for own neutral faces" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("neutral", "words"),
    [
        (NeutralStatus(), "one: running"),
        (NeutralStatus("learning", "average", 1.25, 3.0), "one: look neutral: 1.2 of 3 s"),
        (NeutralStatus("on", "first", 3.0, 3.0, True), "one: own neutral face (first)"),
        (NeutralStatus("on", "photo", 3.0), "one: own neutral face (photo, not in view)"),
        (NeutralStatus(note="no face was seen"), "one: no face was seen"),
    ],
)
def test_the_line_says_how_things_stand(neutral: NeutralStatus, words: str) -> None:
    assert status_line(SourceStatus("one", "portrait", "running", neutral=neutral), None) == words


def test_without_a_terminal_there_are_no_keys() -> None:
    with pressed_keys() as keys:
        assert keys() == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_keys_come_without_enter_and_the_terminal_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    import pty
    import termios

    outer, inner = pty.openpty()
    with os.fdopen(inner, "r+b", buffering=0) as terminal:

        class Terminal:
            def isatty(self) -> bool:
                return True

            def fileno(self) -> int:
                return terminal.fileno()

        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr(sys, "stdout", Terminal())
        before = termios.tcgetattr(inner)
        with pressed_keys() as keys:
            assert keys() == []
            os.write(outer, b"N")
            assert keys() == ["n"]
        assert termios.tcgetattr(inner) == before
    os.close(outer)


def test_keys_mark_a_recording_only(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveSession(load_settings(threads=1), watch_every_s=None) as session:
        _obey(session, "m")
        _obey(session, "3")
    told = capsys.readouterr().err.splitlines()
    assert told == ["mien: error: there is no recording to set a mark in: begin one with --subject"] * 2
