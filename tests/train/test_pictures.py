"""Pictures are changed alike in memory and on a card; here torch on the processor stands in for the card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage")

from mien.train import fit as fitting
from mien.train.augment import Augmentation
from mien.train.data.negatives import Negatives
from mien.train.pictures import DevicePictures, HostPictures
from mien.train.targets import Batch, TrainingTargets, ahead, joint_batch
from small_joint import SIZE_PX, small_recipe, striped_faces

Grey = NDArray[np.uint8]
FACES = striped_faces(40)
NEGATIVES = Negatives("train", SIZE_PX)
ALL = np.arange(40)
NOTHING: dict[str, Any] = dict.fromkeys(Augmentation.model_fields, 0) | {"interpolation": "linear"}


def only(**chosen: Any) -> Augmentation:
    return Augmentation(**{**NOTHING, **chosen})


@pytest.fixture
def card() -> DevicePictures:
    pytest.importorskip("torch")
    return DevicePictures(FACES.images, NEGATIVES, "cpu")


def changed(pictures: Any, chosen: Augmentation, seed: int = 0) -> tuple[NDArray[np.float64], Any]:
    images, moves = pictures.change(ALL, chosen, np.random.default_rng(seed))
    return np.asarray(images, np.float64), moves


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_a_move_moves_alike(card: DevicePictures, interpolation: str) -> None:
    """OpenCV is asked for the same maps; it works with fractions of a pixel of a thirty-second."""
    chosen = only(flip=0.5, rotation_deg=30, zoom=0.2, shift=0.1, interpolation=interpolation)
    images, moves = changed(card, chosen)
    flags = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}[interpolation]
    for image, move, before in zip(images, moves, FACES.images, strict=True):
        expected = cv2.warpAffine(
            before, move, (SIZE_PX, SIZE_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        assert np.abs(image - expected)[2:-2, 2:-2].mean() < 2.5
    assert np.abs(images - FACES.images).mean() > 20, "else nothing was shown"


def test_nothing_chosen_changes_nothing(card: DevicePictures) -> None:
    images, moves = changed(card, only())
    np.testing.assert_allclose(images, FACES.images, atol=0.01)
    np.testing.assert_allclose(moves, np.broadcast_to(np.eye(2, 3), (40, 2, 3)))


@pytest.mark.parametrize(("quality", "side"), [(15, SIZE_PX), (45, SIZE_PX), (69, SIZE_PX), (45, 21)])
def test_it_loses_what_jpeg_loses(quality: int, side: int) -> None:
    """A side that is no multiple of 8 is made one by its last pixels, as OpenCV's encoder does."""
    torch = pytest.importorskip("torch")
    faces = np.ascontiguousarray(FACES.images[:, :side, :side])
    card = DevicePictures(faces, None, "cpu")
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    images = torch.from_numpy(faces).float()
    lost = card._through_jpeg(images, torch.full((40, 1, 1, 1, 1), float(np.floor(scale))))
    stored = [cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for face in faces]
    expected = np.stack([cv2.imdecode(one, cv2.IMREAD_GRAYSCALE) for one in stored]).astype(float)
    differences = np.abs(lost.numpy() - expected)
    assert differences.mean() < 0.5, "but for waves that lie between two steps of the table"
    assert np.abs(expected - faces).mean() > 10 * differences.mean()


@pytest.mark.parametrize("name", ["blur", "noise", "erase", "shade", "compress", "light"])
def test_each_change_is_as_strong_as_opencvs(card: DevicePictures, name: str) -> None:
    """Of many faces, the mean change of a pixel is the same within a third."""
    sources = HostPictures(FACES.images, NEGATIVES), card
    images = {
        pictures: np.stack(
            [
                np.asarray(pictures.change(ALL, only(**{name: 1}), np.random.default_rng(seed))[0], float)
                for seed in range(15)
            ]
        )
        for pictures in sources
    }
    host, device = (np.abs(images[pictures] - FACES.images).mean() for pictures in sources)
    assert device == pytest.approx(host, rel=0.33)
    assert device > 0.3
    assert all(changed.min() >= 0 and changed.max() <= 255 for changed in images.values())


def test_each_face_has_its_chance_of_a_change(card: DevicePictures) -> None:
    images, _ = changed(card, only(erase=0.5))
    touched = (np.abs(images - FACES.images) > 0.5).any(axis=(1, 2))
    assert 8 <= touched.sum() <= 32


def test_the_same_chance_gives_the_same_pictures(card: DevicePictures) -> None:
    first, again, other = (changed(card, Augmentation(), seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_without_changes_both_make_the_same_batch(card: DevicePictures) -> None:
    recipe = small_recipe(mixup=0.5, wild=0.25).model_copy(update={"augment": only(), "augment_wild": only()})
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"negatives": 0.0})})
    targets = TrainingTargets.of(FACES, recipe)
    host, device = (
        joint_batch(targets, ALL[:16], recipe, pictures, np.random.default_rng(3))
        for pictures in (HostPictures(FACES.images, NEGATIVES), card)
    )
    # chance is drawn in another order, so the mixed faces differ; the others are the same
    first = round(0.5 * 12)
    np.testing.assert_allclose(device.images[first:], host.images[first:], atol=1.01)
    for name, target in host.targets.items():
        np.testing.assert_allclose(device.targets[name][first:], target[first:], atol=1e-6)
        np.testing.assert_allclose(device.weights[name], host.weights[name], atol=1e-6)


def test_pictures_without_a_face_come_from_the_pool(card: DevicePictures) -> None:
    made = np.asarray(card.without_face(30, np.random.default_rng(0)))
    assert made.shape == (30, SIZE_PX, SIZE_PX)
    assert len({picture.tobytes() for picture in made}) > 20


def test_a_run_on_a_card_learns_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras computes with another backend")
    monkeypatch.setattr(fitting, "graphics_card", lambda: "cpu")
    recipe = small_recipe(epochs=8, average=0.9, mixup=0.0, wild=0.0)
    (tmp_path / "run").mkdir()
    train, validation = striped_faces(60, 0), striped_faces(21, 1)
    told: list[float] = []
    _, state = fitting.fit(
        recipe, train, validation, folder=tmp_path / "run",
        report=lambda progress: told.append(progress.loss),
    )  # fmt: skip
    assert state.history[-1]["loss"] < 0.9 * state.history[0]["loss"]
    _, resumed = fitting.fit(recipe, train, validation, folder=tmp_path / "run")
    assert resumed.epoch == 8
    assert all(np.isfinite(told))


def test_a_step_on_a_card_is_the_step_of_keras() -> None:
    pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras computes with another backend")
    recipe = small_recipe()
    recipe = recipe.model_copy(
        update={
            "network": recipe.network.model_copy(
                update={"heads": recipe.network.heads.model_copy(update={"dropout": 0.0})}
            )
        }
    )
    targets = TrainingTargets.of(FACES, recipe)
    batch = joint_batch(
        targets, ALL[:16], recipe, HostPictures(FACES.images, NEGATIVES), np.random.default_rng(0)
    )
    found = []
    for on_card in (False, True):
        model, _ = fitting.first_state(recipe, FACES)
        targets = {name: batch.targets[name] for name in model.output}
        weights = {name: batch.weights[name] for name in model.output}
        if on_card:
            put = keras.ops.convert_to_tensor
            loss = fitting._device_step(
                model,
                put(batch.images[..., None].astype(np.float32)),
                {name: put(target) for name, target in targets.items()},
                {name: put(weight) for name, weight in weights.items()},
            )
        else:
            loss = fitting.train_step(model, batch)
        found.append((float(loss), model.get_weights()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


class TestAhead:
    def batches(self, count: int, fails: bool = False) -> Any:
        for number in range(count):
            yield Batch(np.full(1, number), {}, {})
        if fails:
            raise OSError("no more")

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_all_come_in_their_order(self, count: int) -> None:
        assert [int(batch.images[0]) for batch in ahead(self.batches(7), count)] == list(range(7))

    @pytest.mark.parametrize("count", [0, 2])
    def test_what_making_one_raises_is_raised(self, count: int) -> None:
        with pytest.raises(OSError, match="no more"):
            list(ahead(self.batches(3, fails=True), count))

    def test_who_stops_early_leaves_no_thread(self) -> None:
        from threading import enumerate as threads

        made = ahead(self.batches(1000), 2)
        next(made)
        made.close()
        assert not [thread for thread in threads() if thread.name == "batches" and thread.is_alive()]
