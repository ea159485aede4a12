"""Conditions and groups compared: planted effects are found, and what can't be told is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import needs
from mien import ConfigError, Epochs, SourceError, compare_epochs, epochs
from mien.study.made import RESPONSE_S, MadeStudy, make_study

needs.package("statsmodels")


@pytest.fixture(scope="module")
def made() -> MadeStudy:
    return make_study(16, trials=4, seed=3, strength=2)


@pytest.fixture(scope="module")
def cut(made: MadeStudy) -> Epochs:
    return epochs(made.table, made.stimuli, least_face=0.3)


def chosen(cut: Epochs, rows: pd.Series[bool]) -> Epochs:
    """Return the epochs of some of the events."""
    events = cut.events[rows].reset_index(drop=True)
    return Epochs(cut.measure, cut.times_s, events, cut.values[rows.to_numpy()], cut.baseline_s)


def test_planted_effects_are_found(cut: Epochs, made: MadeStudy, tmp_path: Path) -> None:
    found = compare_epochs(cut, window_s=RESPONSE_S, rounds=500)
    truth = made.truth["effects_on_mean_valence"]
    assert found.conditions == ("neutral", "pleasant", "unpleasant")
    assert found.groups == ("controls", "patients")
    assert [each.name for each in found.model.effects] == list(truth)
    for effect in found.model.effects:
        assert abs(effect.estimate - truth[effect.name]) < 3 * effect.error
    assert all(
        each.p < 0.05 for each in found.model.effects if "x" not in each.name and "neutral" in each.name
    )
    pleasant = found.courses[0]
    [(start_s, end_s)] = pleasant.spans_s(0.05)
    assert 0.5 <= start_s < 1
    assert 2.5 < end_s <= 3
    assert pleasant.people == (16,)
    assert pleasant.within
    assert [each.people for each in found.courses if not each.within] == [(8, 8)] * 3
    files = found.save(tmp_path)
    assert {each.name for each in files} == {
        "compare.json", "differences.csv", "compare.pdf", "compare.svg", "compare.png"
    }  # fmt: skip
    assert all(each.stat().st_size for each in files)
    assert (tmp_path / "compare.pdf").read_bytes().startswith(b"%PDF")
    assert "pleasant - neutral" in (tmp_path / "compare.svg").read_text("utf-8")
    courses = pd.read_csv(tmp_path / "differences.csv")
    assert set(courses["comparison"]) == set(truth)
    assert found.as_dict()["courses"][0]["clusters"][0]["from_s"] == start_s


def test_two_conditions_and_another_reference(cut: Epochs) -> None:
    found = compare_epochs(cut, conditions=["pleasant", "unpleasant"], reference="unpleasant", rounds=200)
    assert found.conditions == ("unpleasant", "pleasant")
    assert found.model.effects[0].name == "pleasant - unpleasant"
    assert found.model.effects[0].estimate > 0
    other = compare_epochs(cut, conditions=["pleasant", "unpleasant"], reference_group="patients", rounds=200)
    assert other.groups == ("patients", "controls")


def test_people_may_have_one_condition_each(cut: Epochs) -> None:
    """A condition that nobody shares with another is compared between people."""
    half = sorted(cut.events["person"].unique())[::4] + sorted(cut.events["person"].unique())[1::4]
    own = np.where(cut.events["person"].isin(half), "pleasant", "unpleasant")
    some = chosen(cut, cut.events["condition"] == own)
    some.events["group"] = ""
    found = compare_epochs(some, window_s=RESPONSE_S)
    [effect] = found.model.effects
    [course] = found.courses
    assert (effect.name, effect.df) == ("unpleasant - pleasant", 14)
    assert effect.estimate < 0
    assert (course.within, course.people) == (False, (8, 8))
    assert course.mean.mean() < 0
    assert course.test.clusters[0].mass < 0


def test_one_condition_of_two_groups(cut: Epochs) -> None:
    found = compare_epochs(chosen(cut, cut.events["condition"] == "pleasant"), window_s=RESPONSE_S)
    assert [each.name for each in found.model.effects] == ["patients - controls"]
    assert [each.name for each in found.courses] == ["patients - controls"]
    assert found.model.effects[0].df == 14


def test_people_who_lack_a_condition_are_left_out_over_time(cut: Epochs) -> None:
    lacking = cut.events["person"].isin(["SIM-01", "SIM-02"]) & (cut.events["condition"] == "pleasant")
    found = compare_epochs(chosen(cut, ~lacking), rounds=200)
    people = {each.name: each.people for each in found.courses}
    assert people["pleasant - neutral"] == (14,)
    assert people["unpleasant - neutral"] == (16,)
    assert people["patients - controls"] == (7, 7)
    few = cut.events["person"].isin([f"SIM-{each:02}" for each in range(1, 12)])
    rest = chosen(cut, ~(few & (cut.events["condition"] == "pleasant")))
    found = compare_epochs(rest, conditions=["pleasant", "neutral"], rounds=200)
    assert "pleasant - neutral: not compared over time, 5 people with both and it takes 6" in found.notes


def test_what_cannot_be_told_is_refused(cut: Epochs, tmp_path: Path) -> None:
    person, condition = cut.events["person"], cut.events["condition"]
    cases = {
        "too few people: 1 with epochs that were kept, and it takes 6": person == "SIM-01",
        "there is nothing to compare: one condition (pleasant)": (condition == "pleasant")
        & (cut.events["group"] == "controls"),
        "too few people: 2 in the group 'controls'": (cut.events["group"] == "patients")
        | person.isin(["SIM-01", "SIM-03"]),
        "the group 'patients' has no epochs of pleasant": (cut.events["group"] == "controls")
        | (condition != "pleasant"),
    }
    for words, rows in cases.items():
        with pytest.raises(SourceError) as told:
            compare_epochs(chosen(cut, rows))
        assert words in str(told.value)
    with pytest.raises(SourceError, match="holds no epochs"):
        compare_epochs(tmp_path)
    for given in ({"reference": "joy"}, {"conditions": ["joy"]}, {"reference_group": "us"}):
        with pytest.raises(ConfigError, match="there is no"):
            compare_epochs(cut, **given)  # type: ignore[arg-type]
    for window_s in ((0.0, 9.0), (2.0, 1.0), (-3.0, 1.0)):
        with pytest.raises(ConfigError, match="within the epochs"):
            compare_epochs(cut, window_s=window_s)


def test_made_people_are_the_same_by_seed_and_can_be_without_effects() -> None:
    one, same, other = (make_study(2, trials=1, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one.table, same.table)
    assert not one.table.equals(other.table)
    assert set(make_study(2, trials=1, strength=0).truth["effects_on_mean_valence"].values()) == {0.0}
    with pytest.raises(ConfigError, match="at least 2 people"):
        make_study(1)
