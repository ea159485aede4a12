"""`mien corpus`: what is read, said and refused."""

from __future__ import annotations

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from cli.helpers import Run
from http_video import serving


def test_a_corpus_from_the_command_line(run: Run, photos: Path) -> None:
    (photos / "bad.jpg").write_bytes(b"no picture")
    ran = run("corpus", "analyze", photos, photos / "not-there", "--out", "c", "--workers", 1, "--quiet")
    assert ran.code == 1
    assert [each for each in ran.errors if "not-there" in each]
    assert "1 input could not be read: mien corpus errors c" in ran.errors
    ran = run("corpus", "status", "c")
    assert "3 of 4 inputs read, 1 failed, 0 left; 0.0 min of video, 3 faces" in ran.out
    assert "1 unreadable" in ran.out
    assert run("corpus", "errors", "c").out.startswith("bad.jpg: unreadable: ")
    ran = run("corpus", "retry", "c", "--workers", 1, "--json")
    assert json.loads(ran.out)["failed"] == 1
    # Of inputs that were not asked for this time, errors are said and don't count.
    assert run("corpus", "analyze", photos / "img2.jpg", "--out", "c", "--workers", 1).code == 0
    assert run("corpus", "analyze", photos / "bad.jpg", "--out", "c", "--workers", 1).code == 1
    assert run("corpus", "table", "c", "--out", "table.csv").code == 0
    rows = Path("table.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows[1:]] == ["img2.jpg", "img10.jpg", "later/img1.png"]
    ran = run("corpus", "analyze", photos, "--out", "c", "--workers", 1, "--min-face", 50, "--quiet")
    assert "another network or setting than before: new version mien-" in ran.err


def test_what_is_no_corpus(run: Run) -> None:
    ran = run("corpus", "status", "nowhere")
    assert (ran.code, len(ran.errors)) == (1, 1)


def test_what_a_web_server_answers_is_one_line_each(run: Run, photos: Path) -> None:
    pytest.importorskip("fsspec")

    class Web(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with serving(partial(Web, directory=str(photos))) as web:
        ran = run(
            "corpus", "analyze", f"{web}/img2.jpg", f"{web}/no.jpg", "--out", "c", "--workers", 1, "--quiet"
        )
        assert ran.code == 1
        assert [each for each in ran.errors if "no.jpg: cannot look there: the server answers 404" in each]
        assert "1 of 1 input" in run("corpus", "status", "c").out
    ran = run("corpus", "analyze", f"{web}/img2.jpg", f"{web}/no.jpg", "--out", "d", "--workers", 1)
    assert (ran.code, len(ran.errors)) == (1, 1)
    assert "Connect call failed" in ran.errors[0]
    assert not Path("d").exists()
