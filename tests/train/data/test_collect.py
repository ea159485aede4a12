from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mien.config import Settings
from mien.errors import ConfigError, OutputError
from mien.expression.network import OnnxNetwork, load_network
from mien.labels import EMOTIONS
from mien.pipeline import Pipeline
from mien.train.data import load_dataset
from mien.train.data.cleaning import CopyFilter, Verdict
from mien.train.data.collect import COLUMNS, collect
from mien.types import Faces


class Halves:
    """Finds one face in each half of a picture."""

    name = "halves"
    closed = False

    def detect(self, image: NDArray[np.uint8]) -> Faces:
        height, width = image.shape[:2]
        boxes = np.array([[0, 0, width // 2, height], [width // 2, 0, width, height]], np.float32)
        return Faces(boxes, detection=np.array([0.9, 0.8]))

    def close(self) -> None:
        self.closed = True


class Nobody(Halves):
    def detect(self, image: NDArray[np.uint8]) -> Faces:
        return Faces.empty()


def picture(*seeds: int, brightness: int = 0) -> NDArray[np.uint8]:
    """Squares of noise side by side, one for each seed."""
    squares = [np.random.default_rng(seed).integers(0, 80, (8, 8)) for seed in seeds]
    coarse = np.hstack(squares).repeat(8, axis=0).repeat(8, axis=1) + brightness
    return np.repeat(coarse[..., None], 3, axis=2).astype(np.uint8)


def save(path: Path, image: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def save_video(path: Path, images: Sequence[NDArray[np.uint8]]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width = images[0].shape[:2]
        stream.bit_rate = 4_000_000
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def network(tiny_network: Path) -> OnnxNetwork:
    return load_network(tiny_network)


def build(paths: Sequence[Path], out: Path, network: Any, detector: Any = None, **choices: Any) -> Any:
    chosen = Settings(**choices)
    pipeline = Pipeline(chosen, detector=detector or Halves(), network=network)
    return collect(paths, out, settings=chosen, pipeline=pipeline, size_px=48)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_faces_are_cropped_labelled_and_listed(tmp_path: Path, network: OnnxNetwork) -> None:
    save(tmp_path / "in/a.png", picture(1, 2))
    save(tmp_path / "in/sub/b.png", picture(3, 4, brightness=130))
    out, detector = tmp_path / "out", Halves()
    report = build([tmp_path / "in"], out, network, detector)
    assert (report.inputs, report.frames, report.faces, report.kept) == (2, 2, 4, 4)
    assert detector.closed
    rows = rows_of(out)
    assert tuple(rows[0]) == COLUMNS
    assert [row["source"] for row in rows] == ["a.png", "a.png", "sub/b.png", "sub/b.png"]
    for row in rows:
        with Image.open(out / row["file"]) as image:
            assert image.mode == "L"
            assert image.size == (48, 48)
        assert row["label"] == row["correct"] == Path(row["file"]).parent.name
        assert row["label"] in EMOTIONS
        assert 0 < float(row["confidence"]) <= 1
        assert 0 <= float(row["quality"]) <= 1
    # the tiny network calls bright pictures otherwise than dark ones
    assert rows[0]["label"] != rows[3]["label"]
    assert {row["label"]: 0 for row in rows}.keys() == report.labels.keys()
    summary = json.loads((out / "summary.json").read_text())
    assert summary["network"]["name"] == "tiny"
    assert summary["kept"] == 4


def test_the_corrected_list_is_read_back_by_training(tmp_path: Path, network: OnnxNetwork) -> None:
    save(tmp_path / "a.png", picture(1, 2))
    save(tmp_path / "b.png", picture(3, 4, brightness=130))
    out = tmp_path / "out"
    build([tmp_path / "a.png", tmp_path / "b.png"], out, network)
    rows = rows_of(out)
    for row, correct in zip(rows, ("fear", "surprised", "skip", "fear"), strict=True):
        row["correct"] = correct
    with (out / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    faces = load_dataset(out, size_px=48)
    assert faces.labels == ("fear", "surprise")
    np.testing.assert_array_equal(faces.targets, [0, 1, 0])
    with Image.open(out / rows[1]["file"]) as image:
        np.testing.assert_array_equal(faces.images[1], np.asarray(image))
    by_folder = load_dataset(out / "images", size_px=48)
    assert len(by_folder) == 4


def test_exact_and_near_copies_are_left_out(tmp_path: Path, network: OnnxNetwork) -> None:
    save(tmp_path / "in/1.png", picture(1, 2))
    save(tmp_path / "in/2.png", picture(1, 2))
    save(tmp_path / "in/3.png", picture(2, 1, brightness=9))
    save(tmp_path / "in/4.png", np.full((64, 128, 3), 80, np.uint8))
    report = build([tmp_path / "in"], tmp_path / "out", network)
    assert (report.faces, report.exact_copies, report.near_copies) == (8, 2, 2)
    assert (report.constant, report.kept) == (2, 2)
    everything = build([tmp_path / "in/3.png"], tmp_path / "other", network)
    assert everything.kept == 2


def test_a_video_gives_each_face_once_with_its_time_and_track(tmp_path: Path, network: OnnxNetwork) -> None:
    still, moved = picture(1, 2), picture(5, 2)
    film = save_video(tmp_path / "film.mp4", [still] * 6 + [moved] * 6)
    report = build([film], tmp_path / "out", network)
    assert (report.frames, report.faces, report.kept) == (12, 24, 3)
    rows = rows_of(tmp_path / "out")
    assert [(row["frame"], row["time_s"]) for row in rows] == [("0", "0.000"), ("0", "0.000"), ("6", "0.600")]
    assert rows[0]["track"] == rows[2]["track"] != rows[1]["track"]
    fewer = build([film], tmp_path / "fewer", network, every=5)
    assert fewer.frames == 3


def test_crops_are_taken_whole(tmp_path: Path, network: OnnxNetwork) -> None:
    save(tmp_path / "in/a.png", picture(1))
    report = build([tmp_path / "in"], tmp_path / "out", network, crops=True)
    assert report.kept == 1
    (row,) = rows_of(tmp_path / "out")
    with Image.open(tmp_path / "out" / row["file"]) as image:
        expected = Image.fromarray(picture(1)).convert("L").resize((48, 48), Image.Resampling.BOX)
        np.testing.assert_allclose(np.asarray(image, float), np.asarray(expected, float), atol=2)


def test_what_cannot_be_read_is_named_and_the_rest_is_done(tmp_path: Path, network: OnnxNetwork) -> None:
    save(tmp_path / "in/good.png", picture(1, 2))
    (tmp_path / "in/bad.jpg").write_bytes(b"\xff\xd8\xff no picture")
    out = tmp_path / "out"
    report = build([tmp_path / "in", tmp_path / "missing.mp4"], out, network)
    assert report.kept == 2
    assert {failure.source for failure in report.failures} == {"bad.jpg", str(tmp_path / "missing.mp4")}
    assert all("\n" not in failure.error for failure in report.failures)
    assert len(json.loads((out / "summary.json").read_text())["failures"]) == 2


def test_without_a_face_no_folder_is_made(tmp_path: Path, network: OnnxNetwork) -> None:
    save(tmp_path / "in/a.png", picture(1, 2))
    report = build([tmp_path / "in"], tmp_path / "out", network, Nobody())
    assert (report.inputs, report.faces, report.kept) == (1, 0, 0)
    assert not (tmp_path / "out").exists()


def test_corrections_are_never_overwritten(tmp_path: Path, network: OnnxNetwork) -> None:
    save(tmp_path / "in/a.png", picture(1, 2))
    out = tmp_path / "out"
    out.mkdir()
    build([tmp_path / "in"], out, network)
    before = (out / "labels.csv").read_bytes()
    with pytest.raises(OutputError, match="not an empty folder; remove it or choose another"):
        build([tmp_path / "in"], out, network)
    assert (out / "labels.csv").read_bytes() == before
    with pytest.raises(OutputError, match="not an empty folder"):
        build([tmp_path / "in"], out / "labels.csv", network)


@pytest.mark.parametrize("choices", [{"size_px": 8}, {"size_px": 4000}, {"near_copy": 0}, {"near_copy": 1.5}])
def test_values_out_of_range_are_refused(tmp_path: Path, choices: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="received"):
        collect([], tmp_path / "out", settings=Settings(), **choices)


def test_an_interrupted_run_leaves_a_whole_data_set(tmp_path: Path, network: OnnxNetwork) -> None:
    for number in range(3):
        save(tmp_path / f"in/{number}.png", picture(number, number + 10))

    def interrupt(place: int, inputs: int, share: float) -> None:
        assert inputs == 3
        if place == 1:
            raise KeyboardInterrupt

    detector = Halves()
    pipeline = Pipeline(Settings(), detector=detector, network=network)
    with pytest.raises(KeyboardInterrupt):
        collect(
            [tmp_path / "in"], tmp_path / "out", settings=Settings(), pipeline=pipeline, progress=interrupt
        )
    assert detector.closed
    assert len(load_dataset(tmp_path / "out")) == 4
    assert not list((tmp_path / "out").rglob(".*"))


def test_the_portrait_is_found(tmp_path: Path, network: OnnxNetwork, portrait_path: Path) -> None:
    chosen = Settings(detector="haar")
    report = collect(
        [portrait_path], tmp_path / "out", settings=chosen, pipeline=Pipeline(chosen, network=network)
    )
    assert report.kept == 1
    (row,) = rows_of(tmp_path / "out")
    with Image.open(tmp_path / "out" / row["file"]) as image:
        assert image.size == (96, 96)
    assert row["source"] == portrait_path.name


@settings(max_examples=25)
@given(choice=st.lists(st.integers(0, 5), min_size=1, max_size=12), seed=st.integers(0, 1000))
def test_kept_faces_are_unlike_and_the_others_are_like_a_kept_one(choice: list[int], seed: int) -> None:
    noise = np.random.default_rng(seed)
    images = [
        (picture(number)[:48, :48, 0] + noise.integers(0, 60, (48, 48))).astype(np.uint8) for number in choice
    ]
    judge = CopyFilter(0.9)
    verdicts = [judge.judge(image) for image in images]
    small = [image.reshape(24, 2, 24, 2).mean(axis=(1, 3)).ravel() for image in images]
    kept = [image for image, verdict in zip(small, verdicts, strict=True) if verdict is Verdict.NEW]
    assert verdicts[0] is Verdict.NEW
    for place, one in enumerate(kept):
        assert all(np.corrcoef(one, other)[0, 1] < 0.905 for other in kept[:place])
    for image, verdict in zip(small, verdicts, strict=True):
        if verdict is Verdict.NEAR:
            assert max(np.corrcoef(image, other)[0, 1] for other in kept) > 0.895


def test_many_faces_are_remembered() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (200, 24, 24)).astype(np.uint8)
    judge = CopyFilter(0.97)
    assert all(judge.judge(image) is Verdict.NEW for image in images)
    assert all(judge.judge(image) is Verdict.EXACT for image in images)
    assert all(judge.judge(image // 2 + 9) is Verdict.NEAR for image in images)
    assert judge.judge(np.full((24, 24), 7, np.uint8)) is Verdict.CONSTANT
