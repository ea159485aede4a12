from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.labels import FERPLUS_VOTES
from mien.train.data import FaceSet
from mien.train.data.negatives import PHOTOGRAPHS, Negatives, part_of_a_face
from mien.train.pictures import HostPictures
from mien.train.targets import TrainingTargets, batches, joint_batch, mix, with_negatives
from small_joint import SIZE_PX, small_recipe, striped_faces

pytest.importorskip("skimage")
FACES = striped_faces(70)
NEGATIVES = Negatives("train", SIZE_PX)
PICTURES = HostPictures(FACES.images, NEGATIVES)


def made_of(faces: FaceSet = FACES, smoothing: float = 0.0) -> TrainingTargets:
    return TrainingTargets.of(faces, small_recipe(label_smoothing=smoothing))


def test_targets_are_shares_of_votes_and_smoothed_labels() -> None:
    made = made_of(smoothing=0.1)
    votes, fer2013 = made.targets["votes"], made.targets["fer2013"]
    assert votes[1] == pytest.approx(FACES.votes[1] / 10)  # type: ignore[index]
    assert fer2013[1, FACES.targets[1]] == pytest.approx(0.9 + 0.1 / 7)
    assert fer2013.sum(axis=1) == pytest.approx(1)
    assert made.no_face.tolist() == [number % 23 == 0 for number in range(70)]


def test_faces_without_votes_weigh_nothing_there() -> None:
    made = made_of(replace(FACES, votes=None))
    assert not made.weights["votes"].any()
    batch = joint_batch(made, np.arange(16), small_recipe(), PICTURES, np.random.default_rng(0))
    assert not batch.weights["votes"][:16].any()
    assert batch.weights["fer2013"][:10].any()


def test_teachers_are_asked_about_what_the_pupil_sees_and_have_their_share() -> None:
    recipe = small_recipe(mixup=0.5, teachers_share=0.7)
    asked: list[NDArray[np.uint8]] = []
    random = np.random.default_rng(0)
    said = {
        name: random.dirichlet(np.ones(count), 16).astype(np.float32)
        for name, count in (("votes", 10), ("fer2013", 7))
    }

    def teach(images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        asked.append(images.copy())
        return said

    alone, both = (
        joint_batch(made_of(), np.arange(16), recipe, PICTURES, np.random.default_rng(5), teacher)
        for teacher in (None, teach)
    )
    np.testing.assert_array_equal(alone.images, both.images)
    np.testing.assert_array_equal(asked[0], both.images[:16])
    for name, answer in said.items():
        np.testing.assert_allclose(
            both.targets[name][:16], 0.3 * alone.targets[name][:16] + 0.7 * answer, atol=1e-6
        )
        np.testing.assert_array_equal(both.targets[name][16:], alone.targets[name][16:])


def test_a_mixed_face_has_mixed_targets_and_no_landmarks() -> None:
    random = np.random.default_rng(1)
    before = FACES.images[:6].copy()
    targets = {name: random.random((6, 4)).astype(np.float32) for name in ("votes", "fer2013", "landmarks")}
    targets_before = {name: target.copy() for name, target in targets.items()}
    weights = {name: np.ones(6, np.float32) for name in (*targets, "presence")}
    weights["votes"][3] = 0
    images = PICTURES.blend(before, *mix(targets, weights, 4, random))
    np.testing.assert_array_equal(images[4:], before[4:])
    for place in range(4):
        # each image lies on the line between its old self and one other, and its targets at the same share
        errors = {}
        for other in range(4):
            along = before[place].astype(float) - before[other]
            share = (
                1.0
                if other == place
                else ((images[place] - before[other].astype(float)) * along).sum() / (along**2).sum()
            )
            mixed = share * before[place] + (1 - share) * before[other]
            expected = share * targets_before["votes"][place] + (1 - share) * targets_before["votes"][other]
            if np.abs(mixed - images[place]).max() < 1:
                errors[other] = float(np.abs(expected - targets["votes"][place]).max())
        assert errors
        assert min(errors.values()) < 0.01
    assert weights["landmarks"].tolist() == [0, 0, 0, 0, 1, 1]
    assert weights["presence"].tolist() == [0, 0, 0, 0, 1, 1]
    assert weights["votes"][3] == 0


def test_a_batch_is_faces_and_then_pictures_without_one() -> None:
    recipe = small_recipe(wild=0.5, mixup=0.0)
    batch = joint_batch(made_of(), np.arange(16), recipe, PICTURES, np.random.default_rng(0))
    assert len(batch.images) == 20
    assert batch.targets["votes"][16:, FERPLUS_VOTES.index("not-a-face")] == pytest.approx(1)
    assert not batch.targets["presence"][16:].any()
    assert batch.weights["presence"][16:].all()
    assert not batch.weights["landmarks"][16:].any()
    assert not batch.weights["fer2013"][16:].any()
    assert batch.weights["landmarks"][0] == 0, "this face has no landmarks"
    assert batch.weights["presence"][0] == 0, "most people say that it is no face"
    assert batch.weights["fer2013"][1:8].tolist() == [1.0] * 7
    assert (batch.weights["fer2013"][8:16] < 1).all(), "moved far, an expression counts less"


def test_no_negatives_is_fine() -> None:
    targets, weights = {"votes": np.ones((2, 10), np.float32)}, {"votes": np.ones(2, np.float32)}
    with_negatives(targets, weights, 0)
    assert targets["votes"].shape == (2, 10)
    assert PICTURES.without_face(0, np.random.default_rng(0)).shape == (0, SIZE_PX, SIZE_PX)


def test_each_face_comes_once_an_epoch_and_chance_repeats() -> None:
    recipe = small_recipe(wild=0.0, mixup=0.0)
    first, again = (
        list(batches(made_of(), recipe, PICTURES, np.random.default_rng([2, 1, 0]))) for _ in range(2)
    )
    assert len(first) == 70 // 16
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
    shares = np.concatenate([batch.targets["fer2013"][:16] for batch in first])
    assert (shares.sum(axis=0) <= 10).all()


def test_training_and_validation_share_no_photograph() -> None:
    assert not set(PHOTOGRAPHS["train"]) & set(PHOTOGRAPHS["validation"])
    one = Negatives("train", SIZE_PX)._photographs
    other = Negatives("validation", SIZE_PX)._photographs
    assert len(one) == len(PHOTOGRAPHS["train"])
    assert {picture.tobytes() for picture in one}.isdisjoint(picture.tobytes() for picture in other)


def test_loading_the_photographs_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    Negatives("train", SIZE_PX)
    Negatives("validation", SIZE_PX)
    assert capfd.readouterr() == ("", "")


def test_negatives_repeat_by_their_seed_and_differ() -> None:
    made = [NEGATIVES.make(12, FACES.images, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2]).any()
    assert len({picture.tobytes() for picture in made[0]}) == 12


def test_a_part_of_a_face_lacks_its_middle() -> None:
    """A face whose middle third alone is white: moved to the rim or enlarged, it does not look the same."""
    face = np.zeros((48, 48), np.uint8)
    face[16:32, 16:32] = 255
    for seed in range(20):
        part = part_of_a_face(face, np.random.default_rng(seed))
        overlap = (part[16:32, 16:32] > 127).mean() * (part[:8] < 127).mean() * (part[-8:] < 127).mean()
        assert overlap < 0.6, seed
