from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from scipy.special import softmax

pytest.importorskip("keras")

from mien.errors import DatasetError, ModelError
from mien.expression.sidecar import read_sidecar, sidecar_path, write_sidecar
from mien.files import sha256_of
from mien.labels import EMOTIONS, FER2013
from mien.train.data.cleaning import CleaningReport
from mien.train.data.prepare import Prepared
from mien.train.export.int8 import JointInt8Report, try_int8
from mien.train.export.write import outputs_of, write_deployed
from mien.train.teachers import TAUGHT, Teachers
from small_joint import SIZE_PX, small_recipe, small_sidecar, striped_faces

FACES = striped_faces(30)


def teacher(folder: Path, seed: int) -> Path:
    """A network of weights from chance, exported as a run exports it."""
    model = small_recipe().build(landmarks=True, given_away=True)
    random = np.random.default_rng(seed)
    model.set_weights([weight + random.uniform(0, 0.1, weight.shape) for weight in model.get_weights()])
    path, single, difference = write_deployed(model, folder, f"teacher{seed}", FACES.images, EMOTIONS)
    assert difference < 1e-4
    assert len(single) > path.stat().st_size
    sidecar = small_sidecar(name=f"teacher{seed}", sha256=sha256_of(path), outputs=outputs_of(model))
    write_sidecar(sidecar_path(path), sidecar)
    return path


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("teachers")
    return [teacher(folder, seed) for seed in (0, 1)]


def test_the_exported_graph_has_all_answers(teachers: list[Path]) -> None:
    session = onnxruntime.InferenceSession(teachers[0].read_bytes(), providers=["CPUExecutionProvider"])
    widths = {output.name: output.shape[1] for output in session.get_outputs()}
    assert widths == {"votes": 10, "fer2013": 7, "presence": 1, "landmarks": 136}
    operators = session.get_modelmeta().custom_metadata_map["labels"]
    assert operators == ",".join(EMOTIONS)


def test_teachers_answers_are_the_mean_over_teachers_and_mirror_images(
    teachers: list[Path], tmp_path: Path
) -> None:
    taught = Teachers(teachers, SIZE_PX).ask_once(FACES.images, tmp_path)
    expected = []
    for path in teachers:
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        for images in (FACES.images, FACES.images[:, :, ::-1].copy()):
            expected.append(softmax(session.run(["votes"], {"image": images})[0], axis=1))
    np.testing.assert_allclose(taught["votes"], np.mean(expected, axis=0), atol=1e-6)
    assert taught["fer2013"].shape == (30, len(FER2013))
    assert [fact.sha256 for fact in Teachers(teachers, SIZE_PX).facts] == [
        sha256_of(path) for path in teachers
    ]


def test_asked_about_a_batch_they_answer_with_their_mean(teachers: list[Path]) -> None:
    asked = Teachers(teachers, SIZE_PX)
    said = asked.ask(FACES.images[:5])
    expected = []
    for path in teachers:
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        expected.append(softmax(session.run(["fer2013"], {"image": FACES.images[:5]})[0], axis=1))
    np.testing.assert_allclose(said["fer2013"], np.mean(expected, axis=0), atol=1e-6)
    assert said["votes"].shape == (5, 10)
    assert asked.hashes == tuple(sha256_of(path) for path in teachers)


def test_beside_a_graphics_card_one_without_a_keras_file_answers_on_the_processor(
    teachers: list[Path], tmp_path: Path
) -> None:
    """As those that come with Mien."""
    torch = pytest.importorskip("torch")
    alone = [Path(shutil.copy(each, tmp_path)) for path in teachers for each in (path, sidecar_path(path))][
        ::2
    ]
    said = Teachers(alone, SIZE_PX, device="cpu").ask(torch.from_numpy(FACES.images[:5]).float())
    for name, expected in Teachers(teachers, SIZE_PX).ask(FACES.images[:5]).items():
        np.testing.assert_array_equal(said[name].numpy(), expected)


def test_a_resumed_run_learns_the_very_same(teachers: list[Path], tmp_path: Path) -> None:
    first = Teachers(teachers[:1], SIZE_PX).ask_once(FACES.images, tmp_path)
    kept = dict(np.load(tmp_path / TAUGHT))
    np.savez(tmp_path / TAUGHT, **(kept | {"votes": kept["votes"] + 1}))
    again = Teachers(teachers[:1], SIZE_PX).ask_once(FACES.images, tmp_path)
    np.testing.assert_array_equal(again["votes"], first["votes"] + 1)


def test_a_run_keeps_its_teachers(teachers: list[Path], tmp_path: Path) -> None:
    Teachers(teachers[:1], SIZE_PX).ask_once(FACES.images, tmp_path)
    kept = (tmp_path / TAUGHT).read_bytes()
    with pytest.raises(DatasetError, match="the answers of other teachers"):
        Teachers(teachers, SIZE_PX).ask_once(FACES.images, tmp_path)
    with pytest.raises(DatasetError, match="about other faces"):
        Teachers(teachers[:1], SIZE_PX).ask_once(FACES.images[:5], tmp_path)
    assert (tmp_path / TAUGHT).read_bytes() == kept


def test_an_unfit_teacher_is_refused(teachers: list[Path], tiny_network: Path) -> None:
    with pytest.raises(ModelError, match="expected a teacher with votes and fer2013"):
        Teachers([tiny_network], SIZE_PX)
    with pytest.raises(ModelError, match="of 48 pixels"):
        Teachers(teachers, 48)
    assert read_sidecar(sidecar_path(teachers[0])).size_px == SIZE_PX


def test_int8_is_measured_by_every_answer() -> None:
    model = small_recipe().build(landmarks=True, given_away=True)
    from mien.train.export.to_onnx import to_onnx

    graph = to_onnx(model, labels=EMOTIONS, outputs=outputs_of(model)).SerializeToString()
    nothing = CleaningReport(0, 0, 0, 0, 0, 0, 0, 0)
    small, report = try_int8(graph, Prepared(FACES, FACES, FACES, 0, nothing))
    names = {"validation_accuracy", "ferplus_all", "kl", "landmarks", "presence", "presence_best"}
    assert names <= set(report.before)
    assert set(report.before) == set(report.after)
    assert (report.bytes_before, report.bytes_after) == (len(graph), len(small))
    assert report.after["landmarks"] == pytest.approx(report.before["landmarks"], abs=0.01)


def test_what_pays() -> None:
    figures = {
        "validation_accuracy": 0.7,
        "ferplus_all": 0.85,
        "kl": 0.25,
        "landmarks": 0.03,
        "presence_best": 1.0,
    }
    good = JointInt8Report(figures, figures, 2.0, 1.0, 10, 5)
    assert good.pays
    assert not JointInt8Report(figures, figures, 1.1, 1.0, 10, 5).pays, "hardly faster"
    for name, worse in (
        ("kl", 0.27),
        ("landmarks", 0.032),
        ("ferplus_all", 0.84),
        ("validation_accuracy", 0.69),
    ):
        bad = JointInt8Report(figures, figures | {name: worse}, 2.0, 1.0, 10, 5)
        assert bad.too_much_lost == [name]
        assert not bad.pays
    assert JointInt8Report(figures, figures | {"kl": 0.2, "landmarks": 0.02}, 2.0, 1.0, 10, 5).pays
