"""`mien cohort`: figures against independent formulas, a planted effect, and the ways to fool oneself."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import needs
from mien.errors import ConfigError, OutputError, SourceError

needs.package("sklearn")

from mien.report.fit import ROOMS, put_into  # noqa: E402
from mien.report.html import render_html  # noqa: E402
from mien.videos.cohort import figures, models, study  # noqa: E402
from mien.videos.cohort.circumstances import GroupOfPeople, groups_of  # noqa: E402
from mien.videos.cohort.made import MadeCohort, make_cohort  # noqa: E402
from mien.videos.cohort.record import rows_of  # noqa: E402
from mien.videos.cohort.report import report_content  # noqa: E402
from mien.videos.cohort.study import CohortResult  # noqa: E402
from mien.videos.cohort.table import read_cohort  # noqa: E402
from mien.videos.cohort.words import findings  # noqa: E402


@pytest.fixture(scope="module")
def made() -> MadeCohort:
    return make_cohort(90, seed=3)


@pytest.fixture(scope="module")
def confounded() -> CohortResult:
    """A small cohort without an effect, whose site tells the label and moves every measure.

    With fewer trees and halves than a study has, which are most of what it takes.
    """
    table = make_cohort(70, seed=2, strength=0, site_effect=0.7).table
    chosen = ["happiness_mean", "entropy", "inertia"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "TREES_TRIED", (3, 6))
        patch.setattr(models, "PENALTIES", (0.01, 0.1, 1.0))
        patch.setattr(study, "_USUAL", replace(study._USUAL, halves=6))
        return study.cohort(table, "remission", by=["age"], rounds=100, repeats=1, measures=chosen)


def logistic_area(table: pd.DataFrame, seed: int = 0) -> figures.Interval:
    read = read_cohort(table, "remission")
    found = models.predict(
        read.values, read.y, read.subject, folds=10, repeats=1, seed=seed, models=(models.LOGISTIC,)
    )
    own = figures.area(read.y, found.odds[models.LOGISTIC], read.subject, found.fold)
    assert own is not None
    return own.interval()


# --- the figures


def delong(label: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """DeLong's area and variance, by every pair."""
    up, down = score[label], score[~label]
    pairs = (up[:, None] > down) + 0.5 * (up[:, None] == down)
    return pairs.mean(), pairs.mean(1).var(ddof=1) / len(up) + pairs.mean(0).var(ddof=1) / len(down)


def test_the_area_and_its_error_are_delongs() -> None:
    random = np.random.default_rng(0)
    label = random.random(60) < 0.4
    score = np.round(random.normal(size=60) + label, 1)
    value, variance = delong(label, score)
    found = figures.area(label, score, np.arange(60))
    assert found is not None
    assert found.value == pytest.approx(value)
    assert found.error**2 == pytest.approx(variance)
    twice = np.repeat(np.arange(60), 2)  # every person recorded twice: no more is known than before
    copied = figures.area(np.repeat(label, 2), np.repeat(score, 2), twice)
    assert copied is not None
    assert copied.error == pytest.approx(found.error, rel=0.03)


def test_strata_compare_only_people_who_are_alike() -> None:
    site = np.repeat([0, 1], 40)
    label = np.r_[np.arange(40) < 30, np.arange(40) < 10]
    score = 10.0 * (site == 0) + np.tile(np.arange(2), 40)  # the site, and nothing of the label
    whole = figures.area(label, score, np.arange(80))
    alike = figures.area(label, score, np.arange(80), site)
    assert whole is not None
    assert alike is not None
    assert whole.value > 0.7
    assert alike.value == pytest.approx(0.5, abs=0.02)


def test_nobody_misplaced_is_no_certainty() -> None:
    found = figures.area(np.arange(20) < 10, -np.arange(20.0), np.arange(20))
    assert found is not None
    assert found.value == 1
    assert found.interval().low == pytest.approx(0.025 ** (1 / 10))


def test_the_regression_is_scikit_learns() -> None:
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(1)
    x = random.normal(size=(80, 4))
    label = random.random(80) < 1 / (1 + np.exp(-x[:, 0]))
    own = models._ridge(0.3, x, label)
    theirs = LogisticRegression(C=0.3, tol=1e-10, max_iter=1000).fit(x, label)
    np.testing.assert_allclose(own.decision_function(x), theirs.decision_function(x), atol=1e-5)


def test_calibration_knows_what_is_true() -> None:
    random = np.random.default_rng(2)
    odds = random.normal(size=4000)
    label = random.random(4000) < 1 / (1 + np.exp(-odds))
    right = figures.calibration(label, 1 / (1 + np.exp(-odds)))
    assert right.slope.low < 1 < right.slope.high
    assert right.mean_error < 0.015
    too_sure = figures.calibration(label, 1 / (1 + np.exp(-2 * odds)))
    assert too_sure.slope.value == pytest.approx(0.5, abs=0.06)
    assert too_sure.mean_error > 0.05


def test_how_many_people_it_takes() -> None:
    # Hanley & McNeil 1982, area 0.75, 50 of each: 0.0486
    assert figures.area_error(0.75, 50, 50) == pytest.approx(0.0486, abs=0.0003)
    assert (
        figures.people_to_tell(0.6, 0.5)
        > figures.people_to_tell(0.75, 0.5)
        > figures.people_to_tell(0.9, 0.5)
    )
    assert figures.people_to_tell(0.75, 0.1) > figures.people_to_tell(0.75, 0.5)
    many = figures.people_to_know(0.8, 0.5)
    assert figures.Z95 * figures.area_error(0.8, many / 2, many / 2) <= 0.05


# --- nobody on both sides


def test_a_subject_is_in_one_fold(made: MadeCohort) -> None:
    read = read_cohort(made.table, "remission")
    assert len(read.y) == made.table["subject"].nunique()
    subject = np.repeat(np.arange(30), 2)
    label = np.tile([True, False], 30)
    fold = models.deal(label, subject, 5, 0)
    assert all(len(np.unique(fold[subject == each])) == 1 for each in range(30))
    assert set(np.bincount(fold)) == {12}


# --- a planted effect, and none


def test_a_planted_effect_is_recovered(made: MadeCohort) -> None:
    found = logistic_area(made.table)
    assert found.low > 0.5
    assert found.low < made.truth["best_area"] < found.high
    read = read_cohort(made.table, "remission")
    apart = figures.standard_difference(read.measures["happiness_mean"].to_numpy(), read.y)
    assert apart.low < 0.8 < apart.high


def test_shuffled_labels_give_a_half() -> None:
    read = read_cohort(make_cohort(80, seed=5, strength=1.5).table, "remission")
    fold = models.deal(read.y, read.subject, 10, 0)
    true, chance = models.shuffled_areas(read.values, read.y, read.subject, fold, rounds=400, seed=0)
    assert chance.mean() == pytest.approx(0.5, abs=0.02)
    assert true > np.quantile(chance, 0.975)
    assert figures.chance_error(true, chance) == 0
    assert figures.chance_error(0.55, chance) == pytest.approx(chance.std())


def test_an_interval_is_at_least_as_wide_as_asked() -> None:
    own = figures.area(np.arange(40) % 3 == 0, np.arange(40.0) % 7, np.arange(40))
    assert own is not None
    assert own.interval(least_error=own.error / 2) == own.interval()
    wider = own.interval(least_error=2 * own.error)
    assert wider.low < own.interval().low
    assert wider.high > own.interval().high


def test_a_missing_table_is_said_before_an_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(SourceError, match="missing"):
        study.cohort(tmp_path / "missing.csv", "remission")


@pytest.mark.exhaustive
def test_no_effect_gives_a_half_on_average() -> None:
    values = [logistic_area(make_cohort(60, seed=each, strength=0).table, each).value for each in range(60)]
    assert np.mean(values) == pytest.approx(0.5, abs=3 * np.std(values) / np.sqrt(60))


@pytest.mark.exhaustive
def test_a_whole_study_finds_the_site() -> None:
    table = make_cohort(90, seed=1, strength=0, site_effect=0.7).table
    found = study.cohort(table, "remission", by=["age"], rounds=100, repeats=1)
    assert next(each for each in found.circumstances if each.name == "site").found
    assert "Careful: site alone tells the label" in " ".join(findings(found))


def test_scores_of_two_folds_are_not_compared() -> None:
    random = np.random.default_rng(4)
    fold = np.repeat(np.arange(10), 10)
    label = random.random(100) < 0.4
    noise = 0.1 * random.normal(size=(1, 100))
    score = noise - np.bincount(fold, label)[fold] / 10  # a model without knowledge: the others' mix
    pooled = figures.area(label, score, np.arange(100))
    inside = figures.area(label, score, np.arange(100), fold)
    alike = figures.area(label, noise, np.arange(100), fold)
    centred = figures.area(label, figures.less_fold_means(score, fold[None]), np.arange(100))
    assert pooled is not None
    assert inside is not None
    assert alike is not None
    assert centred is not None
    assert pooled.value < 0.42
    assert inside.value == pytest.approx(alike.value)
    assert centred.value == pytest.approx(inside.value, abs=0.05)


def test_repeats_are_compared_in_folds_of_their_own() -> None:
    random = np.random.default_rng(6)
    label, subject = random.random(60) < 0.5, np.arange(60)
    scores, folds = random.normal(size=(2, 60)), random.integers(0, 5, (2, 60))
    wins, pairs = 0.0, 0
    for score, fold in zip(scores, folds, strict=True):
        alike = fold[label][:, None] == fold[~label]
        wins += (alike & (score[label][:, None] > score[~label])).sum()
        pairs += alike.sum()
    found = figures.area(label, scores, subject, folds)
    assert found is not None
    assert found.value == pytest.approx(wins / pairs)


@pytest.mark.exhaustive
def test_a_site_that_tells_the_label_is_found(confounded: CohortResult) -> None:
    site = next(each for each in confounded.circumstances if each.name == "site")
    assert site.found
    assert confounded.area.low > 0.5  # it would have been taken for an effect
    assert site.within is not None
    assert site.within.low < 0.5 < site.within.high
    told = " ".join(findings(confounded))
    assert "Careful: site alone tells the label" in told
    assert "The measures may only say where somebody was recorded" in told


def test_a_length_that_tells_the_label_is_found() -> None:
    from mien.videos.cohort.circumstances import look_around

    table = make_cohort(80, seed=2, strength=0).table
    table["length_s"] += np.where(table["remission"] == "yes", 400, 0)
    read = read_cohort(table, "remission")
    fold = models.deal(read.y, read.subject, 10, 0)
    around = look_around(read, np.random.default_rng(0).normal(size=(1, len(read.y))), fold[None])
    assert next(each.name for each in around if each.found) == "length_s"


def test_with_many_people_less_is_done_again_and_that_is_said(made: MadeCohort) -> None:
    steps: list[tuple[str, float]] = []
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "TREES_TRIED", (3, 6))
        patch.setattr(models, "PENALTIES", (0.01, 0.1, 1.0))
        for name in ("MANY", "_SLOW"):
            patch.setattr(study, name, 90)
        patch.setattr(study, "_OF_MANY", replace(study._OF_MANY, rounds=110, halves=4))
        found = study.cohort(
            made.table, "remission", measures=["entropy", "inertia"], say=lines.append,
            progress=lambda what, done: steps.append((what, done)),
        )  # fmt: skip
    assert (found.folds, found.shuffled.rounds, len(found.learning)) == (5, 110, 3)
    [said] = [each for each in found.remarks if each.startswith("From 90 people on")]
    assert "5 folds for 10, 110 exchanges of labels for 500, 4 halves for 50" in said
    assert lines[0].startswith("90 people take a while")
    done = [each for _, each in steps]
    assert done == sorted(done)
    assert done[-1] == 1
    assert {what for what, _ in steps} == {"models", "shuffled labels", "measures", "learning curve"}
    assert sum(what == "shuffled labels" for what, _ in steps) == 5 * 3


def test_exchanges_in_blocks_are_those_at_once(made: MadeCohort) -> None:
    read = read_cohort(made.table, "remission")
    fold = models.deal(read.y, read.subject, 5, 0)

    def areas() -> np.ndarray:
        return models.shuffled_areas(read.values, read.y, read.subject, fold, rounds=100, seed=0)[1]

    blocks = areas()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "_BLOCK", 101)
        assert blocks == pytest.approx(areas())


def test_the_most_common_word_of_a_person_is_theirs() -> None:
    """Of equally common ones the first by name; somebody without any has none."""
    table = pd.DataFrame({"subject": list("aaabbccd"), "remission": ["yes", "no"] * 4, "m": np.arange(8.0)})
    table["site"] = ["south", "north", "south", "west", "east", None, "north", None]
    table["remission"] = ["yes"] * 3 + ["no"] * 2 + ["yes"] * 2 + ["no"]
    read = read_cohort(table, "remission")
    sites = read.circumstances["site"]
    assert sites[:3].tolist() == ["south", "east", "north"]
    assert pd.isna(sites[3])


# --- tables that won't do


@pytest.mark.parametrize(
    ("change", "choices", "error", "words"),
    [
        ({}, {"label": "relapse"}, ConfigError, "has no column relapse"),
        ({"remission": "yes"}, {}, SourceError, "remission is always 'yes'; two values are needed"),
        ({"copy": "label"}, {}, ConfigError, "copy alone tells remission without an error"),
        ({"subject": "gone"}, {}, ConfigError, "--subject names the column"),
        ({"remission": "rows"}, {}, ConfigError, "differs within"),
        ({"remission": "three"}, {}, ConfigError, "choose two by --positive and --negative"),
        ({"people": 20}, {}, SourceError, "takes 4. people in this mix"),
        ({}, {"expected": 0.3}, ConfigError, "from 0.55 to 0.99"),
    ],
)  # fmt: skip
def test_what_cannot_be_studied_is_refused(
    made: MadeCohort,
    change: dict[str, object],
    choices: dict[str, object],
    error: type[Exception],
    words: str,
) -> None:
    table = made.table.copy()
    for name, how in change.items():
        if how == "label":
            table[name] = (table["remission"] == "yes").astype(int)
        elif how == "gone":
            table = table.drop(columns=name)
        elif how == "rows":
            table[name] = np.where(np.arange(len(table)) % 2, "yes", "no")
        elif how == "three":
            table.loc[:10, name] = "perhaps"
        elif name == "people":
            table = table[table["subject"].isin(table["subject"].unique()[:how])]
        else:
            table[name] = how
    with pytest.raises(error, match=words):
        study.cohort(table, **{"label": "remission", **choices})  # type: ignore[arg-type]


def test_what_is_left_out_is_said(made: MadeCohort) -> None:
    table = made.table.assign(flat=1.0, empty=np.nan, remark=[f"note {n}" for n in range(len(made.table))])
    table.loc[table.index[::5], "entropy"] = np.nan
    table.loc[table.index[::7], "remission"] = None
    read = read_cohort(table, "remission")
    assert not {"flat", "empty", "remark", "age", "site"} & set(read.measures)
    told = " ".join(read.remarks)
    for words in (
        "without one of the two labels",
        "the same for everybody: flat",
        "more than half: empty",
        "remark",
    ):
        assert words in told


def test_one_person_under_two_codes_is_held_together(made: MadeCohort) -> None:
    once = made.table.drop_duplicates("subject")
    table = pd.concat([once, once[:3].assign(subject=["A", "B", "C"])])
    read = read_cohort(table, "remission")
    assert len(np.unique(read.subject)) == once["subject"].nunique()
    assert "3 subjects have exactly another's measures" in " ".join(read.remarks)


def test_what_is_no_number_counts_as_missing_and_is_said(made: MadeCohort) -> None:
    table = made.table.astype({"entropy": object})
    table.loc[3, "entropy"] = "12,5"
    table.loc[4, "inertia"] = np.inf
    read = read_cohort(table, "remission")
    assert [each for each in read.remarks if "a finite number" in each] == [
        "entropy: 1 value counted as missing, not being a finite number, such as '12,5'.",
        "inertia: 1 value counted as missing, not being a finite number, such as 'inf'.",
    ]


def test_a_recording_of_nobody_is_refused(made: MadeCohort) -> None:
    table = made.table.astype({"subject": object})
    table.loc[5, "subject"] = None
    with pytest.raises(SourceError, match="1 row without a subject"):
        read_cohort(table, "remission")


def test_people_without_a_label_in_the_labels_are_counted(made: MadeCohort, tmp_path: Path) -> None:
    labels = made.table[["subject", "remission"]].drop_duplicates()
    recordings = made.table.drop(columns="remission")
    recordings.to_csv(tmp_path / "recordings.csv", index=False)
    labels.iloc[:-3].to_csv(tmp_path / "labels.csv", index=False)
    rows, _ = rows_of(tmp_path / "recordings.csv", "remission", tmp_path / "labels.csv")
    left = recordings["subject"].isin(labels["subject"].iloc[-3:]).sum()
    read = read_cohort(rows, "remission")
    assert read.recordings == len(recordings) - left
    assert f"{left} recordings without one of the two labels were left out." in read.remarks


def test_an_empty_cell_is_no_group(made: MadeCohort) -> None:
    site = made.table["site"].where(made.table["subject"] != made.table["subject"].iloc[0])
    read = read_cohort(made.table.assign(site=site), "remission")
    odds, fold = np.zeros((1, len(read.y))), np.zeros((1, len(read.y)), np.int64)
    told = groups_of(read, ("site",), odds, fold)
    assert [each.value for each in told] == sorted(set(site.dropna()))
    assert sum(each.people for each in told) == len(read.y) - 1


def test_two_columns_of_one_name_are_refused(made: MadeCohort, tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    made.table.assign(other=1).rename(columns={"other": "age"}).to_csv(path, index=False)
    with pytest.raises(SourceError, match="two columns age"):
        read_cohort(path, "remission")


def test_states_may_differ_within_a_subject(made: MadeCohort) -> None:
    twice = pd.concat([made.table.assign(remission="yes", entropy=1.0), made.table.assign(remission="no")])
    read = read_cohort(twice.assign(entropy=np.arange(len(twice)) % 7), "remission", states=True)
    assert len(read.y) == 2 * len(np.unique(read.subject))


# --- where rows come from


def test_rows_come_from_tables_of_analyze(tmp_path: Path) -> None:
    from mien.table import COLUMNS, PROBABILITIES
    from mien.videos.cohort.record import rows_of

    rows = []
    for source in ("a.mp4", "b.mp4"):
        for index in range(200):
            row = dict.fromkeys(COLUMNS, 0.1) | dict.fromkeys(PROBABILITIES, 0.0)
            row |= {
                "source": source,
                "frame": index,
                "time_s": index / 5,
                "track": 0,
                "expression": "happiness",
            }
            rows.append(row | {"p_happiness": 0.9 if source == "a.mp4" else 0.4, "p_neutral": 0.1})
    pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(tmp_path / "table.csv", index=False)
    labels = tmp_path / "labels.csv"
    labels.write_text("source,subject,remission\na.mp4,P-1,yes\nb.mp4,P-2,no\n")
    for given in (tmp_path, tmp_path / "table.csv"):
        found, _ = rows_of(given, "remission", labels)
        assert found["subject"].tolist() == ["P-1", "P-2"]
        assert found["happiness_mean"].tolist() == pytest.approx([0.9, 0.4], abs=0.01)
    with pytest.raises(ConfigError, match="give --labels a table with the columns source, subject"):
        rows_of(tmp_path / "table.csv", "remission", None)
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1")
    for given in (tmp_path, tmp_path / "damaged.parquet"):
        with pytest.raises(SourceError, match=r"cannot read the table .*damaged\.parquet"):
            rows_of(given, "remission", labels)


def test_rows_come_from_a_record(tmp_path: Path) -> None:
    from mien.mood.simulated import simulate
    from mien.record.simulated import write_simulated
    from mien.store.store import Store
    from mien.videos.cohort.record import rows_of

    path = tmp_path / "record.sqlite"
    with Store(str(path)) as store:
        drawn = simulate(
            1, 0, start=datetime(2026, 5, 4, tzinfo=UTC).date(), zone=UTC, minutes=1.0, missing=0.5
        )
        write_simulated(store, "SIM-1", drawn)
    labels = tmp_path / "labels.csv"
    labels.write_text("subject,relapse\nSIM-1,no\n")
    found, _ = rows_of(path, "relapse", labels)
    assert {"subject", "relapse", "happiness_max", "happiness_mean", "camera", "length_s"} <= set(found)
    assert found["simulated"].eq(1).all()
    with pytest.raises(ConfigError, match="no label relapse by itself"):
        rows_of(path, "relapse", None)


# --- what is handed out


def test_the_page_is_one_page_and_says_what_it_is(confounded: CohortResult, tmp_path: Path) -> None:
    page = render_html(report_content(confounded, datetime(2026, 5, 4, tzinfo=UTC)))
    for words in (
        "Simulated cohort",
        "Careful: site alone",
        "It says nothing of one person",
        "shuffled labels",
    ):
        assert words in page
    assert "diagnos" not in page.lower()
    json.dumps(confounded.as_dict(), allow_nan=False)
    (tmp_path / "cohort.json").write_text("{}")
    with pytest.raises(OutputError, match="is there already"):
        confounded.save(tmp_path)


def test_the_page_as_pdf_is_one_page(confounded: CohortResult) -> None:
    pytest.importorskip("typst")
    from mien.report.pdf import pages, render_pdf

    assert pages(render_pdf(report_content(confounded, datetime(2026, 5, 4, tzinfo=UTC)))) == 1


def test_groups_stand_in_a_table_of_their_own_for_each_column(confounded: CohortResult) -> None:
    some = figures.Interval(0.8, 0.6, 0.9)
    groups = (
        *(GroupOfPeople("age", f"below {age}", 40, 12, some, 0.311, 0.3) for age in range(30, 150, 10)),
        GroupOfPeople("site", "north", 60, 3, None, 0.06, 0.05),
    )
    content = report_content(replace(confounded, groups=groups), datetime(2026, 5, 4, tzinfo=UTC))
    measures, by_age, by_site = content.tables
    assert (measures.title, by_age.title, by_site.title) == ("Which measures carry it", "By age", "By site")
    assert by_age.columns == ("", "people", "remission yes", "AUC", "predicted", "observed")
    assert by_age.rows[0] == ("below 30", "40", "12", "0.80 [0.60, 0.90]", "31 %", "30 %")
    assert by_site.rows == (("north", "60", "3", "too few", "6 %", "5 %"),)
    _, short, _ = put_into(content, ROOMS[-1]).tables
    assert (len(short.rows), short.rest) == (4, "and 8 other groups")
    told = put_into(content, ROOMS[-1]).remarks[-1]
    assert told.endswith("see cohort.json.")
    page = render_html(content)
    assert "below 30" in page
    assert "By site" in page
