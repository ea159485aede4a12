"""Reasons in words, and that all of them stand on the storyboard."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.videos.summary.api import summarize_course
from mien.videos.summary.moments import Option
from mien.videos.summary.pages import _CELL_PX, _MARGIN_PX, page, storyboard
from mien.videos.summary.types import Piece, Summary
from mien.videos.summary.words import _around, seconds
from videos.summary.made import make_course

REASON = " ".join(f"reason{number}" for number in range(60))
RED, BLUE = (200, 10, 10), (10, 10, 200)


def board(*reasons: str, source: str = "film.mp4") -> NDArray[np.uint8]:
    """Draw a storyboard with red pictures, the last one blue."""
    pieces = tuple(
        Piece(3.0 * place, 3.0 * place + 2, 2.0 * place, 3.0 * place + 1, "sadness", reason, 0.5, False)
        for place, reason in enumerate(reasons)
    )
    colours = [*[RED] * (len(reasons) - 1), BLUE]
    pictures = tuple(np.full((90, 160, 3), colour, np.uint8) for colour in colours)
    return np.asarray(storyboard(Summary(source, 60.0, 20.0, pieces, pictures=pictures)))


def test_the_last_word_of_a_long_reason_is_on_the_storyboard() -> None:
    one, other = board(REASON, "short"), board(REASON[:-2] + "98", "short")
    assert one.shape == other.shape
    rows, columns = np.nonzero((one != other).any(axis=2))
    assert len(rows)
    assert columns.max() < _MARGIN_PX + _CELL_PX
    assert rows.max() < len(one) - _MARGIN_PX


def test_nothing_is_drawn_over_the_pictures_below_or_beyond_the_margin() -> None:
    picture = board(*[REASON] * 5)
    assert (picture == BLUE).all(axis=2).sum() == _CELL_PX * round(_CELL_PX * 90 / 160)
    assert (picture[:, -_MARGIN_PX:] == 255).all()
    assert (board("x", source="long" * 60)[:, -_MARGIN_PX:] == 255).all()


def test_a_number_and_its_unit_stay_on_one_line_of_the_page() -> None:
    piece = Piece(
        0, 2, 0, 1, "fear", "fear (5 % of the film); valence 6.9 SD off, for 9.5 s; 3 seconds", 0.5, False
    )
    said = page(Summary("film.mp4", 60.0, 20.0, (piece,)), None, None)  # type: ignore[arg-type]
    assert r"fear (5\u00a0% of the film); valence 6.9\u00a0SD off, for 9.5\u00a0s; 3 seconds" in said


@pytest.mark.parametrize(
    ("length_s", "told"),
    [(0.94, "0.9 s"), (9, "9 s"), (59.7, "1 min"), (125, "2 min 5 s"), (3600, "1 h"), (3905, "1 h 5 min")],
)
def test_lengths_read_as_people_say_them(length_s: float, told: str) -> None:
    assert seconds(length_s) == told


def test_a_rare_expression_is_under_one_percent_and_not_none() -> None:
    course = make_course([("neutral", 400.0), ("fear", 1.5), ("neutral", 5.0)])
    [fear] = [each for each in summarize_course(course, 8.0).pieces if each.state == "fear"]
    assert fear.reason.startswith("the only stretch of fear (under 1 % of the film); valence ")


def test_the_time_away_from_the_usual_is_the_longest_at_once_in_the_shot() -> None:
    course = make_course([("sadness", 6.0)], [("sadness", 4.0)])
    beyond = np.zeros(100, bool)
    for low, high in ((5, 12), (16, 20), (30, 33), (55, 70)):
        beyond[low:high] = True
    for (start, end), tenths in {
        (6, 19): 15,  # four tenths back are no end
        (18, 40): 15,  # what began before the piece counts, too
        (25, 40): 3,  # a piece of which only a part is beyond
        (50, 58): 5,  # not on into the next shot
        (40, 50): 0,
    }.items():
        assert _around(beyond, Option(start, end, 0.0), course) == tenths


def test_a_calm_piece_says_that_it_is_the_best_left() -> None:
    course = make_course([("neutral", 30.0)])
    reasons = {each.reason for each in summarize_course(course, 9.0).pieces}
    assert reasons == {"neutral (100 % of the film); the best of what was left to choose from"}
