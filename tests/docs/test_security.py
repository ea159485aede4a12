"""docs/security.md says which test shows what: those tests are there, and the table is whole."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")

LEVELS_1_AND_2 = 253
"""Requirements of levels 1 and 2 in ASVS 5.0.0: 70 and 183."""
WHOLE_CHAPTERS = {"V9": 7, "V10": 29, "V17": 7}
"""Of them in the chapters that do not apply as a whole."""


def table() -> list[list[str]]:
    rows = re.findall(r"^\| (\d+\.\d+\.\d+) \| (.+) \|$", PAGE, re.MULTILINE)
    return [[number, *map(str.strip, rest.split(" | "))] for number, rest in rows]


@cache
def functions(path: Path) -> set[str]:
    """Return the names of the functions in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_is_there() -> None:
    named = [each for row in table() for each in re.findall(r"`([^`]+)`", row[4])]
    assert len(named) > 150
    for each in named:
        file, _, name = each.partition("::")
        assert (TESTS / file).is_file(), each
        assert not name or name in functions(TESTS / file), each


def test_what_is_met_is_shown_and_what_is_not_says_so() -> None:
    rows = table()
    numbers = [tuple(map(int, row[0].split("."))) for row in rows]
    assert numbers == sorted(set(numbers))
    counted = Counter(row[2] for row in rows)
    assert set(counted) == {"met", "partly", "not met"}
    said = re.search(r"Of (\d+) requirements (\d+) are met, (\d+) partly, (\d+) not", PAGE)
    assert said
    assert list(map(int, said.groups())) == [len(rows), counted["met"], counted["partly"], counted["not met"]]


def test_no_requirement_of_the_two_levels_is_left_out() -> None:
    (rest,) = re.findall(r"^Mien has nothing that the following could apply to: (.+)$", PAGE, re.MULTILINE)
    left_out: set[str] = set()
    for first, last in re.findall(r"(\d+\.\d+\.\d+)(?: to (\d+\.\d+\.\d+))?", rest):
        section, _, begin = first.rpartition(".")
        end = last.rpartition(".")[2] or begin
        left_out |= {f"{section}.{each}" for each in range(int(begin), int(end) + 1)}
    assert all(chapter in rest for chapter in WHOLE_CHAPTERS)
    listed = {row[0] for row in table() if "(level 3)" not in row[1]}
    assert not listed & left_out
    assert len(listed) + len(left_out) + sum(WHOLE_CHAPTERS.values()) == LEVELS_1_AND_2
