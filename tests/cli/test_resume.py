"""A batch that is killed, interrupted or hit by a crash goes on, and ends as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import mien.analysis.one_input
from cli.helpers import ENVIRONMENT, Run
from patience import LIMIT_S

OUT = Path("mien-results")

# Stands in for the command line, in a process in which something happens at the n-th frame or at one file.
# A spawned process runs it too, as it does with any script.
SCRIPT = """
import os, signal, sys
import mien.analysis.one_input as one

frames, rows, open_source = 0, one.rows, one.open_source

def counted_rows(*arguments):
    global frames
    frames += 1
    if frames == int(os.environ.get("AT_FRAME", 0)):
        os.kill({victim}, signal.{signal})
    return rows(*arguments)

def checked_open_source(where, **choices):
    if os.environ.get("DIES_AT", "none") in where:
        os._exit(9)
    return open_source(where, **choices)

one.rows, one.open_source = counted_rows, checked_open_source

if __name__ == "__main__":
    from mien.cli import main
    # A process started in the background of a script ignores Ctrl-C; Python takes that over.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def run_script(tmp_path: Path, run: Run) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process, in the working folder of `run`, with something happening in it."""

    def run_script(
        *arguments: object, victim: str = "os.getpid()", sent: str = "SIGKILL", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "script.py"
        script.write_text(SCRIPT.format(victim=victim, signal=sent))
        return subprocess.run(
            [sys.executable, str(script), *map(str, arguments)],
            env=ENVIRONMENT | environment, capture_output=True, text=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip

    return run_script


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the inputs that this process has opened."""
    names: list[str] = []
    open_source = mien.analysis.one_input.open_source

    def recorded(where: str, **choices: object) -> object:
        names.append(Path(where).name)
        return open_source(where, **choices)  # type: ignore[arg-type]

    monkeypatch.setattr(mien.analysis.one_input, "open_source", recorded)
    return names


def results() -> dict[str, bytes]:
    """All that has been written; the summary holds times, which differ."""
    files = [path for path in OUT.rglob("*") if path.is_file() and path.suffix != ".json"]
    return {str(path): path.read_bytes() for path in files}


def files(folder: Path = OUT) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    "at_frame", [3, *(pytest.param(each, marks=pytest.mark.exhaustive) for each in (1, 8))]
)
def test_kill_and_resume_give_the_table_of_an_uninterrupted_run(
    run: Run,
    run_script: Callable[..., subprocess.CompletedProcess[str]],
    opened: list[str],
    photos: Path,
    clip: Path,
    tiny_network: Path,
    at_frame: int,
) -> None:
    command = ("analyze", photos, clip, "--network", tiny_network, "--jobs", 1, "--annotate", "--no-plot")
    killed = run_script(*command, AT_FRAME=str(at_frame))
    assert killed.returncode == -signal.SIGKILL
    assert files() == {".partial"}

    assert run(*command, "--resume").code == 0
    assert opened == ["img2.jpg", "img10.jpg", "img1.png", "clip.mp4"][min(at_frame - 1, 3) :]
    resumed = results()
    assert run(*command).code == 0
    assert results() == resumed


def test_ctrl_c_keeps_what_is_finished(
    run: Run,
    run_script: Callable[..., subprocess.CompletedProcess[str]],
    opened: list[str],
    photos: Path,
    tiny_network: Path,
) -> None:
    command = ("analyze", photos, "--network", tiny_network)
    stopped = run_script(*command, sent="SIGINT", AT_FRAME="3")
    assert stopped.returncode == 130
    assert stopped.stdout == ""
    assert stopped.stderr.startswith(
        "mien: error: interrupted; run the same command with --resume to continue into"
    )
    assert stopped.stderr.count("\n") == 1
    assert files() == {".partial"}
    assert not [name for name in files(OUT / ".partial") if name.startswith(".")]
    assert run(*command, "--resume").code == 0
    assert opened == ["img1.png"]


@pytest.mark.exhaustive
def test_ctrl_c_with_several_processes(
    run: Run, run_script: Callable[..., subprocess.CompletedProcess[str]], photos: Path, tiny_network: Path
) -> None:
    command = ("analyze", photos, "--network", tiny_network, "--jobs", 2)
    stopped = run_script(*command, victim="os.getppid()", sent="SIGINT", AT_FRAME="1")
    assert stopped.returncode == 130
    assert "Traceback" not in stopped.stderr
    assert stopped.stderr.count("\n") == 1
    assert files() == {".partial"}
    assert run(*command, "--resume").code == 0


@pytest.mark.exhaustive
def test_no_process_outlives_a_killed_parent(
    run: Run, run_script: Callable[..., subprocess.CompletedProcess[str]], photos: Path, tiny_network: Path
) -> None:
    command = ("analyze", photos, "--network", tiny_network, "--jobs", 2)
    # That this returns is the test: it waits until every process has closed the pipe.
    killed = run_script(*command, victim="os.getppid()", AT_FRAME="1")
    assert killed.returncode == -signal.SIGKILL
    assert files() == {".partial"}
    assert run(*command, "--resume").code == 0


@pytest.mark.exhaustive
def test_a_file_that_kills_its_process_leaves_the_others(
    run: Run, run_script: Callable[..., subprocess.CompletedProcess[str]], photos: Path, tiny_network: Path
) -> None:
    command = ("analyze", photos, "--network", tiny_network, "--jobs", 2)
    ran = run_script(*command, DIES_AT="img10.jpg")
    assert ran.returncode == 1
    assert ran.stdout.startswith("img2.jpg: ")
    assert "later/img1.png: " in ran.stdout
    first, second = ran.stderr.splitlines()
    assert first.startswith(f"mien: error: cannot analyse {photos / 'img10.jpg'}: its process died")
    assert second == "mien: 2 of 3 inputs were read"


def test_resume_reads_again_only_what_failed(
    run: Run, opened: list[str], photos: Path, portrait_path: Path, tiny_network: Path
) -> None:
    bad = photos / "img5.jpg"
    bad.write_bytes(b"")
    command = ("analyze", photos, "--network", tiny_network, "--resume", "--annotate")
    assert run(*command).code == 1
    assert "img2.annotated.jpg" in files()
    opened.clear()
    bad.write_bytes(portrait_path.read_bytes())
    assert run(*command).code == 0
    assert opened == ["img5.jpg"]
    assert files() == {
        "table.csv", "recordings.csv", "summary.json", "later",
        "img2.annotated.jpg", "img5.annotated.jpg", "img10.annotated.jpg",
    }  # fmt: skip


@pytest.mark.parametrize("change", ["setting", "file", "network"])
def test_resume_reads_again_what_has_changed(
    run: Run, opened: list[str], photos: Path, tiny_network: Path, tmp_path: Path, change: str
) -> None:
    (photos / "img5.jpg").write_bytes(b"")
    command = ["analyze", photos, "--network", tiny_network, "--resume"]
    assert run(*command).code == 1
    opened.clear()
    if change == "setting":
        command += ["--min-face", 60]
    elif change == "network":
        command[3] = tmp_path / "other.onnx"
        for suffix in (".onnx", ".json"):
            command[3].with_suffix(suffix).write_bytes(tiny_network.with_suffix(suffix).read_bytes())
    else:
        Image.new("RGB", (64, 64)).save(photos / "img2.jpg")
    run(*command)
    again = (
        ["img2.jpg", "img5.jpg"] if change == "file" else ["img2.jpg", "img5.jpg", "img10.jpg", "img1.png"]
    )
    assert opened == again


def test_without_resume_everything_is_read(
    run: Run, opened: list[str], photos: Path, tiny_network: Path
) -> None:
    (photos / "img5.jpg").write_bytes(b"")
    for _ in range(2):
        opened.clear()
        run("analyze", photos, "--network", tiny_network)
        assert len(opened) == 4
