"""States over time, against every possible course, and against the truth they were made from."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mien.errors import ConfigError
from mien.videos.states import Floats, Places, Spell, StateModel, changes, lasting, learned, spells
from needs import package

package("hmmlearn")

LABELS = ("discomfort", "unhappy", "joy", "neutral", "sleep", "pacifier", "covered")


def brute_force(model: StateModel, p: Floats) -> tuple[list[int], Floats]:
    """The best course and each step's chances, of all k to the n courses."""
    k, best, most = len(model.labels), [], -np.inf
    chances = np.zeros((len(p), k))
    for course in itertools.product(range(k), repeat=len(p)):
        chance = model.start[course[0]]
        for step, state in enumerate(course):
            chance *= 1.0 if np.isnan(p[step]).any() else p[step, state]
            chance *= model.transitions[course[step - 1], state] if step else 1.0
        for step, state in enumerate(course):
            chances[step, state] += chance
        if chance > most:
            best, most = list(course), chance
    return best, chances / chances.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_viterbi_and_chances_are_those_of_all_courses(seed: int) -> None:
    random = np.random.default_rng(seed)
    model = StateModel(
        ("a", "b", "c"), random.dirichlet(np.ones(3)), random.dirichlet(np.ones(3), size=3), 0.2
    )
    p = random.dirichlet(np.ones(3), size=6)
    p[random.integers(6)] = np.nan
    best, chances = brute_force(model, p)
    assert model.decode(p).tolist() == best
    np.testing.assert_allclose(model.posterior(p), chances, atol=1e-9)


def made(random: np.random.Generator, steps: int, model: StateModel) -> tuple[Places, Floats]:
    """A course by the model, and what a network says of its frames that is right in about 70 % of them."""
    truth = [0]
    for _ in range(steps - 1):
        truth.append(int(random.choice(len(model.labels), p=model.transitions[truth[-1]])))
    course = np.array(truth)
    logits = random.normal(0, 1, (steps, len(model.labels)))
    logits[np.arange(steps), course] += 1.9
    return course, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_false_changes_fall_by_more_than_half_and_more_is_right() -> None:
    random = np.random.default_rng(3)
    model = lasting(LABELS, mean_s=4, step_s=0.2)
    truth, p = made(random, 3000, model)
    frames, states = p.argmax(axis=1), model.decode(p)
    assert 0.6 < (frames == truth).mean() < 0.8
    assert (states == truth).mean() > 0.9
    real = changes(truth.tolist())
    assert changes(states.tolist()) - real < 0.5 * (changes(frames.tolist()) - real)


def test_transitions_are_learned_from_courses() -> None:
    random = np.random.default_rng(4)
    rows = np.array([[0.9, 0.1, 0.0], [0.0, 0.8, 0.2], [0.3, 0.0, 0.7]])
    model = StateModel(("a", "b", "c"), np.full(3, 1 / 3), rows, 0.2)
    courses = [made(random, 4000, model)[0] for _ in range(2)]
    found = learned(model.labels, courses, step_s=0.2)
    np.testing.assert_allclose(found.transitions, rows, atol=0.03)
    assert (found.transitions > 0).all()


def test_what_is_not_known_is_no_transition() -> None:
    found = learned(("a", "b"), [np.array([0, 0, -1, 1, 1])], step_s=1)
    np.testing.assert_allclose(found.transitions, [[1.5 / 2, 0.5 / 2], [0.5 / 2, 1.5 / 2]])
    with pytest.raises(ConfigError, match="no two labelled frames"):
        learned(("a", "b"), [np.array([0, -1, 1])], step_s=1)


def test_a_face_that_is_away_keeps_its_state() -> None:
    p = np.array([[0.9, 0.1]] * 5 + [[np.nan, np.nan]] * 5 + [[0.9, 0.1]] * 5)
    assert lasting(("a", "b"), mean_s=3, step_s=0.2).decode(p).tolist() == [0] * 15


def test_nothing_gives_nothing() -> None:
    model = lasting(("a", "b"), mean_s=3, step_s=0.2)
    assert model.decode(np.empty((0, 2))).tolist() == []
    assert model.posterior(np.empty((0, 2))).shape == (0, 2)
    assert spells([], np.empty(0), 0.2) == []


@pytest.mark.parametrize("mean_s", [0.2, 0.1, 1e6, np.nan])
def test_states_that_do_not_last_are_refused(mean_s: float) -> None:
    with pytest.raises(ConfigError, match="longer than one step"):
        lasting(("a", "b"), mean_s=mean_s, step_s=0.2)


def test_one_label_is_no_choice() -> None:
    with pytest.raises(ConfigError, match="at least two states"):
        lasting(("a",), mean_s=3, step_s=0.2)


def test_spells_end_where_the_state_does_or_time_jumps() -> None:
    times_s = np.array([0, 1, 2, 3, 4, 9, 10.0])
    found = spells(["a", "a", None, "b", "b", "b", "a"], times_s, 1.0, np.linspace(0, 1, 7))
    assert found == [
        Spell("a", 0, 2, pytest.approx(1 / 12)),
        Spell("b", 3, 5, pytest.approx(7 / 12)),
        Spell("b", 9, 10, pytest.approx(5 / 6)),
        Spell("a", 10, 11, 1.0),
    ]
