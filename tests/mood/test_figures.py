from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given

from mien.labels import EMOTIONS
from mien.labels import MEASURES as COLUMNS
from mien.mood.episodes import Episode, episodes
from mien.mood.estimate import Estimate
from mien.mood.figures import MEASURES, figures
from mien.mood.series import Series
from mien.mood.simulated_face import changeable_recording, new_face
from mood.readings import HAPPY, any_readings, ar1, readings
from mood.test_expressivity import usual


def some(count: int = 3000, seed: int = 0, hz: float = 10.0) -> Series:
    """Minutes of a lively face, with measures, uncertain rows and rows without the person."""
    rng = np.random.default_rng(seed)
    logits = np.column_stack([ar1(count, 0.98, 100 * seed + k, 2.0) for k in range(len(EMOTIONS))])
    p = np.exp(logits + np.array([2, 1, 0, 0, 0, 0, 0, 0]))
    p /= p.sum(axis=1, keepdims=True)
    steps = rng.uniform(0.5, 1.5, count) / hz
    return readings(
        np.cumsum(steps),
        p,
        seen=rng.random(count) > 0.05,
        uncertain=p.max(axis=1) < 0.4,
        measures=rng.normal(0, 0.01, (count, len(COLUMNS))),
    )


def value(found: dict[str, Estimate | None], name: str) -> float:
    estimate = found[name]
    assert estimate is not None, name
    return estimate.value


@pytest.fixture(scope="module")
def day() -> list[Series]:
    return [some(3000, 1), some(2000, 2)]


@pytest.fixture(scope="module")
def found(day: list[Series]) -> dict[str, Estimate | None]:
    return figures(day)


def test_every_measure_has_a_figure_or_none(found: dict[str, Estimate | None]) -> None:
    assert list(found) == list(MEASURES)
    assert {name for name, each in found.items() if each is None} == {
        "blink_rate",
        "body_arousal",
        "flatness",
        "resting_heart_rate",
        "speaking_share",
    }


def test_means_and_spreads_weigh_by_time(day: list[Series], found: dict[str, Estimate | None]) -> None:
    weight = np.concatenate([part.step_s * part.usable for part in day])
    for name in ("valence", "arousal"):
        values = np.nan_to_num(np.concatenate([getattr(part, name) for part in day]))
        mean = np.average(values, weights=weight)
        assert value(found, f"{name}_mean") == pytest.approx(mean)
        spread = np.sqrt(np.average((values - mean) ** 2, weights=weight))
        assert value(found, f"{name}_sd") == pytest.approx(spread)
    happiness = np.nan_to_num(np.concatenate([part.probabilities[:, HAPPY] for part in day]))
    assert value(found, "happiness_mean") == pytest.approx(np.average(happiness, weights=weight))
    plain = np.nan_to_num(np.concatenate([1 - part.probabilities[:, 0] for part in day]))
    assert value(found, "expressivity") == pytest.approx(np.average(plain, weights=weight))


def test_shares_are_of_the_time_seen(day: list[Series], found: dict[str, Estimate | None]) -> None:
    seen_s = sum(part.step_s[~np.isnan(part.confidence)].sum() for part in day)
    for place, label in enumerate(EMOTIONS):
        shown_s = sum(part.step_s[part.expression == place].sum() for part in day)
        assert value(found, f"share_{label}") == pytest.approx(shown_s / seen_s)
    shares = [value(found, f"share_{label}") for label in (*EMOTIONS, "uncertain")]
    assert sum(shares) == pytest.approx(1)
    assert value(found, "entropy") == pytest.approx(scipy.stats.entropy(shares[:-1], base=2))


def test_rates_and_lengths_are_those_of_the_episodes(
    day: list[Series], found: dict[str, Estimate | None]
) -> None:
    all_of_them = [each for part in day for each in episodes(part)]
    smiles = [each for each in all_of_them if each.kind == "smile"]
    minutes = sum(part.step_s[~np.isnan(part.confidence)].sum() for part in day) / 60
    assert value(found, "episodes_per_min") == pytest.approx(len(all_of_them) / minutes)
    assert value(found, "episode_length_s") == pytest.approx(np.mean([each.length_s for each in all_of_them]))
    assert value(found, "smiles_per_min") == pytest.approx(len(smiles) / minutes)
    assert value(found, "smile_length_s") == pytest.approx(np.mean([each.length_s for each in smiles]))
    assert value(found, "smile_onset_speed") == pytest.approx(
        np.nanmean([each.onset_speed for each in smiles])
    )
    assert figures(day, events=[episodes(part) for part in day]) == found


def test_how_well_the_face_was_seen(found: dict[str, Estimate | None]) -> None:
    expected = {"quality_mean": 0.8, "light_mean": 0.6, "sharpness_mean": 0.7, "face_px": 120}
    assert {name: value(found, name) for name in expected} == pytest.approx(expected)


def test_intervals_hold_their_value_and_have_a_width(found: dict[str, Estimate | None]) -> None:
    for name, each in found.items():
        if each is not None:
            assert each.low is not None
            assert each.high is not None
            assert each.low <= each.value <= each.high, name
            same = {"quality_mean", "light_mean", "sharpness_mean", "face_px"}
            assert (each.high - each.low > 1e-9) == (MEASURES[name].interval and name not in same), name


def test_the_same_readings_give_the_same_figures(
    day: list[Series], found: dict[str, Estimate | None]
) -> None:
    assert figures(day) == found


def test_a_few_minutes_have_figures_but_no_intervals() -> None:
    """They don't know whether the face would have been another one a little later."""
    short, long = figures([some(4400)]), figures([some(4600)])
    for name, measure in MEASURES.items():
        before, after = short[name], long[name]
        assert (before is None) == (after is None), name
        if before is not None and after is not None:
            assert (before.low is None) == (before.high is None) == measure.interval, name
            assert after.low is not None, name


@pytest.mark.parametrize(
    "parts", [[], [Series.empty()], [readings([0.0])], [readings([0.0, 0.1], seen=False)]]
)
def test_nothing_is_none_and_not_0(parts: list[Series]) -> None:
    told = {name for name, each in figures(parts).items() if each is not None}
    assert told <= {"coverage"}


def test_below_the_least_data_there_is_none() -> None:
    twenty_s = figures([some(200)])
    told = {name for name, each in twenty_s.items() if each is not None}
    at_once = {"coverage", "quality_mean", "light_mean", "sharpness_mean", "face_px"}
    assert at_once <= told <= at_once | {"episode_length_s", "smile_length_s", "smile_onset_speed"}
    forty_s = figures([some(400)])
    assert forty_s["valence_mean"] is not None
    assert forty_s["inertia"] is forty_s["dynamic_range"] is forty_s["episodes_per_min"] is None


@given(any_readings())
def test_any_readings_have_figures(series: Series) -> None:
    for each in figures([series, series]).values():
        if each is not None:
            assert np.isfinite(each.value)
            assert each.low is None or each.low <= each.value <= (each.high or np.inf)


def test_an_unwatched_gap_takes_from_coverage_and_from_nothing_else() -> None:
    time_s = np.concatenate([np.arange(0, 60, 0.1), np.arange(120, 180, 0.1)])
    found = figures([readings(time_s, happiness=0.2)])
    assert value(found, "coverage") == pytest.approx(120 / 180, abs=0.001)
    assert value(found, "valence_mean") == pytest.approx(0.02)
    whole = figures([readings(np.arange(0, 60, 0.1)), readings(np.arange(0, 30, 0.1), seen=False)])
    assert value(whole, "coverage") == pytest.approx(2 / 3, abs=0.001)


def test_nothing_is_computed_across_the_gap_between_parts() -> None:
    """Two parts on different levels, each still: no step from one second to the next is seen."""
    time_s = np.arange(0, 100, 0.1)
    parts = [readings(time_s, happiness=level, valence=np.full(1000, level)) for level in (0.1, 0.3)]
    found = figures(parts)
    assert value(found, "instability") == pytest.approx(0, abs=1e-12)
    assert value(found, "dynamic_range") == pytest.approx(0.2)
    assert found["inertia"] is None


@pytest.mark.parametrize("rho", [0.3, 0.9])
def test_known_dynamics_come_back_with_gaps(rho: float) -> None:
    """One reading a second, a tenth missing: MSSD = 2 var (1 - rho)."""
    count, sd = 7200, 0.2
    seen = np.random.default_rng(3).random(count) > 0.1
    found = figures([readings(np.arange(count), valence=ar1(count, rho, 5, sd), seen=seen)])
    assert value(found, "instability") == pytest.approx(2 * sd**2 * (1 - rho), rel=0.1)
    assert value(found, "inertia") == pytest.approx(rho, abs=0.03)
    for name, truth in (("instability", 2 * sd**2 * (1 - rho)), ("inertia", rho), ("valence_sd", sd)):
        each = found[name]
        assert each is not None
        assert each.low is not None
        assert each.high is not None
        assert each.low < truth < each.high, name


@pytest.mark.parametrize(
    ("parts", "length"),
    [
        (20, 30),
        pytest.param(10, 60, marks=pytest.mark.exhaustive),
        pytest.param(1, 600, marks=pytest.mark.exhaustive),
    ],
)
def test_inertia_of_many_short_recordings_comes_back(parts: int, length: int) -> None:
    """Each has its own mean to lose: 20 of half a minute gave 0.73, and held 0.8 in a fifth of the days."""
    found = [
        figures([readings(np.arange(length), valence=part) for part in np.split(series, parts)])["inertia"]
        for series in (
            np.concatenate([ar1(length, 0.8, 1000 * day + part, 0.2) for part in range(parts)])
            for day in range(40)
        )
    ]
    values = [each.value for each in found if each is not None]
    assert np.mean(values) == pytest.approx(0.8, abs=0.015)
    held = [each.low <= 0.8 <= each.high for each in found if each and each.low and each.high]
    assert np.mean(held) >= 0.85


@pytest.mark.parametrize("minutes", [10, pytest.param(30, marks=pytest.mark.exhaustive)])
def test_intervals_hold_where_a_face_is_lively_and_quiet_by_turns(minutes: int) -> None:
    """Every two minutes on average: they held the truth in half of the cases. More: mood_intervals.py."""
    face, runs = new_face(np.random.default_rng(0)), 600 // minutes
    found = []
    for run in range(runs):
        random = np.random.default_rng([minutes, run])
        series = changeable_recording(random, face, length_s=60 * minutes, rate_hz=5)
        found.append(figures([series]))
    for name in ("smiles_per_min", "expressivity"):
        told = [each for each in (figured[name] for figured in found) if each is not None]
        truth = np.mean([each.value for each in told])
        held = [
            each.low <= truth <= each.high for each in told if each.low is not None and each.high is not None
        ]
        assert len(held) == runs
        assert np.mean(held) >= 0.8, name


def test_dynamics_do_not_depend_on_the_frame_rate() -> None:
    quick = ar1(18_000, 0.997, 1, 0.2)
    fast = figures([readings(np.arange(18_000) / 30, valence=quick)])
    slow = figures([readings(np.arange(6_000) / 10, valence=quick[::3])])
    for name in ("instability", "inertia", "valence_sd", "dynamic_range"):
        assert value(slow, name) == pytest.approx(value(fast, name), rel=0.05), name


def test_the_range_and_the_extremes_are_of_the_seconds() -> None:
    rng = np.random.default_rng(0)
    seconds = rng.uniform(0, 0.9, 300)
    found = figures(
        [readings(np.arange(3000) / 10, happiness=np.repeat(seconds, 10), valence=np.repeat(seconds, 10))]
    )
    assert value(found, "happiness_max") == pytest.approx(seconds.max())
    low, high = np.quantile(seconds, [0.05, 0.95])
    assert value(found, "dynamic_range") == pytest.approx(high - low, abs=0.01)


def test_brows_that_come_together_are_lowered() -> None:
    measures = np.zeros((1000, len(COLUMNS)))
    measures[500:520, COLUMNS.index("brow_distance_change")] = -0.015
    found = figures([readings(np.arange(1000) / 10, measures=measures)])
    assert value(found, "brow_lowerer_max") == pytest.approx(0.015)
    assert figures([readings(np.arange(1000) / 10)])["brow_lowerer_max"] is None


def test_no_smile_in_eight_minutes_is_a_rate_of_0_with_an_open_end() -> None:
    """The rule of three, at a twentieth: -ln(0.05) / T."""
    smiles = figures([readings(np.arange(4800) / 10)])["smiles_per_min"]
    assert smiles is not None
    assert (smiles.value, smiles.low, smiles.n) == (0, 0, 0)
    assert smiles.high == pytest.approx(-np.log(0.05) / 8)


def test_slow_readings_have_no_episodes() -> None:
    found = figures([readings(np.arange(600), happiness=0.9)])
    assert found["episodes_per_min"] is None
    assert found["share_happiness"] is not None


def test_speaking_is_told_where_it_was_marked() -> None:
    time_s = np.arange(0, 100, 0.1)
    parts = [readings(time_s)] * 3
    spans = [[(10.0, 30.0), (20.0, 40.0)], [], None]
    found = figures(parts, speaking=spans)
    assert value(found, "speaking_share") == pytest.approx(30 / 200, abs=0.001)
    assert figures(parts)["speaking_share"] is None


def test_expressivity_is_measured_from_the_own_neutral_face() -> None:
    part = readings(np.arange(1000) / 10, happiness=0.3)
    own = np.zeros(len(EMOTIONS))
    own[[0, HAPPY]] = 0.7, 0.3
    baseline = usual(0.30, 0.35, 0.40)
    object.__setattr__(baseline, "neutral", own)
    assert value(figures([part]), "expressivity") == pytest.approx(0.3)
    found = figures([part], baseline=baseline)
    assert value(found, "expressivity") == pytest.approx(0)
    assert value(found, "flatness") == pytest.approx(0.35 / (1.4826 * 0.05))


def test_events_and_speaking_are_for_each_part() -> None:
    episode = Episode("smile", "happiness", 1, 2, 3, 0.9)
    with pytest.raises(ValueError, match="expected events for each of 2 parts, received 1"):
        figures([some(10)] * 2, events=[[episode]])
    with pytest.raises(ValueError, match="expected speaking"):
        figures([some(10)], speaking=[None, None])
