from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest

from mien.mood.baseline import Baseline, NotReady
from mien.mood.change import monitoring
from mien.mood.change.findings import Finding, findings, verdict
from mien.mood.simulated import simulate_days
from mood.change.people import FIRST, baseline, changed, days

ADVICE = "If it is urgent: call the ward."


def flat(seed: int = 0, *, last: int | None = None) -> pd.DataFrame:
    return changed(days(seed=seed), "expressivity", 70, -0.12, last)


def told(table: pd.DataFrame, interval: float | None = 365, **options: object) -> list[Finding]:
    return findings(table, baseline(table), false_alarm_days=interval, **options)  # type: ignore[arg-type]


def changes(found: list[Finding]) -> list[Finding]:
    return [each for each in found if each.kind == "change"]


def test_a_change_is_told_in_words_with_size_interval_and_coverage() -> None:
    (found,) = changes(told(flat()))
    assert re.fullmatch(
        r"The face has moved less than it usually does since about \d+ March\. "
        r"Since \d+ March \([^)]+\): flatness \+\d\.\d SD of own days, "
        r"90 % interval \d\.\d to \d\.\d; coverage 80 %\. A change of season would look the same[^.]+\.",
        found.text,
    )
    assert found.text.startswith(found.plain)
    assert found.since_low is not None
    assert found.since_high is not None
    assert found.since_low <= FIRST + dt.timedelta(70) <= found.since_high
    assert found.measure == "expressivity"
    assert found.size_sd is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.size_sd < found.high < 0
    assert found.size_sd == pytest.approx(-2.4, abs=1)
    assert found.since is not None
    assert abs((found.since - FIRST).days - 70) < 5
    assert found.until is None


def test_a_change_that_is_over_has_an_end() -> None:
    table = changed(days(200, seed=1), "expressivity", 70, -0.12, last=110)
    found = [each for each in changes(told(table)) if each.measure == "expressivity"]
    assert found[0].until is not None
    assert found[0].over is not None
    assert abs((found[0].until - FIRST).days - 110) <= 4
    assert found[0].plain.startswith("The face moved less than it usually does")
    assert re.search(r" from about 1\d March to about 2\d April; that is over\.$", found[0].plain)
    assert f", over since {found[0].over.day} April: flatness" in found[0].text


def test_one_change_is_told_once_with_the_measures_that_show_it() -> None:
    table = changed(changed(flat(), "valence_mean", 70, -0.15), "smiles_per_min", 71, -1.4)
    (found,) = changes(told(table))
    assert set(found.measures) == {"expressivity", "valence_mean", "smiles_per_min"}
    assert found.measure == found.measures[0]
    assert found.text.count("SD of own days") == 3
    for words in ("moved less", "less pleasant", "fewer smiles"):
        assert words in found.plain


@pytest.mark.exhaustive
def test_changes_at_other_times_are_told_apart() -> None:
    table = changed(changed(days(200), "expressivity", 70, -0.15), "valence_mean", 140, -0.15)
    found = changes(told(table))
    assert [each.measures for each in found] == [("expressivity",), ("valence_mean",)]


@pytest.mark.exhaustive
def test_a_season_is_said_to_look_like_a_change_while_the_baseline_holds_no_year() -> None:
    assert "A change of season would look the same" in changes(told(flat()))[0].text
    table = changed(days(500), "expressivity", 420, -0.15)
    (found,) = changes(findings(table, baseline(table, 400), false_alarm_days=365))
    assert "season" not in found.text


def test_where_the_promise_can_not_be_kept_it_is_said_before_any_change() -> None:
    rng = np.random.default_rng(0)
    slow = simulate_days(rng, 1, 400, carry=0.97, noise=0.3)[0]
    table = days(400, missing=0).assign(expressivity=slow)
    found = [each for each in told(table) if each.kind in ("promise", "change")]
    assert found[0].kind == "promise"
    assert "one false alarm in 365 days can't be guaranteed" in found[0].text
    assert "flatness" in found[0].text


def test_nothing_changed_is_nothing_told() -> None:
    assert told(days(100, seed=4)) == []


def test_without_a_chosen_interval_no_change_is_told() -> None:
    found = told(flat(), None, crisis_text=ADVICE)
    assert [each.kind for each in found] == ["not_ready"]
    assert "first choose how often" in found[0].text
    assert found[0].advice == ""


def test_before_28_days_no_change_is_told() -> None:
    table = flat()
    found = findings(table, baseline(table, 20), false_alarm_days=365, crisis_text=ADVICE)
    assert changes(found) == []
    assert found[0].kind == "not_ready"
    assert "more (at least 28)" in found[0].text


def test_without_a_baseline_it_is_said_why() -> None:
    reason = Baseline.of(days(3, missing=0))
    assert isinstance(reason, NotReady)
    found = findings(days(3), reason, false_alarm_days=365, crisis_text=ADVICE)
    assert [(each.kind, each.text, each.advice) for each in found] == [("not_ready", reason.reason, "")]


@pytest.mark.parametrize("kind", ["light", "camera", "network"])
def test_changed_light_or_another_camera_is_told_and_no_change(kind: str) -> None:
    table = flat()
    if kind == "light":
        table = changed(table, "light_mean", 70, -0.5)
    else:
        table[kind] = ["phone" if each >= FIRST + dt.timedelta(70) else "desk" for each in table.index]
    found = told(table, crisis_text=ADVICE)
    assert [each.kind for each in found] == [kind]
    assert "take a new baseline" in found[0].text
    assert "left out" in found[0].text
    assert found[0].advice == ""


def test_light_and_coverage_come_before_any_change() -> None:
    table = changed(flat(), "light_mean", 112, -0.5).assign(coverage=0.3)
    assert [each.kind for each in told(table)] == ["light", "coverage", "change"]


def test_low_coverage_is_told() -> None:
    found = told(changed(days(100, seed=4), "coverage", 60, -0.5))
    assert [each.kind for each in found] == ["coverage"]
    assert "30 %" in found[0].text


def test_coverage_that_is_not_known_is_not_told() -> None:
    (found,) = changes(told(flat().drop(columns="coverage")))
    assert "coverage" not in found.text
    assert found.coverage is None


@pytest.mark.exhaustive
def test_advice_stands_once_beside_a_change_that_lasts() -> None:
    both = changed(flat(), "valence_mean", 70, -0.15)
    both = changed(both, "smiles_per_min", 100, -1.5)
    found = changes(told(both, crisis_text=ADVICE))
    assert len(found) >= 2
    assert [each.advice for each in found if each.until is None].count(ADVICE) == 1
    over = changed(days(200, seed=1), "expressivity", 70, -0.12, last=110)
    assert all(each.advice == "" for each in changes(told(over, crisis_text=ADVICE)) if each.until)
    assert all(each.advice == "" for each in told(both))


@pytest.mark.parametrize(
    ("measure", "by", "words"),
    [
        ("expressivity", 0.12, "The face has moved more than it usually does since about"),
        *(
            pytest.param(*each, marks=pytest.mark.exhaustive)
            for each in (
                ("valence_mean", -0.12, "The expression has been less pleasant than usual since about"),
                ("valence_mean", 0.12, "The expression has been more pleasant than usual since about"),
                ("smiles_per_min", -1.2, "There have been fewer smiles than usual since about"),
                ("smiles_per_min", 1.2, "There have been more smiles than usual since about"),
            )
        ),
    ],
)
def test_each_measure_has_its_words(measure: str, by: float, words: str) -> None:
    found = changes(told(changed(days(seed=1), measure, 70, by)))
    assert any(each.text.startswith(words) for each in found)
    assert not any(word in each.text.lower() for each in found for word in ("depress", "feel", "mood"))


def test_other_measures_can_be_watched() -> None:
    table = days().rename(columns={"smiles_per_min": "head_movement"})
    found = changes(told(changed(table, "head_movement", 70, -1.2), watched=("head_movement",)))
    assert found[0].text.startswith("Head movement has been lower than usual since")


def test_a_measure_that_is_the_same_on_most_days_is_said_not_to_be_watched() -> None:
    table = days(100, seed=4).assign(smiles_per_min=0.0)
    found = told(table)
    assert [(each.kind, each.measure) for each in found] == [("not_ready", "smiles_per_min")]
    assert found[0].text.startswith("smiles can't be watched")


def test_each_of_several_measures_gets_its_share_of_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def watch(values: pd.Series, usual: Baseline, *, false_alarm_days: float, errors: object) -> None:
        asked.append((values.name, false_alarm_days))

    monkeypatch.setitem(monitoring._DRAW, "ewma", watch)
    told(days().assign(smiles_per_min=0.0))
    assert asked == [("expressivity", 730), ("valence_mean", 730)]


@pytest.mark.exhaustive
def test_a_year_ago_is_told_with_its_year() -> None:
    table = days(400, seed=4)
    old = changed(table, "expressivity", 70, -0.15, last=100)
    assert any(re.search(r"March 2026", each.text) for each in changes(told(old)))


def test_the_verdict_names_the_chosen_interval_whether_something_was_told_or_not() -> None:
    assert "about once in 365 days" in verdict(told(flat()), 365)
    calm = told(days(100, seed=4).assign(smiles_per_min=0.0))
    assert "a false alarm about once in 365 days" in verdict(calm, 365)
    assert verdict(told(flat(), None), None) == ""
    reason = Baseline.of(days(3, missing=0))
    assert verdict(findings(days(3), reason, false_alarm_days=365), 365) == ""
