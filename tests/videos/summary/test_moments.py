from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from mien.errors import ConfigError
from mien.videos.summary.api import summarize_course
from mien.videos.summary.course import STEP_S
from mien.videos.summary.moments import (
    ALIKE,
    COVERED,
    HIDDEN,
    LONGEST,
    likeness,
    moments_of,
    score,
    states_of,
    unlike,
    usual_of,
)
from mien.videos.summary.types import parse_length
from videos.summary.made import make_course

CALM = ("neutral", 20.0)


def test_every_state_of_a_second_is_one_and_shorter_ones_are_not() -> None:
    course = make_course([CALM, ("sadness", 3), CALM, ("anger", 0.5), CALM, ("hand", 3), CALM, ("", 2), CALM])
    state, states = states_of(course)
    scores = score(course, usual_of(course))
    assert set(scores.expressed) == {"sadness", COVERED, HIDDEN}
    assert scores.expressed["sadness"] == pytest.approx(3 / course.duration_s, abs=0.005)
    assert states[state[210]] == "sadness"
    assert states[state[-230]] == HIDDEN or states[state[-210]] == HIDDEN


def test_a_face_that_is_gone_at_a_cut_is_not_hidden() -> None:
    course = make_course([("happiness", 5), ("", 3)], [("happiness", 5)])
    assert HIDDEN not in states_of(course)[1]


def test_all_expressed_states_are_in_a_summary_and_what_found_no_room_is_said() -> None:
    events = [("sadness", 4.0), ("happiness", 4.0), ("fear", 4.0), ("hand", 4.0)]
    course = make_course([part for event in events for part in (CALM, event)] + [CALM])
    enough = summarize_course(course, 8.0)
    assert {each.state for each in enough.pieces} >= set(enough.states)
    assert len(enough.states) == 4
    assert enough.missing == ()
    assert enough.length_s <= 8.0 + 1e-6
    short = summarize_course(course, 2.0)
    assert len(short.pieces) == 2
    assert len(short.missing) == 2
    assert "too short to show every expression" in short.notes[0]
    assert all(each in short.notes[0] for each in short.missing)


def test_no_two_of_what_is_chosen_are_alike() -> None:
    course = make_course([CALM, ("happiness", 40), CALM, ("sadness", 8), CALM, ("sadness", 8), CALM])
    scores = score(course, usual_of(course))
    kept = unlike(moments_of(course, scores), len(course))
    pairs = [(a, b) for place, a in enumerate(kept) for b in kept[:place]]
    assert max(likeness(a, b, len(course)) for a, b in pairs) < ALIKE
    summary = summarize_course(course, 60.0)
    smiles = [each for each in summary.pieces if each.state == "happiness"]
    assert sum(each.end_s - each.start_s for each in smiles) < 30


def test_pieces_stay_within_a_shot_and_under_eight_seconds() -> None:
    course = make_course([("happiness", 11), ("sadness", 11)], [("sadness", 11), ("fear", 5)])
    for each in summarize_course(course, 20.0).pieces:
        assert each.end_s - each.start_s <= LONGEST * STEP_S + 1e-6
        assert not each.start_s < 22 < each.end_s


def test_cuts_are_moved_into_pauses_of_the_speech() -> None:
    parts = [CALM, ("sadness", 16), CALM]
    speech = np.ones(round(sum(seconds for _, seconds in parts) / STEP_S), bool)
    speech[::17] = speech[1::17] = False
    course = make_course(parts, voice=speech)
    pieces = summarize_course(course, 6.0).pieces
    assert pieces
    for each in pieces:
        assert not each.cuts_speech
        end = round(each.end_s / STEP_S)
        assert not speech[end - 1 : end + 1].all()
    through = make_course(parts, voice=np.ones_like(speech))
    assert all(each.cuts_speech for each in summarize_course(through, 6.0).pieces)


def test_reasons_say_how_far_from_the_usual_and_for_how_long() -> None:
    course = make_course([CALM, ("sadness", 9), CALM, CALM])
    piece = next(each for each in summarize_course(course, 6.0).pieces if each.state == "sadness")
    usual = usual_of(course)
    inside = slice(round(piece.start_s / STEP_S), round(piece.end_s / STEP_S))
    far = (course.valence[inside].mean() - usual.valence) / usual.valence_sd
    assert piece.reason.startswith(
        f"the only stretch of sadness (13 % of the film); valence {-far:.1f} SD below their own usual, for 9"
    )
    assert " her " not in piece.reason
    # Measured from the sad seconds, the calm ones are what is unusual.
    other = summarize_course(course, 6.0, usual=(20.0, 29.0))
    assert other.usual is not None
    assert other.usual.origin == "seconds 20 to 29"
    assert other.usual.valence < -0.4
    assert not [note for note in other.notes if "usual" in note]


def test_a_usual_without_a_face_is_said_and_not_used() -> None:
    course = make_course([("neutral", 10.0), ("", 5.0), ("sadness", 5.0)])
    summary = summarize_course(course, 4.0, usual=(10.0, 15.0))
    assert summary.usual == usual_of(course)
    assert summary.notes[0] == (
        "in the seconds 10 to 15 no face is seen for a second in all: the whole film counts as usual instead"
    )


def test_the_score_follows_planted_highlights_far_beyond_chance() -> None:
    random = np.random.default_rng(1)
    labels = ["happiness", "sadness", "fear", "surprise", "anger"]
    parts = [part for label in labels for part in (("neutral", float(random.integers(8, 20))), (label, 3.0))]
    course = make_course([*parts, CALM])
    truth = np.concatenate(
        [np.full(round(s / STEP_S), float(label != "neutral")) for label, s in (*parts, CALM)]
    )
    total = summarize_course(course, 15.0).score
    ours = kendalltau(total, truth).statistic, spearmanr(total, truth).statistic
    drawn = [random.random(len(truth)) for _ in range(50)]
    chance = [(kendalltau(each, truth).statistic, spearmanr(each, truth).statistic) for each in drawn]
    spread = np.std(chance, axis=0)
    assert ours[0] > 0.4
    assert (np.array(ours) - np.mean(chance, axis=0) > 10 * spread).all()


def test_attention_counts_where_it_is_given() -> None:
    course = make_course([("neutral", 60)])
    looked = np.zeros(60)
    looked[40:44] = 1
    before = summarize_course(course, 4.0).score[410:430].mean()
    after = summarize_course(course, 4.0, attention=looked)
    assert after.score[410:430].mean() > before + 0.05
    assert any(each.start_s < 44 and each.end_s > 40 for each in after.pieces)
    for wrong in ([], [-1.0], [np.nan]):
        with pytest.raises(ConfigError, match="attention"):
            summarize_course(course, 4.0, attention=wrong)


@pytest.mark.parametrize(
    "parts", [[("neutral", 30)], [("", 5), ("happiness", 0.4)], [("", 5)], [("happiness", 0.1)]]
)
def test_courses_with_little_in_them_are_answered(parts: list[tuple[str, float]]) -> None:
    summary = summarize_course(make_course(parts), 3.0)
    assert summary.states == {}
    assert summary.pieces or summary.notes
    assert np.isfinite(summary.score).all()


def test_without_a_face_there_is_nothing_to_choose_by() -> None:
    summary = summarize_course(make_course([("", 5)]), 3.0)
    assert summary.pieces == ()
    assert "no face in made.mp4: there is nothing to choose by" in summary.notes
    assert repr(summary) == "<Summary of made.mp4: 0 pieces, 0.0 of 5.0 s>"


def test_lengths_are_read_and_what_is_none_is_refused() -> None:
    assert parse_length("60s") == parse_length("1m") == parse_length(60) == (60, False)
    assert parse_length(" 15 % ") == (0.15, True)
    for wrong in ("", "0s", "-5s", "abc", "100%", "nan", "15%%", -3, float("inf")):
        with pytest.raises(ConfigError, match="length: expected"):
            parse_length(wrong)


@pytest.mark.exhaustive
def test_two_hours_are_chosen_from_and_all_states_found() -> None:
    random = np.random.default_rng(2)
    labels = ["happiness", "sadness", "fear", "surprise", "anger", "disgust", "contempt", "hand", ""]
    parts = [
        part
        for _ in range(300)
        for part in (
            ("neutral", float(random.integers(5, 30))),
            (str(random.choice(labels)), float(random.integers(1, 12))),
        )
    ]
    course = make_course(parts)
    summary = summarize_course(course, 0.15 * course.duration_s)
    assert course.duration_s > 5000
    assert summary.missing == ()
    assert len(summary.states) == 9
    assert summary.length_s <= 0.15 * course.duration_s
    assert len(summary.as_dict()["course"]["score"]) <= 2000
