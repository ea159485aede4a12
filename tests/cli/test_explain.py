"""`mien explain` and `mien.explain`: what they write, say, and refuse."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import mien
from cli.helpers import Run
from mien.analysis.explain import draw_explanations
from mien.errors import ConfigError
from mien.labels import EMOTIONS
from mien.source.images import read_image


@pytest.fixture
def photo(tmp_path: Path, small_portrait: NDArray[np.uint8]) -> Path:
    path = tmp_path / "grace.png"
    Image.fromarray(small_portrait).save(path)
    return path


def test_it_says_why_and_writes_a_picture(run: Run, photo: Path) -> None:
    ran = run("explain", photo)
    assert ran.code == 0, ran.err
    line, where = ran.out.splitlines()
    assert line.startswith("neutral ")
    assert line.endswith("(by occlusion)")
    assert where == "picture  grace-explained.png"
    with Image.open("grace-explained.png") as picture:
        assert picture.size[0] > 640
    assert [path.name for path in Path().iterdir()] == ["grace-explained.png"]


def test_json_has_label_probabilities_and_place(run: Run, photo: Path) -> None:
    told = json.loads(run("explain", photo, "--json", "--label", "sad", "--out", "why.jpg").out)
    (face,) = told["faces"]
    assert told["picture"] == "why.jpg"
    assert face["label"] == "sadness"
    assert list(face["probabilities"]) == list(EMOTIONS)
    assert face["probability"] == pytest.approx(face["probabilities"]["sadness"], abs=1e-5)
    assert sum(face["parts"].values()) == pytest.approx(1, abs=1e-3)
    assert 0 < face["marked_share"] <= 0.151
    assert 0 <= face["without"] <= 1


@pytest.mark.exhaustive
def test_a_network_without_class_maps_is_not_explained_by_them(run: Run, photo: Path) -> None:
    assert run("explain", photo, "--method", "occlusion").code == 0
    ran = run("explain", photo, "--method", "class-maps", "--out", "other.png")
    assert (ran.code, ran.errors) == (2, ["network mien has no class maps; use occlusion"])
    assert not Path("other.png").exists()


def test_the_api_gives_the_same_as_the_command(run: Run, photo: Path) -> None:
    (face,) = mien.explain(photo, threads=1)
    (told,) = json.loads(run("explain", photo, "--json").out)["faces"]
    assert face.as_dict() == told
    assert not face.evidence.flags.writeable
    (again,) = mien.explain(photo, threads=1)
    np.testing.assert_array_equal(face.evidence, again.evidence)


@pytest.mark.exhaustive
def test_the_place_in_the_crop_is_the_place_in_the_picture(photo: Path) -> None:
    """The eyes' middle is where every crop has it."""
    (face,) = mien.explain(photo, threads=1)
    x, y = face.to_picture @ (0.50, 0.39, 1)
    np.testing.assert_allclose((x, y), face.face.points[0, :2].mean(axis=0), atol=0.5)


@pytest.mark.exhaustive
def test_each_face_of_several_is_told(run: Run, tmp_path: Path, small_portrait: NDArray[np.uint8]) -> None:
    path = tmp_path / "two.png"
    Image.fromarray(np.hstack([small_portrait, small_portrait[:, ::-1]])).save(path)
    ran = run("explain", path)
    assert [line.split(":")[0] for line in ran.out.splitlines()[:2]] == ["face 0", "face 1"]
    left, right = mien.explain(path, threads=1)
    assert left.where is not None
    assert right.where is not None
    assert left.where.left == pytest.approx(1 - right.where.left, abs=0.35)


@pytest.mark.exhaustive
def test_any_network_explains_itself(run: Run, photo: Path, tiny_network: Path) -> None:
    """One that sees only the mean grey: covering with it changes next to nothing."""
    for network in ("paper", tiny_network):
        ran = run("explain", photo, "--network", network)
        assert ran.code == 0, ran.err


def test_the_photograph_itself_is_not_written_over(run: Run, photo: Path) -> None:
    before = photo.read_bytes()
    refused = run("explain", photo, "--out", photo)
    assert (refused.code, len(refused.errors)) == (2, 1)
    assert "is the photograph itself" in refused.errors[0]
    assert photo.read_bytes() == before


def test_a_method_that_there_is_not(photo: Path) -> None:
    with pytest.raises(ConfigError, match="received class-maps"):
        mien.explain(photo, method="class-maps")  # type: ignore[arg-type]


def test_what_hangs_on_no_one_region_says_so(photo: Path) -> None:
    (each,) = mien.explain(photo)
    assert each.probability - each.without > 0.05
    assert each.words.endswith("with this region covered")
    sure = dataclasses.replace(each, without=each.probability - 0.01)
    assert sure.words.endswith("with this region covered: no one region decides it")
    # The same for who reads no figures of networks.
    start = f"Read as {each.label} ({each.probability:.0%}).".replace("%", " %")
    assert each.where is not None
    falls = f"with that covered, {each.label} would fall to {100 * each.without:.0f} %."
    assert each.plain_words == f"{start} It depends on what is seen {each.where.plain_words}: {falls}"
    assert "no single part decides" in sure.plain_words
    unsure = dataclasses.replace(each, face=each.face.fill(expression=[-1]))
    assert unsure.plain_words.startswith("Read as not sure of any expression; the most likely is ")
    flat = dataclasses.replace(each, where=None)
    assert flat.plain_words == f"{start} No part of the face supports it more than another."


def test_of_what_the_network_does_not_see_no_region_is_named_or_drawn(photo: Path) -> None:
    (each,) = mien.explain(photo, label="fear")
    assert each.probability < 0.05
    assert each.words == f"fear {each.probability:.0%}: the network sees almost none of it here".replace(
        "%", " %"
    )
    assert each.plain_words.endswith("Almost nothing in this face supports it.")
    image = read_image(str(photo))
    nothing = dataclasses.replace(each, marked=np.zeros_like(each.marked))
    np.testing.assert_array_equal(draw_explanations(image, [each]), draw_explanations(image, [nothing]))


def test_a_crop_is_taken_whole(run: Run, tmp_path: Path, small_portrait: NDArray[np.uint8]) -> None:
    path = tmp_path / "crop.png"
    Image.fromarray(small_portrait[55:175, 70:190]).resize((48, 48)).convert("L").save(path)
    ran = run("explain", path, "--crops", "--network", "paper", "--json")
    assert ran.code == 0, ran.err
    (face,) = json.loads(ran.out)["faces"]
    assert face["xyxy"] == [0, 0, 48, 48]


def test_no_face_is_one_clear_line_and_no_picture(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(path)
    assert mien.explain(path) == []
    ran = run("explain", path)
    assert ran.code == 1
    assert ran.errors == [
        f"{path}: no face was found; --min-face finds smaller ones, --crops takes the whole image as a face"
    ]
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("gone.jpg",), 1, "gone.jpg"),
        (("text.jpg",), 1, "text.jpg"),
        (("{photo}", "--label", "bored"), 2, "expected a label of network mien (neutral,"),
        (("{photo}", "--out", "why.txt"), 2, "why.txt: expected a picture's name that ends in .png"),
        (("{photo}", "--network", "gone.onnx"), 1, "gone.onnx: no such network"),
        ((), 2, "Missing argument 'PHOTO'"),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    run: Run, photo: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    Path("text.jpg").write_text("dear diary\n" * 100)
    ran = run("explain", *(each.format(photo=photo) for each in arguments))
    assert ran.code == code
    (line,) = ran.errors
    assert says in line
    assert [path.name for path in Path().iterdir()] == ["text.jpg"]
