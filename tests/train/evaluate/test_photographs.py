"""What a user gets of whole photographs, measured."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import mien
from landmark_network import save_landmark_network
from mien.config import load_settings
from mien.errors import ConfigError, DatasetError, ModelError
from mien.expression.network import load_network
from mien.labels import EMOTIONS
from mien.prior import read_mix
from mien.train.data import FaceSet, load_dataset
from mien.train.data.faces import pictures_of
from mien.train.evaluate.decided import fit_mix
from mien.train.evaluate.evaluation import evaluate
from mien.train.evaluate.photographs import (
    faces_are,
    learn_neutral_faces,
    photograph_figures,
    read_photographs,
    together,
)
from mien.types import Faces
from tiny_network import answers_graph, save_tiny


def seen(*labels: str, sides: tuple[int, ...] = (), sure: float = 0.8) -> Faces:
    """Faces one beside the other, of these labels and sides; 0.8 for the label, the rest shared evenly."""
    widths = sides or (10,) * len(labels)
    lefts = np.cumsum((0, *widths))[:-1]
    p = np.full((len(labels), len(EMOTIONS)), (1 - sure) / (len(EMOTIONS) - 1))
    places = [EMOTIONS.index(label) for label in labels]
    p[np.arange(len(p)), places] = sure
    xyxy = [(left, 0, left + width, width) for left, width in zip(lefts, widths, strict=True)]
    sureness = np.full(len(p), sure)
    return Faces(
        np.array(xyxy, np.float32), probabilities=p, expression=np.array(places), confidence=sureness
    )  # fmt: skip


def data(*targets: str, labels: tuple[str, ...] = ("neutral", "smiling")) -> FaceSet:
    blank = np.full(len(targets), "")
    places = np.array([labels.index(target) for target in targets], np.int64)
    return FaceSet(np.zeros((len(targets), 4, 4), np.uint8), places, labels, blank, blank)


def by_name(rows: list[Faces], faces: FaceSet, people: list[int] | None = None) -> dict[str, float]:
    who = None if people is None else np.array(people)
    figures = photograph_figures(together(rows), faces, who)
    return {figure.name: figure.value for figure in figures}


def test_a_photograph_without_a_face_is_wrong_and_of_several_faces_the_largest_counts() -> None:
    rows = [
        seen("neutral"),
        seen("happiness", "neutral", sides=(20, 10)),
        seen("surprise", "happiness", sides=(20, 10)),
        Faces.empty(),
    ]
    found = by_name(rows, data("neutral", "smiling", "smiling", "smiling"))
    assert found["right, 2 classes (label)"] == 0.5
    assert found["right where a face was found (label)"] == pytest.approx(2 / 3)
    assert found["a face found"] == 0.75
    assert found["several faces found, the largest taken"] == 0.5
    assert found["recall, happiness (label)"] == pytest.approx(1 / 3)
    assert found["mean recall, 2 classes (label)"] == pytest.approx((1 + 1 / 3) / 2)


def test_uncertain_keeps_its_likeliest_label_but_is_given_none() -> None:
    rows = [seen("neutral"), seen("happiness").fill(expression=[-1]), seen("surprise")]
    found = by_name(rows, data("neutral", "smiling", "smiling"))
    assert found["right, 2 classes (label)"] == pytest.approx(2 / 3)
    assert found["gets a label, 2 classes (label)"] == pytest.approx(2 / 3)
    assert found["right among those, 2 classes (label)"] == 0.5


def test_a_smile_is_compared_with_the_same_persons_neutral_face() -> None:
    """Three people: one with a higher p_happiness in the smile, one lower, one the same."""
    smiles, calm = (0.5, 0.2, 0.3), (0.1, 0.4, 0.3)
    rows = [seen("happiness", sure=p) for p in (*smiles, *calm)]
    faces = data(*["smiling"] * 3, *["neutral"] * 3)
    found = by_name(rows, faces, [0, 1, 2, 0, 1, 2])
    assert found["people with a higher p_happiness than in their own neutral face (p_*)"] == 0.5
    pairs = [(smile > rest) + (smile == rest) / 2 for smile in smiles for rest in calm]
    assert found["AUC of p_happiness, against neutral (p_*)"] == pytest.approx(np.mean(pairs))


def test_who_has_no_neutral_photograph_is_no_pair() -> None:
    rows = [seen("happiness"), seen("neutral"), seen("happiness"), Faces.empty()]
    found = by_name(rows, data("smiling", "neutral", "smiling", "neutral"), [0, 0, 1, 1])
    assert found["people with a higher p_happiness than in their own neutral face (p_*)"] == 1
    alone = np.array([0, 1, 2, 3])
    figures = photograph_figures(together(rows), data("smiling", "neutral", "smiling", "neutral"), alone)
    [pairs] = [figure for figure in figures if figure.name.startswith("people with")]
    assert (len(pairs.faces), np.isnan(pairs.value)) == (0, True)


def png(width: int, height: int) -> bytes:
    with io.BytesIO() as file:
        Image.new("L", (width, height)).save(file, "PNG")
        return file.getvalue()


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(48, 48)] * 3, "crops"),
        ([(256, 256)], "crops"),
        ([(640, 640)], "find"),
        ([(200, 150)], "find"),
        ([(48, 48), (48, 48), (640, 480)], "crops"),
        ([(48, 48), (640, 480)], "find"),
    ],
)
def test_small_squares_are_crops(sizes: list[tuple[int, int]], expected: str) -> None:
    blank = np.full(len(sizes), "")
    faces = FaceSet(
        np.zeros((len(sizes), 4, 4), np.uint8), np.zeros(len(sizes), np.int64), ("a", "b"), blank, blank,
        pictures=pictures_of([png(*size) for size in sizes]),
    )  # fmt: skip
    assert faces_are(faces) == expected
    assert (faces_are(faces, "crops"), faces_are(faces, "find")) == ("crops", "find")


def test_in_grey_values_no_face_can_be_found() -> None:
    assert faces_are(data("neutral")) == "crops"
    with pytest.raises(DatasetError, match="grey values"):
        faces_are(data("neutral"), "find")


@pytest.fixture
def photographs(tmp_path: Path, portrait: NDArray[np.uint8]) -> Path:
    """A person neutral and smiling, another one smiling, and a picture of nobody."""
    folder = tmp_path / "photographs"
    small = Image.fromarray(portrait).resize((256, 300))
    nobody = Image.new("RGB", (256, 300))
    for name, image in {
        "neutral/1.png": small, "smiling/1.png": small, "smiling/2.png": small, "neutral/2.png": nobody,
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(folder / name)
    (folder / "people.csv").write_text("id,sex\n1,female\n2,male\n")
    return folder


def test_photographs_are_read_as_analyze_reads_them(photographs: Path) -> None:
    faces = load_dataset(photographs)
    rows = read_photographs(load_network("mien"), faces, load_settings())
    table = mien.analyze(photographs / "neutral" / "1.png").frame
    columns = table[[f"p_{name}" for name in EMOTIONS]].to_numpy(float)
    assert rows.faces.tolist() == [1, 0, 1, 1]
    assert rows.said.probabilities[0] == pytest.approx(columns[0], abs=1e-5)
    assert rows.said.confidence[0] == pytest.approx(table["confidence"].to_numpy(float)[0], abs=1e-5)
    assert not rows.said.probabilities[1].any()
    assert (rows.said.leading[1], rows.said.certain[1]) == (8, False)


def test_a_photograph_is_read_under_the_stated_mix(photographs: Path) -> None:
    faces, network = load_dataset(photographs), load_network("mien")
    one, other = (
        read_photographs(network, faces, load_settings(prior=prior)).said.probabilities[0]
        for prior in ("balanced", "photographs")
    )
    assert abs(one - other).max() > 0.001
    shares = mien.read(photographs / "neutral" / "1.png", prior="photographs").probabilities[0]
    assert other == pytest.approx(shares, abs=1e-5)


@pytest.mark.exhaustive
def test_an_exam_on_whole_photographs(photographs: Path, tmp_path: Path) -> None:
    network = load_network(save_landmark_network(tmp_path))  # calls everything neutral
    found = evaluate(network, photographs, by=["sex"])
    assert (found.head, found.left_out) == ("label", 0)
    assert found.photographs is not None
    assert found.as_dict()["photographs"] == {"count": 4, "without_face": 1, "with_several": 0}
    figures = {figure.name: figure for figure in found.figures}
    assert figures["right, 2 classes (label)"].value == 0.25
    assert figures["right where a face was found (label)"].value == pytest.approx(1 / 3)
    assert figures["recall, happiness (label)"].value == 0
    assert {row.group: row.people for row in found.groups} == {"female": 1, "male": 1}
    right = {row.group: row.value for row in found.groups if row.figure == "right, 2 classes (label)"}
    assert right == {"female": 0.5, "male": 0}


def test_a_mix_is_fitted_to_the_faces_that_are_found(photographs: Path, tmp_path: Path) -> None:
    network = load_network("mien")
    evaluate(network, photographs, fit_prior_to=tmp_path / "mine.json")
    p = mien.read(photographs / "neutral" / "1.png").probabilities.repeat(3, axis=0)  # the same portrait
    expected = fit_mix(network.sidecar, p, data("neutral", "smiling", "smiling"))
    assert read_mix(tmp_path / "mine.json").array() == pytest.approx(expected.array(), abs=1e-4)


class TestOwnNeutral:
    """A person is read by their own neutral photograph, which is not measured then."""

    def test_their_other_photographs_are_read_by_it(self, photographs: Path) -> None:
        network = load_network("mien")
        found = evaluate(network, photographs, own_neutral=True)
        assert found.as_dict()["photographs"] == {"count": 2, "without_face": 0, "with_several": 0}
        faces, settings = load_dataset(photographs), load_settings()
        at_rest = learn_neutral_faces(network, faces, np.array([4, 9, 4, 9]), settings)
        assert (at_rest.places.tolist(), list(at_rest.own)) == ([0, 1], [4]), "9's has no face"
        rows = read_photographs(network, faces, settings, people=np.array([4, 9, 4, 9]), own=at_rest.own)
        before = read_photographs(network, faces, settings)
        # The picture taught it, so it is neutral by it; of 9 nothing is known.
        assert rows.said.probabilities[2, 0] > before.said.probabilities[2, 0]
        assert rows.said.probabilities[3] == pytest.approx(before.said.probabilities[3])

    def test_it_needs_people_and_photographs_and_a_network_for_it(self, photographs: Path) -> None:
        network = load_network("mien")
        with pytest.raises(DatasetError, match="own neutral faces need photographs, and who is in them"):
            evaluate(network, photographs, own_neutral=True, faces_as="crops")
        with pytest.raises(ConfigError, match="not calibrated for own neutral faces"):
            evaluate(load_network("paper"), photographs, own_neutral=True)
        (photographs / "people.csv").unlink()
        with pytest.raises(DatasetError, match=r"people\.csv, or --person"):
            evaluate(network, photographs, own_neutral=True)

    def test_nobody_with_a_neutral_face(self, photographs: Path) -> None:
        (photographs / "neutral" / "1.png").unlink()
        with pytest.raises(DatasetError, match="no person has a neutral photograph"):
            evaluate(load_network("mien"), photographs, own_neutral=True)


def test_photographs_in_which_nobody_is_found(tmp_path: Path) -> None:
    for name in ("neutral", "happy"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (300, 280)).save(tmp_path / name / "1.png")
    with pytest.raises(DatasetError, match="no face was found in any"):
        evaluate(load_network("mien"), tmp_path)


def test_a_network_of_other_labels_has_no_table(tmp_path: Path) -> None:
    for name, size in {"calm": 20, "tense": 20}.items():
        (tmp_path / name).mkdir()
        Image.new("L", (size, size), size).save(tmp_path / name / "1.png")
    graph = answers_graph({"logits": np.array([1.0, -1.0])})
    network = load_network(save_tiny(tmp_path, graph, labels=("calm", "tense")))
    found = evaluate(network, tmp_path)
    assert not [figure for figure in found.figures if "(label)" in figure.name]
    with pytest.raises(ModelError, match="label set, for which"):
        evaluate(network, tmp_path, faces_as="find")
