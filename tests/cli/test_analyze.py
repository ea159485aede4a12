from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

import mien
from cli.helpers import Run, save_clip
from mien.table import COLUMNS, read_table

OUT = Path("mien-results")


def summary() -> dict[str, object]:
    read: dict[str, object] = json.loads((OUT / "summary.json").read_text())
    return read


def files(folder: Path = OUT) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_photograph(run: Run, portrait_path: Path, tiny_network: Path) -> None:
    ran = run("analyze", portrait_path, "--network", tiny_network)
    assert (ran.code, ran.err) == (0, "")
    assert files() == ["summary.json", "table.csv"]
    table = read_table(OUT / "table.csv")
    assert tuple(table.columns) == COLUMNS
    assert table["source"].tolist() == ["grace_hopper.jpg"]
    assert str(OUT / "table.csv") in ran.out
    assert ran.out.startswith("grace_hopper.jpg: ")


def test_a_folder_in_natural_order(run: Run, photos: Path, tiny_network: Path) -> None:
    assert run("analyze", photos, "--network", tiny_network).code == 0
    assert read_table(OUT / "table.csv")["source"].tolist() == ["img2.jpg", "img10.jpg", "later/img1.png"]
    assert [r["source"] for r in summary()["recordings"]] == ["img2.jpg", "img10.jpg", "later/img1.png"]  # type: ignore[attr-defined]


def test_a_video_has_rows_only_where_there_is_a_face(run: Run, clip: Path, tiny_network: Path) -> None:
    ran = run("analyze", clip, "--network", tiny_network)
    assert (ran.code, ran.err) == (0, "")
    assert files() == ["clip.png", "recordings.csv", "summary.json", "table.csv", "tracks.csv"]
    table = read_table(OUT / "table.csv")
    assert table["frame"].tolist() == [4, 5, 6, 7, 8, 9]
    assert table["time_s"].tolist() == pytest.approx([0.4, 0.5, 0.6, 0.7, 0.8, 0.9], abs=1e-3)
    assert set(table["track"]) == {0}
    (recording,) = summary()["recordings"]  # type: ignore[misc]
    assert (recording["frames_read"], recording["frames_analysed"], recording["frames_with_face"]) == (
        10,
        10,
        6,
    )
    assert recording["coverage"] == pytest.approx(0.6, abs=0.01)
    means = table.filter(like="p_").mean().dropna()
    received = {f"p_{label}": mean for label, mean in recording["mean_probabilities"].items()}
    assert received == pytest.approx(means.to_dict(), abs=1e-4)
    assert recording["expressions"] == table["expression"].value_counts().to_dict()
    assert "face in 6 of 10 frames" in ran.out


def test_the_summary_says_by_what_and_how_long(run: Run, photos: Path, tiny_network: Path) -> None:
    run("analyze", photos, "--network", tiny_network, "--min-face", 50)
    read = summary()
    assert (read["rows"], read["frames_analysed"], read["frames_dropped"], read["coverage"]) == (3, 3, 0, 1.0)
    network, detector = read["models"]["network"], read["models"]["detector"]  # type: ignore[index]
    facts = json.loads(tiny_network.with_suffix(".json").read_text())
    assert (network["name"], network["sha256"]) == ("tiny", facts["sha256"])
    assert detector["name"] == "mtcnn"
    assert (read["settings"]["min_face_px"], read["settings"]["threads"]) == (50, 1)  # type: ignore[index]
    assert {"mien", "python", "onnxruntime"} <= set(read["versions"])  # type: ignore[call-overload]
    assert set(read["seconds"]) == {"wall", "decode", "find", "quality", "crop", "expression"}  # type: ignore[call-overload]


def test_parquet_holds_the_same_table(run: Run, clip: Path, tiny_network: Path) -> None:
    run("analyze", clip, "--network", tiny_network, "--no-plot")
    run("analyze", clip, "--network", tiny_network, "--no-plot", "--format", "parquet")
    pd.testing.assert_frame_equal(read_table(OUT / "table.csv"), read_table(OUT / "table.parquet"))


def test_json_is_the_summary_and_nothing_else(run: Run, photos: Path, tiny_network: Path) -> None:
    ran = run("analyze", photos, "--network", tiny_network, "--json")
    assert json.loads(ran.out) == summary()


def test_quiet_prints_nothing(run: Run, portrait_path: Path, tiny_network: Path) -> None:
    ran = run("analyze", portrait_path, "--network", tiny_network, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize(
    ("option", "frames"), [(("--every", 3), [6, 9]), (("--fps", 5), [4, 6, 8]), (("--every", 4), [4, 8])]
)
def test_frames_are_left_out_as_asked(
    run: Run, clip: Path, tiny_network: Path, option: tuple[str, int], frames: list[int]
) -> None:
    run("analyze", clip, "--network", tiny_network, "--no-plot", *option)
    assert read_table(OUT / "table.csv")["frame"].tolist() == frames


def test_crops_need_no_detector(run: Run, tmp_path: Path, tiny_network: Path) -> None:
    for index in range(3):
        Image.fromarray(np.full((48, 48), 60 * index, np.uint8)).save(tmp_path / f"{index}.png")
    ran = run("analyze", *sorted(tmp_path.glob("*.png")), "--crops", "--network", tiny_network)
    table = read_table(OUT / "table.csv")
    assert ran.code == 0
    assert table[["x", "y", "width", "height"]].to_numpy().tolist() == [[0, 0, 48, 48]] * 3
    assert summary()["models"]["detector"] is None  # type: ignore[index]


def test_annotated_copies(
    run: Run, photos: Path, clip: Path, tiny_network: Path, small_portrait: NDArray[np.uint8]
) -> None:
    ran = run("analyze", clip, photos / "img2.jpg", "--annotate", "--network", tiny_network, "--jobs", 1)
    assert ran.code == 0
    assert files() == [
        "clip.annotated.mp4", "clip.png", "img2.annotated.jpg",
        "recordings.csv", "summary.json", "table.csv", "tracks.csv",
    ]  # fmt: skip
    marked = np.asarray(Image.open(OUT / "img2.annotated.jpg"))
    assert marked.shape == small_portrait.shape
    assert np.abs(marked.astype(int) - small_portrait).max() > 100
    with av.open(str(OUT / "clip.annotated.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 10
    assert frames[0].max() < 30
    assert frames[9].max() > 200


def test_a_squeezed_film_is_read_as_it_is_shown(
    run: Run, tmp_path: Path, tiny_network: Path, small_portrait: NDArray[np.uint8]
) -> None:
    squeezed = small_portrait[:, ::2]
    for name, images, shape in (("plain", small_portrait, None), ("squeezed", squeezed, Fraction(2))):
        save_clip(tmp_path / f"{name}.mp4", [images] * 3, pixel_shape=shape)
        path = tmp_path / f"{name}.mp4"
        assert run("analyze", path, "--annotate", "--network", tiny_network, "--out", name).code == 0
    tables = [read_table(Path(name) / "table.csv") for name in ("plain", "squeezed")]
    boxes = [table[["x", "y", "width", "height"]].to_numpy() for table in tables]
    assert len(boxes[1]) == 3
    np.testing.assert_allclose(boxes[1], boxes[0], atol=small_portrait.shape[1] * 0.03)
    with av.open("squeezed/squeezed.annotated.mp4") as container:
        stream = container.streams.video[0]
        assert (stream.height, stream.width) == small_portrait.shape[:2]
        assert stream.sample_aspect_ratio in (None, 1)


@pytest.mark.exhaustive
def test_the_table_is_the_same_on_one_and_on_several_cores(
    run: Run, photos: Path, clip: Path, tiny_network: Path
) -> None:
    tables = []
    for jobs in (1, 2):
        assert run("analyze", photos, clip, "--network", tiny_network, "--no-plot", "--jobs", jobs).code == 0
        tables.append((OUT / "table.csv").read_bytes())
    assert tables[0] == tables[1]
    assert tables[0].count(b"\n") == 1 + 3 + 6


def test_results_are_replaced(run: Run, photos: Path, clip: Path, tiny_network: Path) -> None:
    run("analyze", photos, "--network", tiny_network)
    run("analyze", clip, "--network", tiny_network)
    assert set(read_table(OUT / "table.csv")["source"]) == {"clip.mp4"}


def test_settings_come_from_the_environment_too(
    run: Run, clip: Path, tiny_network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_NETWORK", str(tiny_network))
    monkeypatch.setenv("MIEN_EVERY", "5")
    run("analyze", clip, "--no-plot")
    assert read_table(OUT / "table.csv")["frame"].tolist() == [5]


def test_of_several_faces_in_a_photograph_it_says_how_many(
    run: Run, portrait_path: Path, tmp_path: Path
) -> None:
    """Two faces: no share of them, such as 100 %."""
    portrait = np.asarray(Image.open(portrait_path).convert("RGB"))
    Image.fromarray(np.hstack([portrait, portrait])).save(tmp_path / "two.png")
    labels = Counter(mien.analyze(tmp_path / "two.png").frame["expression"])
    expected = ", ".join(f"{label} {number}" for label, number in labels.most_common())
    ran = run("analyze", tmp_path / "two.png", "--out", tmp_path / "out")
    assert f"2 faces: {expected}" in ran.out


def test_names_of_249_bytes_and_a_picture_that_cannot_be_written(
    run: Run, photos: Path, tiny_network: Path
) -> None:
    """One of them ended the whole batch, without a summary, and so did `--resume`."""
    longest = photos / ("ü" * 122 + "x.jpg")
    longest.write_bytes((photos / "img2.jpg").read_bytes())
    (OUT / "img10.annotated.jpg" / "something").mkdir(parents=True)
    asked = ("analyze", photos, "--annotate", "--network", tiny_network, "--jobs", 1)
    for options in ((), ("--resume",)):
        ran = run(*asked, *options)
        assert ran.code == 1
        assert ran.errors == [f"cannot write {OUT / 'img10.annotated.jpg'}: it is a folder"]
        names = ["img2.jpg", "img10.jpg", "later/img1.png", longest.name]
        assert sorted(r["source"] for r in summary()["recordings"]) == sorted(names)  # type: ignore[attr-defined]
        assert [f["source"] for f in summary()["failed"]] == ["img10.jpg"]  # type: ignore[attr-defined]
        assert set(read_table(OUT / "table.csv")["source"]) == set(names)
        assert sum(name.startswith("ü" * 90) and name.endswith(".annotated.jpg") for name in files()) == 1
    (OUT / "img10.annotated.jpg" / "something").rmdir()
    (OUT / "img10.annotated.jpg").rmdir()
    assert run(*asked, "--resume").code == 0
    assert (OUT / "img10.annotated.jpg").is_file()


def test_what_is_skipped_in_a_folder_is_said(run: Run, photos: Path, tiny_network: Path) -> None:
    (photos / "raw.cr2").write_bytes(b"x")
    ran = run("analyze", photos, "--network", tiny_network)
    assert ran.code == 0
    assert "mien: 1 file skipped, neither a photograph nor a video by suffix: raw.cr2" in ran.err
    assert summary()["skipped"] == [str(photos / "raw.cr2")]
    assert run("analyze", photos, "--network", tiny_network, "--quiet").err == ""
