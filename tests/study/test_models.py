"""Mixed models of balanced data are t-tests of people's means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import needs
from mien.study.models import INTERCEPTS, SLOPES, mixed_model

needs.package("statsmodels")


def balanced(people: int, conditions: int, epochs: int, *, groups: int = 1, seed: int = 1) -> pd.DataFrame:
    """Epochs of people who differ in their level and in how they respond."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame(
        [
            (f"p{person}", f"g{person % groups}", f"c{condition}", person, condition)
            for person in range(people) for condition in range(conditions) for _ in range(epochs)
        ],
        columns=["person", "group", "condition", "who", "what"],
    )  # fmt: skip
    level, own = random.normal(0, 0.5, people), random.normal(0.4, 0.4, (people, conditions))
    rows["value"] = level[rows["who"]] + own[rows["who"], rows["what"]] + random.normal(0, 0.3, len(rows))
    rows.loc[rows["group"] == "g1", "value"] += 0.3 * rows["what"]
    return rows


def of_people(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.pivot_table(index="person", columns="condition", values="value")


@pytest.mark.parametrize(("epochs", "random"), [(5, SLOPES), (1, INTERCEPTS)])
def test_two_conditions_are_a_paired_t_test(epochs: int, random: str) -> None:
    rows = balanced(12, 2, epochs)
    found = mixed_model(rows, ["c0", "c1"], ["g0"])
    wide = of_people(rows)
    expected = stats.ttest_rel(wide["c1"], wide["c0"])
    interval = expected.confidence_interval()
    [effect] = found.effects
    assert found.random == random
    assert effect.name == "c1 - c0"
    assert effect.df == 11
    assert effect.estimate == pytest.approx((wide["c1"] - wide["c0"]).mean())
    assert (effect.t, effect.p) == pytest.approx((expected.statistic, expected.pvalue), rel=2e-3)
    assert (effect.low, effect.high) == pytest.approx((interval.low, interval.high), rel=2e-3)
    assert any("own slopes can't be told" in each for each in found.notes) == (random == INTERCEPTS)


def test_groups_are_t_tests_of_people() -> None:
    rows = balanced(16, 2, 5, groups=2)
    found = mixed_model(rows, ["c0", "c1"], ["g0", "g1"])
    wide = of_people(rows)
    second = rows.groupby("person")["group"].first().loc[wide.index] == "g1"
    level, apart = wide.mean(axis=1), wide["c1"] - wide["c0"]
    effects = {each.name: each for each in found.effects}
    assert list(effects) == ["c1 - c0", "g1 - g0", "(c1 - c0) x (g1 - g0)"]
    for name, values in (("g1 - g0", level), ("(c1 - c0) x (g1 - g0)", apart)):
        expected = stats.ttest_ind(values[second], values[~second])
        assert effects[name].df == 14
        assert (effects[name].t, effects[name].p) == pytest.approx(
            (expected.statistic, expected.pvalue), rel=5e-3
        )
    condition = effects["c1 - c0"].estimate
    assert condition == pytest.approx((apart[second].mean() + apart[~second].mean()) / 2)


def test_three_conditions_together_are_hotelling_s() -> None:
    rows = balanced(12, 3, 5)
    found = mixed_model(rows, ["c0", "c1", "c2"], ["g0"])
    wide = of_people(rows)
    apart = np.stack([wide["c1"] - wide["c0"], wide["c2"] - wide["c0"]], axis=1)
    mean = apart.mean(axis=0)
    squared = 12 * mean @ np.linalg.solve(np.cov(apart.T), mean)
    [term] = found.terms
    assert (term.name, term.df1, term.df2) == ("condition", 2, 10)
    assert term.f == pytest.approx(squared * 10 / (2 * 11), rel=5e-3)


def test_its_unit_does_not_matter() -> None:
    rows = balanced(8, 2, 4)
    one = mixed_model(rows, ["c0", "c1"], ["g0"]).effects[0]
    other = mixed_model(rows.assign(value=1000 * rows["value"]), ["c0", "c1"], ["g0"]).effects[0]
    assert (1000 * one.estimate, one.t) == pytest.approx((other.estimate, other.t), rel=1e-3)


def test_what_never_changes_is_not_modelled() -> None:
    found = mixed_model(balanced(8, 2, 4).assign(value=0.25), ["c0", "c1"], ["g0"])
    assert found.effects == ()
    assert found.notes == ("the measure is the same in all epochs: there is nothing to model",)


def test_what_does_not_converge_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.study.models._fitted", lambda *given: None)
    found = mixed_model(balanced(8, 2, 4), ["c0", "c1"], ["g0"])
    assert found.effects == ()
    assert found.random is None
    assert found.notes == (
        "the mixed model with people's intercepts and slopes did not converge",
        "the mixed model with people's intercepts did not converge",
        "no mixed model converged, so it gives no effects: are there enough people and epochs?",
    )


def test_too_few_people_for_their_groups_are_told() -> None:
    """Where conditions are between people, each of them with a group is one of people."""
    rows = balanced(4, 1, 3, groups=2).assign(condition=lambda rows: "c" + (rows["who"] // 2).astype(str))
    found = mixed_model(rows, ["c0", "c1"], ["g0", "g1"])
    assert found.effects == ()
    assert found.notes == ("4 people are too few for a mixed model of 4 groups of people",)


def test_effects_are_not_tested_together_where_people_are_too_few() -> None:
    found = mixed_model(balanced(6, 7, 1), [f"c{each}" for each in range(7)], ["g0"])
    assert len(found.effects) == 6
    assert found.terms == ()
