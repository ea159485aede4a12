from __future__ import annotations

import json

import numpy as np
import pytest

from mien.errors import DatasetError
from mien.expression.calibration import expected_calibration_error
from mien.train.data import FaceSet
from mien.train.evaluate.figures import (
    auc_figure,
    calibration_figure,
    macro_f1_figure,
    mean_figure,
    median_figure,
    recall_figure,
    surest_figure,
)
from mien.train.evaluate.groups import SMALL, by_group, groups_of, holm
from mien.train.evaluate.metrics import score

RANDOM = np.random.default_rng(0)


def right_for(count: int, share: float) -> np.ndarray:
    return RANDOM.random(count) < share


def test_an_interval_of_a_mean_is_the_textbooks() -> None:
    right = right_for(2000, 0.7)
    figure = mean_figure("right", np.arange(2000), right)
    assert figure.value == pytest.approx(right.mean())
    low, high = figure.interval
    spread = 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / 2000)
    assert low == pytest.approx(right.mean() - spread, abs=0.004)
    assert high == pytest.approx(right.mean() + spread, abs=0.004)


def test_statistics_agree_with_those_of_whole_parts() -> None:
    p = RANDOM.dirichlet(np.ones(4), 500)
    targets, places = RANDOM.integers(0, 4, 500), np.arange(500)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == targets
    scores = score(p, targets, ["a", "b", "c", "d"])
    assert macro_f1_figure("", places, targets, p.argmax(axis=1), 4).value == pytest.approx(scores.macro_f1)
    expected = expected_calibration_error(p, targets)
    assert calibration_figure("", places, confidence, right).value == pytest.approx(expected)
    assert median_figure("", places, confidence).value == np.median(confidence)


def test_the_surest_80_percent_by_hand() -> None:
    certainty = np.array([0.9, 0.1, 0.8, 0.7, 0.6])
    right = np.array([1, 0, 0, 1, 1])
    assert surest_figure("", np.arange(5), certainty, right).value == 0.75


def test_no_face_gives_no_figure() -> None:
    figure = mean_figure("right", np.empty(0, np.int64), np.empty(0))
    assert np.isnan(figure.value)
    assert np.isnan(figure.interval).all()
    assert not figure.of_labelled_faces


def test_a_group_that_differs_is_found_and_others_are_not() -> None:
    groups = np.repeat(["a", "b", "c"], 300)
    right = np.concatenate([right_for(300, 0.8), right_for(300, 0.8), right_for(300, 0.6)])
    places = np.arange(900)
    noise = RANDOM.permutation(right)
    rows = by_group([mean_figure("real", places, right), mean_figure("none", places, noise)], groups)
    p = {(row.figure, row.group): row.p_holm for row in rows}
    assert p["real", "c"] < 0.01
    assert min(p["none", group] for group in "abc") > 0.01
    [worst] = [row for row in rows if (row.figure, row.group) == ("real", "c")]
    assert worst.value == pytest.approx(right[600:].mean())
    assert worst.difference == pytest.approx(right[600:].mean() - right[:600].mean())
    assert worst.faces == 300
    assert not worst.small


@pytest.mark.exhaustive
def test_chance_alone_rarely_counts_as_a_difference() -> None:
    """Of 40 draws without any difference, about two in forty have p < 0.05."""
    groups, places, found = np.repeat(["a", "b"], 40), np.arange(80), 0
    for _ in range(40):
        rows = by_group([mean_figure("", places, RANDOM.random(80))], groups)
        assert rows[0].p == rows[1].p == rows[0].p_holm, "two groups are one comparison"
        found += rows[0].p < 0.05
    assert found <= 7


def test_small_groups_are_flagged_and_figures_of_other_pictures_left_out() -> None:
    groups = np.array(["few"] * 5 + ["many"] * SMALL)
    places = np.arange(len(groups))
    other = mean_figure("negatives", np.full(9, -1), np.ones(9))
    rows = by_group([mean_figure("right", places, right_for(len(groups), 0.5)), other], groups)
    assert {row.group: row.small for row in rows} == {"few": True, "many": False}


def test_a_group_may_have_no_face_that_counts() -> None:
    groups = np.array(["a"] * 6 + ["b"] * 6)
    assert by_group([mean_figure("", np.arange(6), np.ones(6))], groups) == []


def test_one_group_is_nothing_to_compare() -> None:
    with pytest.raises(DatasetError, match="two groups"):
        by_group([], np.array(["a", "a"]))


def test_holm_against_the_published_example() -> None:
    """0.01, 0.02, 0.03, 0.04 of four tests become 0.04, 0.06, 0.06, 0.06."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def test_photographs_of_one_person_are_not_independent() -> None:
    """Each person ten times the same: the interval is that of the people alone, not of ten times as many."""
    right = right_for(100, 0.7)
    alone = mean_figure("right", np.arange(100), right)
    ten = mean_figure("right", np.arange(1000), np.repeat(right, 10))
    of_people = ten.of_people(np.repeat(np.arange(100), 10))
    assert of_people.interval == pytest.approx(alone.interval, abs=0.015)
    assert ten.interval[1] - ten.interval[0] < 0.5 * (alone.interval[1] - alone.interval[0])


def test_people_with_many_photographs_keep_them_together() -> None:
    """Two people, one always right and one never: a draw has both, or one of them twice."""
    figure = mean_figure("right", np.arange(4), [1, 1, 1, 0]).of_people(np.array([7, 7, 7, 3]))
    assert figure.value == 0.75
    assert figure.interval == (0, 1)


def test_one_person_has_no_interval() -> None:
    figure = mean_figure("right", np.arange(3), [1, 0, 1]).of_people(np.zeros(3, np.int64))
    assert figure.value == pytest.approx(2 / 3)
    assert np.isnan(figure.interval).all()
    assert figure.as_dict()["interval_95"] is None


def test_all_of_a_few_is_not_all() -> None:
    """Clopper and Pearson's interval of 20 of 20 begins at 83.2 %, and of 0 of 20 ends at 16.8 %."""
    for share, expected in ((1, (0.8316, 1.0)), (0, (0.0, 0.1684))):
        figure = mean_figure("right", np.arange(20), np.full(20, share))
        assert figure.interval == pytest.approx(expected, abs=1e-4)
    divergence = mean_figure("KL", np.arange(20), np.zeros(20), "nats")
    assert divergence.interval == (0, 0)


def test_auc_by_counting_pairs() -> None:
    scores, positive = RANDOM.integers(0, 9, 60), right_for(60, 0.4)
    pairs = [(one > other) + (one == other) / 2 for one in scores[positive] for other in scores[~positive]]
    assert auc_figure("", np.arange(60), scores, positive).value == pytest.approx(np.mean(pairs))
    assert np.isnan(auc_figure("", np.arange(2), [1, 2], [True, True]).value)


def test_mean_recall_counts_all_classes_alike() -> None:
    targets, answers = np.array([0, 0, 0, 0, 2, 2]), np.array([0, 0, 0, 2, 2, 8])
    found = recall_figure("", np.arange(6), targets, targets == answers)
    assert found.value == pytest.approx((0.75 + 0.5) / 2)


def test_people_are_permuted_and_not_their_photographs() -> None:
    """Ten people, five a group, a hundred photographs each: one in 252 ways to choose five is as extreme."""
    people = np.repeat(np.arange(10), 100)
    right = mean_figure("right", np.arange(1000), np.repeat([1] * 5 + [0] * 5, 100))
    groups = np.repeat(["a", "b"], 500)
    [row, _] = by_group([right.of_people(people)], groups, column="sex")
    assert row.p == pytest.approx(2 / 252, abs=0.006)
    assert (row.column, row.faces, row.people, row.small) == ("sex", 500, 5, True)
    assert by_group([right], groups)[0].p == 0.001
    assert by_group([right], groups)[0].people is None


def test_what_differs_within_people_is_permuted_within_them() -> None:
    """Everyone is right with one camera and wrong with the other: that is no chance, though means of people
    are all alike."""
    people, groups = np.repeat(np.arange(12), 2), np.tile(["new", "old"], 12)
    right = mean_figure("right", np.arange(24), groups == "new").of_people(people)
    assert by_group([right], groups)[0].p < 0.01
    one_camera_each = np.where(people < 6, "new", "old")
    assert by_group([right], one_camera_each)[0].p == 1


def test_a_group_that_gives_no_figure_says_so() -> None:
    auc = auc_figure("AUC", np.arange(4), [1, 2, 3, 4], [True, False, True, True])
    rows = by_group([auc], np.array(["a", "a", "a", "b"]))
    assert [row.as_dict()["value"] for row in rows] == [0.5, None]
    assert [row.as_dict()["difference"] for row in rows] == [None, None]
    assert [row.p for row in rows] == [1, 1]
    json.dumps([row.as_dict() for row in rows], allow_nan=False)


def faces(**columns: list[str]) -> FaceSet:
    count = len(next(iter(columns.values())))
    arrays = {name: np.array(values) for name, values in columns.items()}
    blank = np.full(count, "")
    images = np.zeros((count, 4, 4), np.uint8)
    return FaceSet(images, np.zeros(count, np.int64), ("a", "b"), blank, blank, columns=arrays)


def test_groups_are_a_columns_values() -> None:
    assert groups_of(faces(camera=["x", "", "y"]), "camera").tolist() == ["x", "(empty)", "y"]
    assert set(groups_of(faces(year=["1", "2"] * 10), "year")) == {"1", "2"}


def test_many_numbers_become_four_groups() -> None:
    ages = [str(age) for age in range(20, 60)]
    groups = groups_of(faces(age=[*ages, "NA"]), "age")
    assert groups.tolist() == groups_of(faces(age=[*ages, ""]), "age").tolist()
    names, counts = np.unique(groups, return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {
        "up to 29.75": 10, "above 29.75 up to 39.5": 10, "above 39.5 up to 49.25": 10, "above 49.25": 10,
        "(empty)": 1,
    }  # fmt: skip


def test_a_column_that_is_no_grouping_is_said() -> None:
    with pytest.raises(DatasetError, match=r"no column named age.*camera"):
        groups_of(faces(camera=["x"]), "age")
    with pytest.raises(DatasetError, match="40 different values"):
        groups_of(faces(name=[f"p{number}" for number in range(40)]), "name")


def test_the_lowest_quarter_comes_first_and_what_is_not_known_last() -> None:
    groups = groups_of(faces(age=[*map(str, range(20, 60)), ""]), "age")
    rows = by_group([mean_figure("right", np.arange(41), RANDOM.random(41))], groups)
    first = [row.group for row in rows]
    assert first == [
        "up to 29.75", "above 29.75 up to 39.5", "above 39.5 up to 49.25", "above 49.25", "(empty)",
    ]  # fmt: skip
