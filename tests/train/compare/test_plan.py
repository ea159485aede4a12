from __future__ import annotations

import pytest

pytest.importorskip("keras")

from mien.train.compare.plan import CONTESTANTS, QUESTIONS, SEEDS, Contestant

BY_NAME = {each.name: each for each in CONTESTANTS}


@pytest.mark.parametrize("contestant", CONTESTANTS, ids=BY_NAME)
def test_all_learn_the_same_faces_for_as_long_as_they_may(contestant: Contestant) -> None:
    recipe = contestant.recipe_for(8)
    assert (recipe.name, recipe.seed) == (contestant.name, 8)
    assert (recipe.data.split, recipe.data.remove, recipe.data.size_px) == ("official", (), 48)
    assert recipe.data.near_copy == 0.94
    assert recipe.fit.epochs == contestant.epochs
    assert recipe.fit.patience in (None, recipe.fit.epochs)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_a_question_compares_two_that_differ_in_one_thing(question: object) -> None:
    one, other = (BY_NAME[name].recipe_for(7).model_dump() for name in (question.one, question.other))  # type: ignore[attr-defined]
    differ = [
        (part, name)
        for part in one
        if part != "name" and one[part] != other[part]
        for name in one[part]
        if one[part][name] != other[part][name]
    ]
    assert len(differ) == 1


def test_names_and_seeds_are_given_once() -> None:
    assert len(BY_NAME) == len(CONTESTANTS)
    assert len(set(SEEDS)) == 3
