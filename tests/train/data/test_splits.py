from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.train.data.prepare import Split, make_split

USAGES = ("Training", "PublicTest", "PrivateTest", "Validation")
few = settings(max_examples=12)


def data_set(
    seed: int, count: int = 400, classes: int = 3, usages: tuple[str, ...] = ("Training", "PublicTest")
) -> dict[str, Any]:
    """Faces of unequal classes, every third in a group of copies; most are for training.

    So many that a class with fewer than the ten that a cut needs is no more likely than one in a million.
    """
    random = np.random.default_rng(seed)
    groups = np.arange(count)
    copies = random.choice(count, count // 3, replace=False)
    groups[copies] = random.choice(copies, len(copies))
    shares = [0.7, *[0.3 / (len(usages) - 1)] * (len(usages) - 1)] if len(usages) > 1 else [1.0]
    return {
        "targets": random.choice(classes, count, p=np.array([4, 2, 2]) / 8).astype(np.int64),
        "usage": random.choice(usages, count, p=shares),
        "groups": groups.astype(np.int64),
    }


def sides(split: Split) -> list[NDArray[np.int64]]:
    return [split.train, split.validation, split.test, split.left_out]


def shares_a_group(groups: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    return bool(set(groups[one]) & set(groups[other]))


@pytest.mark.exhaustive
@few
@given(st.integers(0, 10**6), st.sampled_from(["official", "grouped", "random"]), st.integers(0, 100))
def test_parts_are_disjoint_and_together_everything(seed: int, name: Any, chance: int) -> None:
    data = data_set(seed, usages=USAGES if seed % 2 else USAGES[:2])
    everything = np.concatenate(sides(make_split(name, seed=chance, **data)))
    assert sorted(everything) == list(range(len(data["groups"])))


@pytest.mark.exhaustive
@few
@given(st.integers(0, 10**6), st.sampled_from(["official", "grouped"]), st.booleans())
def test_copies_never_stand_on_both_sides(seed: int, name: Any, all_usages: bool) -> None:
    data = data_set(seed, usages=USAGES if all_usages else USAGES[:2])
    split = make_split(name, seed=1, **data)
    groups = data["groups"]
    assert not shares_a_group(groups, split.train, split.validation)
    assert not shares_a_group(groups, split.train, split.test)
    assert not shares_a_group(groups, split.validation, split.test)


@pytest.mark.parametrize("name", ["official", "grouped"])
@pytest.mark.parametrize("many", [5, 60])
def test_nobody_is_on_both_sides(name: Any, many: int) -> None:
    data = data_set(3)
    people = np.random.default_rng(1).integers(0, many, 400)
    split = make_split(name, seed=1, people=people, **(data | {"groups": np.arange(400)}))
    assert not shares_a_group(people, split.train, split.validation)
    assert set(data["targets"][split.train]) == {0, 1, 2}
    assert len(split.validation) > 0
    if name == "grouped":
        assert not shares_a_group(people, split.train, split.test)
        assert not shares_a_group(people, split.validation, split.test)
        assert len(split.test) == pytest.approx(100, abs=40 if many > 5 else 70)


def test_two_people_and_a_copy_between_them_are_one() -> None:
    people, groups = np.arange(400) // 20, np.arange(400)
    groups[20] = groups[0]  # the first and the second person share a picture
    split = make_split("grouped", seed=0, people=people, **(data_set(0) | {"groups": groups}))
    where = {part: set(people[getattr(split, part)]) for part in ("train", "validation", "test")}
    assert sum({0, 1} <= found for found in where.values()) == 1


def test_one_person_cannot_be_split() -> None:
    with pytest.raises(DatasetError, match="expected at least three people, as nobody may be on both sides"):
        make_split("grouped", seed=0, people=np.zeros(400, np.int64), **data_set(0))


def test_the_random_split_does_not_care_about_copies_except_for_validation() -> None:
    data = data_set(0)
    split = make_split("random", seed=1, **data)
    assert shares_a_group(data["groups"], split.train, split.test)
    assert not shares_a_group(data["groups"], split.train, split.validation)


@few
@given(st.integers(0, 10**6))
def test_official_keeps_copies_of_any_test_away_from_training(seed: int) -> None:
    data = data_set(seed, usages=USAGES[:3])
    split = make_split("official", seed=1, **data)
    usage, groups = data["usage"], data["groups"]
    np.testing.assert_array_equal(split.test, np.flatnonzero(usage == "PublicTest"))
    in_tests = {group for group, part in zip(groups, usage, strict=True) if part != "Training"}
    expected = [
        place
        for place in range(len(usage))
        if usage[place] == "PrivateTest" or (usage[place] == "Training" and groups[place] in in_tests)
    ]
    assert list(split.left_out) == expected


def test_official_takes_the_private_test_where_it_is_the_only_one() -> None:
    data = data_set(3, usages=("Training", "PrivateTest"))
    split = make_split("official", seed=1, **data)
    np.testing.assert_array_equal(split.test, np.flatnonzero(data["usage"] == "PrivateTest"))


@few
@given(st.integers(0, 10**6))
def test_official_takes_the_datas_own_validation(seed: int) -> None:
    data = data_set(seed, usages=("Training", "PublicTest", "Validation"))
    split = make_split("official", seed=1, **data)
    usage, groups = data["usage"], data["groups"]
    in_test = np.isin(groups, groups[usage == "PublicTest"])
    np.testing.assert_array_equal(split.validation, np.flatnonzero((usage == "Validation") & ~in_test))


@pytest.mark.parametrize("share", [0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 0.8])
@pytest.mark.parametrize("name", ["grouped", "random"])
def test_shares_and_classes_are_as_asked(name: Any, share: float) -> None:
    data = data_set(5, count=900)
    split = make_split(name, seed=1, test_share=share, validation_share=0.2, **data)
    rest = 1 - share
    for part, expected in ((split.test, share), (split.validation, rest * 0.2), (split.train, rest * 0.8)):
        assert len(part) / 900 == pytest.approx(expected, abs=0.02)
        found = np.bincount(data["targets"][part], minlength=3) / len(part)
        everywhere = np.bincount(data["targets"], minlength=3) / 900
        np.testing.assert_allclose(found, everywhere, atol=0.03)


@pytest.mark.parametrize("name", ["official", "grouped", "random"])
def test_the_seed_decides(name: Any) -> None:
    data = data_set(2)
    once, again = make_split(name, seed=4, **data), make_split(name, seed=4, **data)
    other = make_split(name, seed=5, **data)
    for part, same in zip(sides(once), sides(again), strict=True):
        np.testing.assert_array_equal(part, same)
    assert list(once.validation) != list(other.validation)


@pytest.mark.parametrize("name", ["official", "grouped", "random"])
def test_parts_are_in_the_order_of_the_data(name: Any) -> None:
    for part in sides(make_split(name, seed=4, **data_set(2))):
        assert list(part) == sorted(part)


class TestErrors:
    def test_unknown_name(self) -> None:
        with pytest.raises(DatasetError, match="no split named mine; there are: official, grouped, random"):
            make_split("mine", seed=0, **data_set(0))  # type: ignore[arg-type]

    @pytest.mark.parametrize("usages", [("",), ("Training",), ("PublicTest",)])
    def test_no_split_of_its_own(self, usages: tuple[str, ...]) -> None:
        with pytest.raises(DatasetError, match=r"no split of its own.*use the split 'grouped'"):
            make_split("official", seed=0, **data_set(0, usages=usages))

    def test_every_face_has_a_copy_in_the_test(self) -> None:
        data = data_set(0)
        data["groups"] = np.zeros_like(data["groups"])
        with pytest.raises(DatasetError, match="no split of its own"):
            make_split("official", seed=0, **data)

    def test_a_class_too_small_for_grouped(self) -> None:
        targets = np.repeat([0, 1], [50, 3])
        with pytest.raises(DatasetError, match="at least 4 faces of each class to cut off 1/4, received 3"):
            make_split("grouped", targets=targets, usage=np.full(53, ""), groups=np.arange(53), seed=0)

    def test_a_class_too_small_for_random(self) -> None:
        targets = np.repeat([0, 1], [50, 1])
        with pytest.raises(DatasetError, match="cannot cut off 25% of the faces by class"):
            make_split("random", targets=targets, usage=np.full(51, ""), groups=np.arange(51), seed=0)

    def test_all_faces_are_one_photograph(self) -> None:
        data = data_set(0)
        data["groups"] = np.zeros_like(data["groups"])
        with pytest.raises(DatasetError, match="at least 4 different faces to cut off 1/4, received 1"):
            make_split("grouped", seed=0, **data)

    @pytest.mark.parametrize("share", [0.001, 0.999])
    def test_a_share_too_near_to_nothing_or_everything(self, share: float) -> None:
        with pytest.raises(DatasetError, match=f"expected a share from 1/20 to 19/20, received {share}"):
            make_split("grouped", seed=0, test_share=share, **data_set(0))

    def test_a_class_without_faces_does_not_matter(self) -> None:
        data = data_set(0)
        data["targets"] = data["targets"] * 2
        assert len(make_split("grouped", seed=0, **data).test)
