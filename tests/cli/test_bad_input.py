"""What people really pass: each gives one clear line, the right exit code, and the other inputs finished."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cli.helpers import ENVIRONMENT, Ran, Run, run_process
from mien.table import read_table
from tiny_network import save_tiny, tiny_graph

OUT = Path("mien-results")


def nothing_half_written() -> bool:
    """No temporary name is left, and no table stands without its summary."""
    names = [path.name for path in OUT.rglob("*") if path.is_file()]
    finished = ("table.csv" in names) == ("summary.json" in names)
    return finished and not any(name.startswith(".") for name in names)


def check_one_failure(ran: Ran, bad: Path, *, read: list[str]) -> None:
    """The bad one is named in one line and in the summary; the others stand in the table."""
    assert ran.code == 1
    (line,) = ran.errors
    assert str(bad) in line
    assert "Traceback" not in ran.err
    assert f"mien: {len(read)} of {len(read) + 1} inputs were read" in ran.err.splitlines()
    (failed,) = json.loads((OUT / "summary.json").read_text())["failed"]
    assert failed["error"] == line
    assert read_table(OUT / "table.csv")["source"].tolist() == read
    assert nothing_half_written()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("dear diary\n" * 100)


def folder(path: Path) -> None:
    path.mkdir()


def dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("gone"))


def unreadable(path: Path) -> None:
    path.write_bytes(b"x")
    path.chmod(0)


def cut_jpeg(path: Path) -> None:
    whole = path.with_name("whole.jpeg")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(whole)
    path.write_bytes(whole.read_bytes()[:300])
    whole.unlink()


def sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def no_frames(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.start_encoding()


BAD: list[tuple[str, Callable[[Path], None]]] = [
    ("empty.jpg", empty),
    ("empty.mp4", empty),
    ("text.mp4", text),
    ("text.jpg", text),
    ("cut.jpg", cut_jpeg),
    ("folder.jpg", folder),
    ("sound.mp4", sound_only),
    ("noframes.mp4", no_frames),
    ("link.jpg", dangling_link),
    ("locked.jpg", unreadable),
]


@pytest.mark.parametrize(("name", "make"), BAD, ids=[name for name, _ in BAD])
def test_a_bad_file_among_good_ones(
    run: Run, photos: Path, tiny_network: Path, name: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    if make is unreadable and os.geteuid() == 0:
        pytest.skip("root may read everything")
    bad = tmp_path / name
    make(bad)
    ran = run("analyze", photos / "img2.jpg", bad, photos / "img10.jpg", "--network", tiny_network, "-j", 1)
    check_one_failure(ran, bad, read=["img2.jpg", "img10.jpg"])


@pytest.mark.exhaustive
def test_a_corrupt_jpeg_in_a_folder_read_on_several_cores(run: Run, photos: Path, tiny_network: Path) -> None:
    cut_jpeg(photos / "img5.jpg")
    ran = run("analyze", photos, "--network", tiny_network, "--jobs", 2)
    check_one_failure(ran, photos / "img5.jpg", read=["img2.jpg", "img10.jpg", "later/img1.png"])


def test_a_missing_path(run: Run, photos: Path, tiny_network: Path) -> None:
    gone = photos / "gone.jpg"
    ran = run("analyze", gone, photos / "img2.jpg", "--network", tiny_network)
    check_one_failure(ran, gone, read=["img2.jpg"])


def test_an_empty_folder(run: Run, tmp_path: Path, tiny_network: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = run("analyze", tmp_path / "empty", "--network", tiny_network)
    assert ran.code == 1
    assert len(ran.errors) == 1
    assert str(tmp_path / "empty") in ran.errors[0]
    assert not OUT.exists()


def test_nothing_can_be_read(run: Run, tmp_path: Path, tiny_network: Path) -> None:
    text(tmp_path / "a.mp4")
    ran = run("analyze", tmp_path / "a.mp4", "--network", tiny_network)
    check_one_failure(ran, tmp_path / "a.mp4", read=[])


def test_what_was_read_earlier_outlives_a_batch_that_reads_nothing(
    run: Run, photos: Path, tmp_path: Path, tiny_network: Path
) -> None:
    run("analyze", photos, "--network", tiny_network)
    before = {path: path.read_bytes() for path in Path("mien-results").iterdir()}
    (tmp_path / "letter.mp4").write_text("Dear Sir")
    failed = run("analyze", tmp_path / "letter.mp4", "--network", tiny_network)
    assert (failed.code, failed.out) == (1, "")
    assert "mien: 0 of 1 inputs were read; the earlier results in mien-results were kept" in failed.err
    assert {path: path.read_bytes() for path in before} == before


def test_a_truncated_video_is_read_as_far_as_it_goes(run: Run, clip: Path, tiny_network: Path) -> None:
    # Matroska keeps no index at its end, so the beginning of a cut file plays.
    whole = clip.with_suffix(".mkv")
    with av.open(str(clip)) as source, av.open(str(whole), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    cut = clip.with_name("cut.mkv")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    ran = run("analyze", cut, "--network", tiny_network, "--no-plot")
    (recording,) = json.loads((OUT / "summary.json").read_text())["recordings"]
    assert ran.code == 0
    assert 0 < recording["frames_analysed"] < 10
    assert recording["note"]
    assert recording["note"] in ran.out
    assert nothing_half_written()


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 500)])
def test_odd_sizes_are_read(run: Run, tmp_path: Path, tiny_network: Path, size_wh: tuple[int, int]) -> None:
    Image.new("RGB", size_wh, (120, 90, 60)).save(tmp_path / "odd.png")
    ran = run("analyze", tmp_path / "odd.png", "--network", tiny_network)
    assert (ran.code, ran.err) == (0, "")
    assert len(read_table(OUT / "table.csv")) == 0


@pytest.mark.exhaustive
def test_a_huge_photograph_of_a_face(
    run: Run, tmp_path: Path, tiny_network: Path, portrait: NDArray[np.uint8]
) -> None:
    large = Image.new("RGB", (8000, 6000), (120, 90, 60))
    large.paste(Image.fromarray(portrait).resize((4096, 4800)), (1000, 500))
    large.save(tmp_path / "large.jpg")
    ran = run("analyze", tmp_path / "large.jpg", "--network", tiny_network)
    assert (ran.code, ran.err) == (0, "")
    assert len(read_table(OUT / "table.csv")) == 1


@pytest.mark.parametrize("how", ["a file", "below a file"])
def test_an_output_folder_that_cannot_be(
    run: Run, photos: Path, tiny_network: Path, tmp_path: Path, how: str
) -> None:
    (tmp_path / "taken").write_text("keep me")
    out = tmp_path / "taken" / ("" if how == "a file" else "results")
    ran = run("analyze", photos, "--network", tiny_network, "--out", out)
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.errors) == 1
    assert str(tmp_path / "taken") in ran.errors[0]
    assert (tmp_path / "taken").read_text() == "keep me"


def test_an_output_folder_without_permission(
    run: Run, photos: Path, tiny_network: Path, tmp_path: Path
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "locked").mkdir(mode=0o500)
    ran = run("analyze", photos, "--network", tiny_network, "--out", tmp_path / "locked" / "results")
    assert (ran.code, len(ran.errors)) == (1, 1)


@pytest.mark.parametrize(
    ("room_bytes", "options"),
    [
        (100, ["--jobs", "1"]),
        pytest.param(6000, ["--jobs", "2", "--annotate"], marks=pytest.mark.exhaustive),
    ],
)
def test_a_full_disk(
    photos: Path, tiny_network: Path, tmp_path: Path, room_bytes: int, options: list[str]
) -> None:
    resource = pytest.importorskip("resource")

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, room_bytes))

    out = tmp_path / "results"
    ran = run_process(
        "analyze", photos, "--network", tiny_network, "--out", out, *options, preexec_fn=no_room
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("mien: error: cannot write ")
    assert ran.stderr.count("\n") == 1
    assert [path for path in out.rglob("*") if path.is_file()] == []


def test_a_damaged_network(run: Run, photos: Path, tiny_network: Path) -> None:
    tiny_network.write_bytes(tiny_network.read_bytes()[:-10])
    ran = run("analyze", photos, "--network", tiny_network)
    assert (ran.code, len(ran.errors)) == (1, 1)
    assert f"{tiny_network}: damaged" in ran.errors[0]
    assert not (OUT / "table.csv").exists()


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_a_network_of_another_label_set(run: Run, photos: Path, tmp_path: Path, jobs: int) -> None:
    animals = save_tiny(tmp_path, tiny_graph(3), "animals", labels=("cat", "dog", "cow"))
    ran = run("analyze", photos, "--network", animals, "--jobs", jobs)
    assert (ran.code, len(ran.errors)) == (1, 1)
    assert "has a different label set" in ran.errors[0]
    assert not (OUT / "table.csv").exists()


def test_a_network_that_is_not_there(run: Run, photos: Path, tmp_path: Path) -> None:
    ran = run("analyze", photos, "--network", tmp_path / "gone.onnx")
    assert (ran.code, len(ran.errors)) == (1, 1)
    assert "gone.onnx" in ran.errors[0]


def test_a_file_name_that_is_no_text(run: Run, photos: Path, tiny_network: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("file names are text here")
    odd = os.fsencode(photos) + b"/caf\xe9\n.jpg"
    os.rename(photos / "img2.jpg", odd)  # noqa: PTH104
    ran = run("analyze", photos, "--network", tiny_network)
    assert ran.code == 0
    assert "caf\ufffd\ufffd.jpg" in read_table(OUT / "table.csv")["source"].tolist()


@pytest.mark.exhaustive
def test_a_closed_pipe(photos: Path, tiny_network: Path, tmp_path: Path) -> None:
    options = ["--network", tiny_network, "--json", "--out", tmp_path / "out"]
    command = [sys.executable, "-m", "mien", "analyze", photos, *options]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert (tmp_path / "out" / "table.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--format", "xls"), "'--format': 'xls' is not one of 'csv', 'parquet'"),
        (("--min-face", "abc"), "'--min-face': expected a whole number"),
    ],
)
def test_a_wrong_option_is_told_in_plain_words(run: Run, arguments: tuple[str, ...], told: str) -> None:
    ran = run("analyze", "a.jpg", *arguments)
    assert (ran.code, len(ran.errors)) == (2, 1)
    assert told in ran.errors[0]


def test_a_setting_that_there_is_not(run: Run, photos: Path) -> None:
    Path("mien.toml").write_text('detecter = "haar"')
    ran = run("analyze", photos)
    assert (ran.code, len(ran.errors)) == (2, 1)
    assert "there is no setting detecter" in ran.errors[0]
    assert "did you mean detector?" in ran.errors[0]


def test_a_picture_is_no_network(run: Run, photos: Path) -> None:
    picture = next(photos.iterdir())
    ran = run("analyze", photos, "--network", picture)
    assert (ran.code, len(ran.errors)) == (1, 1)
    assert "expected a network file ending in .onnx" in ran.errors[0]


def test_a_file_s_name_does_not_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "\x1b]0;title\x07\x1b[2J.jpg").write_bytes(b"no picture")
    for arguments in (("analyze", str(tmp_path)), ("analyze", str(tmp_path / "\x1b[31mgone.jpg"))):
        ran = run(*arguments)
        assert ran.code != 0
        assert not set(ran.out + ran.err) & {"\x1b", "\x07", "\x9b"}
        assert "\ufffd" in ran.err


@pytest.mark.exhaustive
def test_sixty_four_open_files_are_enough(tmp_path: Path, photos: Path, tiny_network: Path) -> None:
    """However many inputs there are: each file is closed before the next is opened."""
    resource = pytest.importorskip("resource")
    picture = (photos / "img2.jpg").read_bytes()
    many = tmp_path / "many"
    many.mkdir()
    for number in range(150):
        (many / f"{number}.jpg").write_bytes(picture)

    def few_handles() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    ran = run_process(
        "analyze", many, "--network", tiny_network, "--detector", "haar", "--out", tmp_path / "out",
        "--jobs", "1", preexec_fn=few_handles,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert len(summary["recordings"]) == 150
    assert summary["failed"] == []
