"""`mien micro`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cli.helpers import Run, save_clip
from lifted_mouth import lifted_mouth
from mien.config import load_settings
from mien.pipeline import Pipeline
from mien.videos.micro_picture import differences_in_film
from tiny_network import SIDE_PX, expected_logits, save_tiny, tiny_graph
from tiny_sentiment import tiny_sentiment

LABELS = ("negative", "positive", "surprise")


def save_micro(folder: Path, graph: bytes | None = None, name: str = "mine") -> Path:
    """Write a network that takes difference pictures: the brighter, the likelier its last label."""
    seen = {"size_px": SIDE_PX, "framing": "difference", "gain": 4.0}
    graph = tiny_graph(3) if graph is None else graph
    return save_tiny(folder, graph, name=name, labels=LABELS, input=seen)


def test_a_film_without_a_face_says_so(run: Run, tmp_path: Path) -> None:
    path = save_clip(tmp_path / "wall.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 12, rate_hz=25)
    ran = run("micro", path)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[:2] == [
        "wall.mp4: 0.5 s at 25 frames a second, a face in view for 0.0 s",
        "note: no face was found: nothing can be said of it",
    ]
    assert json.loads(Path("mien-micro/micro.json").read_text())["movements"] == []
    assert Path("mien-micro/micro.csv").read_text() == "time_s,brows,mouth,eyes\n"
    assert Path("mien-micro/micro.png").read_bytes()[:4] == b"\x89PNG"


def test_a_still_face_has_no_movements(run: Run, portrait: NDArray[np.uint8], tmp_path: Path) -> None:
    path = save_clip(tmp_path / "still.mp4", [portrait[:560, :400]] * 12, rate_hz=25)
    ran = run("micro", path, "--json", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["movements"] == []
    assert [Path(each).name for each in told["files"]] == [
        "micro.csv", "movements.csv", "micro.json", "micro.png",
    ]  # fmt: skip
    assert "a movement of 40 ms is one frame" in told["notes"][0]


def test_a_network_labels_each_movement_by_the_picture_of_its_training(
    run: Run, portrait: NDArray[np.uint8], tmp_path: Path
) -> None:
    film, network = lifted_mouth(tmp_path, portrait), save_micro(tmp_path)
    ran = run("micro", film, "--network", network, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    told = json.loads((tmp_path / "out" / "micro.json").read_text())
    (movement,) = told["movements"]
    with Pipeline(load_settings()) as pipeline:
        moments = [(movement["onset_s"], movement["apex_s"])]
        (picture,) = differences_in_film(film, moments, pipeline=pipeline, size_px=SIDE_PX, gain=4.0)
    assert picture is not None
    odds = np.exp(expected_logits(picture[None], 3)[0])
    wanted = dict(zip(LABELS, (odds / odds.sum()).round(4), strict=True))
    assert movement["probabilities"] == pytest.approx(wanted, abs=1e-4)
    assert movement["label"] == max(wanted, key=lambda label: wanted[label]) == "surprise"
    assert told["network"]["name"] == "tiny"
    count, line = ran.out.splitlines()[1:3]
    assert count == "1 short movement; labels by tiny"
    assert line.endswith(f"   surprise, probability {wanted['surprise']:.2f}")
    header, row = (tmp_path / "out" / "movements.csv").read_text().splitlines()
    assert header.endswith(",region,moved,score,label,p_negative,p_positive,p_surprise")
    assert [float(each) for each in row.split(",")[-3:]] == pytest.approx(list(wanted.values()), abs=1e-4)
    assert (tmp_path / "out" / "micro.png").read_bytes()[:4] == b"\x89PNG"


def test_a_network_has_nothing_to_label_in_a_still_face(
    run: Run, portrait: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = save_clip(tmp_path / "still.mp4", [portrait[:560, :400]] * 12, rate_hz=25)
    ran = run("micro", path, "--network", save_micro(tmp_path))
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[1] == "0 short movements"
    told = json.loads(Path("mien-micro/micro.json").read_text())
    assert (told["movements"], told["network"]["name"]) == ([], "tiny")
    table = Path("mien-micro/movements.csv").read_text()
    assert table == "onset_s,apex_s,offset_s,region,moved,score,label,p_negative,p_positive,p_surprise\n"


def test_a_network_for_movements_reads_no_faces_and_one_for_faces_no_movements(
    run: Run, photos: Path, clip: Path, tmp_path: Path
) -> None:
    movements = save_micro(tmp_path)
    (tmp_path / "faces").mkdir()
    for command, given in (("analyze", photos), ("explain", photos / "img2.jpg"), ("summarize", clip)):
        ran = run(command, given, "--network", movements)
        assert (ran.code, len(ran.errors)) == (1, 1), ran.err
        assert f"{movements}: reads movements, not faces: use `mien micro VIDEO" in ran.errors[0]
    for given in (save_tiny(tmp_path / "faces"), "paper"):
        ran = run("micro", clip, "--network", given)
        assert (ran.code, len(ran.errors)) == (1, 1), ran.err
        assert f"{given}" in ran.errors[0]
    assert (
        "reads faces, not movements" in run("micro", clip, "--network", tmp_path / "faces" / "tiny.onnx").err
    )
    assert not Path("mien-micro").exists()


def test_a_network_that_is_none_is_one_line(run: Run, clip: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("dear diary")
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(tiny_graph(3))
    garbage = save_micro(tmp_path, b"dear diary", "garbage")
    two = save_micro(tmp_path, tiny_graph(2), "two")
    for given, wanted in (
        (tmp_path / "gone.onnx", "no such network for movements; train one (`mien train CLIPS.csv --recipe"),
        (text, "expected a network file ending in .onnx"),
        (alone, "needs its sidecar beside it"),
        (garbage, "not an ONNX network that can be run"),
        (two, "expected 3 numbers of logits"),
        (
            tiny_sentiment(tmp_path),
            "its network reads whole clips, not single faces: use `mien sentiment VIDEO --network",
        ),
    ):
        ran = run("micro", clip, "--network", given)
        assert (ran.code, len(ran.errors)) == (1, 1), ran.err
        assert Path(given).stem in ran.errors[0]
        assert wanted in ran.errors[0]


def test_one_frame_and_a_wrong_threshold_are_refused(run: Run, tmp_path: Path) -> None:
    path = save_clip(tmp_path / "one.mp4", [np.full((120, 160, 3), 90, np.uint8)])
    ran = run("micro", path, "--out", tmp_path / "out")
    assert ran.code == 1
    assert ran.errors == ["one.mp4: expected a film, received a single frame, in which nothing can move"]
    ran = run("micro", path, "--threshold", 0)
    assert ran.code == 2
    assert ran.errors == ["threshold: expected a number above 0, received 0"]
    assert not (tmp_path / "out").exists()


def test_what_the_recipe_refuses_is_one_line(run: Run, tmp_path: Path) -> None:
    ran = run("train", tmp_path, "--recipe", "micro")
    assert (ran.code, "no table of micro-expressions" in ran.err) == (1, True)
    ran = run("train", tmp_path, "--recipe", "micro", "--minutes", "5")
    assert (ran.code, "takes no minutes" in ran.err) == (2, True)
    assert "--votes is for faces" in run("train", tmp_path, "--recipe", "micro", "--votes", "fer.csv").err
