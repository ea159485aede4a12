from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import av
import pytest

from cli.helpers import ENVIRONMENT, Run
from mien.table import read_table
from patience import LIMIT_S


def test_the_demo_needs_no_arguments(run: Run, tiny_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_NETWORK", str(tiny_network))
    monkeypatch.setenv("MIEN_EVERY", "8")
    monkeypatch.setattr("mien.record.simulated.DEMONSTRATION_WEEKS", 7)  # of twelve, which take long
    ran = run("demo")
    out = Path("mien-demo")
    assert (ran.code, ran.err) == (0, "")
    names = {"table.csv", "summary.json", "portrait.png", "portrait.annotated.mp4"}
    names |= {"tracks.csv", "recordings.csv"}
    names |= {"record.sqlite", "report.html", "report.pdf", "venue.html", "venue.pdf"}
    assert {path.name for path in out.iterdir()} == names
    assert all(str(out / name) in ran.out for name in names)

    table = read_table(out / "table.csv")
    assert set(table["source"]) == {"portrait"}
    assert table["track"].eq(0).all()
    assert table["frame"].tolist() == list(range(0, 200, 8))
    with av.open(str(out / "portrait.annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(table)


@pytest.mark.exhaustive
def test_the_demo_is_the_same_every_time(
    run: Run, tiny_network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_NETWORK", str(tiny_network))
    monkeypatch.setenv("MIEN_EVERY", "8")
    for folder in ("first", "second"):
        assert run("demo", "--out", folder).code == 0
    assert Path("first/table.csv").read_bytes() == Path("second/table.csv").read_bytes()


@pytest.mark.exhaustive
def test_a_person_at_the_terminal_sees_it_live_on_a_page(tiny_network: Path, tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    httpx = pytest.importorskip("httpx")
    environment = {
        "MIEN_NETWORK": str(tiny_network),
        "MIEN_EVERY": "40",
        "DISPLAY": "",
        "WAYLAND_DISPLAY": "",
    }
    with terminal("demo", cwd=tmp_path, env=ENVIRONMENT | environment) as (process, lines):
        address = next(found[0] for line in lines if (found := re.search(r"http://127.0.0.1:[0-9]+/", line)))
        with httpx.Client(base_url=address, trust_env=False, timeout=LIMIT_S) as client:
            assert client.get("").status_code == 200
            (source,) = client.get("api/v1/sources").json()
        assert (source["name"], source["where"]) == ("portrait", "portrait")
        assert next(line for line in lines if "Ctrl-C" in line)
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0
    assert (tmp_path / "mien-demo" / "portrait.annotated.mp4").is_file()


@contextmanager
def terminal(*arguments: str, **options: object) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[str]]]:
    """Run the command line at a terminal of its own; it is ended after two minutes."""
    pty = pytest.importorskip("pty", reason="this system has no terminals of that kind")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mien", *arguments]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, **options)  # type: ignore[call-overload]
    os.close(theirs)
    last = Timer(120, process.kill)
    last.start()
    try:
        with os.fdopen(ours, encoding="utf-8", errors="replace") as screen:
            yield process, iter(screen)
    finally:
        last.cancel()
        process.kill()
        process.wait()
