from __future__ import annotations

import io
import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mien.errors import DatasetError
from mien.train.data import FaceSet, Rejects
from mien.train.data.cleaning import NEAR_COPY, clean, exact_groups, join_groups, near_copy_pairs

Grey = NDArray[np.uint8]


def photograph(seed: int, side: int = 56) -> Grey:
    """Smooth chance, as pictures are: neighbouring pixels are alike."""
    noise = np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 5)
    return cv2.normalize(smooth, None, 40, 215, cv2.NORM_MINMAX).astype(np.uint8)


def centre(image: Grey, right: int = 0) -> Grey:
    return image[4:52, 4 + right : 52 + right].copy()


def as_jpeg(image: Grey) -> Grey:
    with io.BytesIO() as file:
        Image.fromarray(image).save(file, "JPEG", quality=70)
        return np.asarray(Image.open(file))


def face_set(images: list[Grey]) -> FaceSet:
    count = len(images)
    return FaceSet(
        images=np.stack(images),
        targets=np.arange(count) % 2,
        labels=("a", "b"),
        usage=np.full(count, ""),
        names=np.array([str(place) for place in range(count)]),
        rejects=Rejects(unreadable=("x",), unlabelled=("y", "z")),
    )


def parts(numbers: NDArray[np.int64]) -> set[frozenset[int]]:
    """A partition, whatever its parts are numbered."""
    return {frozenset(np.flatnonzero(numbers == number).tolist()) for number in set(numbers.tolist())}


def test_copies_of_every_kind_form_groups_and_others_stay_alone() -> None:
    one, two, three = photograph(1), photograph(2), photograph(3)
    images = [
        centre(one),
        centre(two),
        centre(one).copy(),  # exact
        as_jpeg(centre(one)),  # saved again
        centre(one, right=1),  # cropped a pixel beside
        cv2.add(centre(two), 25),  # brighter
        cv2.convertScaleAbs(centre(two), alpha=0.6, beta=10),  # flatter
        centre(three),
        np.full((48, 48), 255, np.uint8),  # empty
    ]
    kept, groups, report = clean(face_set(images))
    assert list(kept.names) == [str(place) for place in range(8)]
    assert parts(groups) == {frozenset({0, 2, 3, 4}), frozenset({1, 5, 6}), frozenset({7})}
    assert report.as_dict() == {
        "read": 9,
        "unreadable": 1,
        "unlabelled": 2,
        "constant": 1,
        "exact_copies": 1,
        "near_copies": 4,
        "groups": 2,
        "kept": 8,
    }


def test_a_chain_of_copies_is_one_group() -> None:
    """Crops far from each other need not correlate, as long as some crop between them does."""
    wide = photograph(5, side=72)
    crops = [wide[4:52, right : right + 48].copy() for right in range(0, 16)]
    assert not len(near_copy_pairs(np.stack([crops[0], crops[-1]]), NEAR_COPY))
    _, groups, report = clean(face_set([*crops, centre(photograph(6))]))
    assert parts(groups) == {frozenset(range(16)), frozenset({16})}
    assert (report.near_copies, report.groups) == (15, 1)


def test_different_photographs_do_not_correlate() -> None:
    images = [centre(photograph(seed)) for seed in range(60)]
    _, groups, report = clean(face_set(images))
    assert len(set(groups)) == 60
    assert (report.exact_copies, report.near_copies, report.groups) == (0, 0, 0)


def test_a_threshold_of_one_leaves_exact_copies_only() -> None:
    image = centre(photograph(1))
    _, groups, report = clean(face_set([image, as_jpeg(image), image]), near_copy=1.0)
    assert parts(groups) == {frozenset({0, 2}), frozenset({1})}
    assert report.near_copies == 0


def test_nothing_but_constant_images() -> None:
    blank = [np.full((48, 48), value, np.uint8) for value in (0, 255)]
    with pytest.raises(DatasetError, match="only images of one grey value"):
        clean(face_set(blank))


def test_an_image_that_is_constant_only_when_shrunk_is_no_copy_of_another() -> None:
    checks = (np.indices((48, 48)).sum(axis=0) % 2 * 255).astype(np.uint8)
    _, groups, _ = clean(face_set([checks, 255 - checks, centre(photograph(1))]))
    assert len(set(groups)) == 3


@pytest.mark.parametrize("side", [24, 36, 48, 100])
def test_near_copy_pairs_are_those_of_pearsons_correlation(side: int) -> None:
    base = [photograph(seed, side) for seed in range(4)]
    images = np.stack([cv2.GaussianBlur(image, (0, 0), 0.1 + far) for image in base for far in range(5)])
    small = [cv2.resize(image, (24, 24), interpolation=cv2.INTER_AREA).ravel() for image in images]
    correlation = np.corrcoef(np.array(small, float))
    expected = {
        (first, second): correlation[first, second]
        for first, second in itertools.combinations(range(len(images)), 2)
        if correlation[first, second] > 0.9
    }
    assert 0 < len(expected) < len(images) * (len(images) - 1) / 2
    found = {(int(first), int(second)): value for first, second, value in near_copy_pairs(images, 0.9)}
    assert found.keys() == expected.keys()
    for pair, value in found.items():
        assert value == pytest.approx(expected[pair], abs=1e-5)


def test_pairs_are_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.stack([centre(photograph(seed % 7)) for seed in range(23)])
    whole = near_copy_pairs(images, 0.97)
    monkeypatch.setattr("mien.train.data.cleaning._BLOCK", 4)
    blocks = near_copy_pairs(images, 0.97)
    np.testing.assert_allclose(
        blocks[np.lexsort(blocks.T[1::-1])], whole[np.lexsort(whole.T[1::-1])], atol=1e-6
    )


@given(st.lists(st.binary(min_size=1, max_size=1), max_size=30))
def test_exact_groups_are_equal_pixels(values: list[bytes]) -> None:
    images = np.frombuffer(b"".join(values), np.uint8).reshape(-1, 1, 1)
    groups = exact_groups(images)
    for first, second in itertools.combinations(range(len(values)), 2):
        assert (groups[first] == groups[second]) == (values[first] == values[second])


@settings(max_examples=60)
@given(st.data())
def test_joined_groups_are_the_connected_components(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 15))
    groups = np.array(data.draw(st.lists(st.integers(0, 6), min_size=count, max_size=count)), np.int64)
    groups = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    place = st.integers(0, count - 1)
    drawn = data.draw(st.lists(st.tuples(place, place), max_size=12))
    pairs = np.array(drawn, np.int64).reshape(-1, 2)

    label = groups.tolist()  # brute force: paint one side of each pair like the other until nothing changes
    changed = True
    while changed:
        changed = False
        for first, second in drawn:
            if label[first] != label[second]:
                old, new = label[first], label[second]
                label = [new if value == old else value for value in label]
                changed = True
    joined = join_groups(groups, pairs)
    assert parts(joined) == parts(np.array(label))
    assert set(joined) == set(range(len(set(label))))


def test_a_pair_that_is_named_very_often_still_joins() -> None:
    pairs = np.zeros((256, 2), np.int64)
    pairs[:, 1] = 1
    assert len(set(join_groups(np.array([0, 1]), pairs))) == 1


def test_nothing_to_join() -> None:
    assert len(join_groups(np.empty(0, np.int64), np.empty((0, 2), np.int64))) == 0
