"""Figures that pages state: kept as JSON, written from there, and those of the network that is shipped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mien.errors import ConfigError
from mien.expression.network import find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.train.published import (
    BENCHMARKS,
    CARDS,
    COMPARISON,
    FIGURES,
    HEADLINES,
    OTHERS,
    README,
    benchmarks_table,
    calibration_sha256,
    cost,
    groups_section,
    page_with,
    publish,
    with_groups,
)

ROOT = Path(__file__).parents[2]


def figure(name: str, value: float | None, prior: str | None = "balanced", **changes: Any) -> dict[str, Any]:
    interval = None if value is None else [value - 0.01, value + 0.01]
    facts = {"data": "crops", "prior": prior, "name": name, "value": value, "interval_95": interval}
    return {**facts, "faces": 3579, "unit": "share", **changes}


def group(name: str, value: float | None, p: float, **changes: Any) -> dict[str, Any]:
    facts = {
        "prior": "balanced", "figure": "recall, happiness (label)", "column": "sex", "group": name,
        "faces": 26, "people": 26, "value": value, "interval_95": [0.5, 0.9], "difference": 0.25, "p": p,
        "p_holm": p, "small": True,
    }  # fmt: skip
    return {**facts, **changes}


def found(*figures: dict[str, Any], groups: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {
        "network": "mien", "sha256": "0" * 64, "command": "mien evaluate mien x --readme",
        "milliseconds": 0.836, "megabytes": 2.504, "figures": list(figures),
        "groups": groups or [group("female", 0.77, 0.01), group("male", 0.52, 0.01)],
        "networks": [["mien", "as is"]],
    }  # fmt: skip


KL = "KL from the votes (p_*)"
RIGHT = "right, 7 classes (label)"


def test_a_row_says_what_is_reached() -> None:
    told = benchmarks_table(
        found(
            figure(RIGHT, 0.65),
            figure(RIGHT, 0.662, "photographs"),
            figure(RIGHT, 0.7254, "fer2013"),
            figure(KL, 0.25, "photographs", unit="nats"),
            figure("mean recall, all label sets (label)", 0.70),
            figure("landmarks, median error", 0.0276, None),
        )
    )
    head, _, *rows = told.splitlines()
    assert head.split(" | ")[1:3] == ["`balanced`", "`photographs`"]
    assert [row.strip("| ").split(" | ")[1:] for row in rows] == [
        ["65.0 %", "66.2 %", "**72.5 %** (71.5 to 73.5)", "72.0 %", "74.0 %, not yet"],
        ["**70.0 %** (69.0 to 71.0)", "", "", "72.0 %, not yet", "78.0 %, not yet"],
        ["", "**0.250** (0.240 to 0.260)", "", "0.270", "0.220, not yet"],
        ["**2.8 %** (1.8 to 3.8)", "", "", "2.8 %", "2.5 %, not yet"],
    ]
    assert [row[2:10] for row in rows] == ["FER-2013", "mean rec", "divergen", "landmark"]


def test_what_could_not_be_measured_is_empty() -> None:
    row = benchmarks_table(found(figure(RIGHT, None, "fer2013"))).splitlines()[2]
    assert row == "| FER-2013, 7 classes, 3,579 faces |  |  |  |  |  |"


def test_figures_stand_between_their_marks() -> None:
    page = (
        "# Benchmarks\n<!-- figures: cost -->old<!-- end -->, no card\n"
        "<!-- figures: table -->\nold\n\n| old |\n<!-- end -->\n"
        "| <!-- figures: milliseconds -->1 ms<!-- end --> |\n"
    )
    given = found(figure(RIGHT, 0.7254, "fer2013"))
    new = page_with(page, BENCHMARKS, given)
    assert "old" not in new
    assert new.startswith(
        "# Benchmarks\n<!-- figures: cost -->2.5 MB, 0.8 ms a face on one core<!-- end -->, no card\n"
    )
    assert f"<!-- figures: table -->\n{benchmarks_table(given)}\n<!-- end -->" in new
    assert new.endswith("| <!-- figures: milliseconds -->0.84 ms<!-- end --> |\n")
    assert page_with(new, BENCHMARKS, given) == new


def test_the_readmes_figures_stand_in_their_sentences() -> None:
    page = "".join(
        f"{name}: <!-- figures: {name} -->old<!-- end -->.\n" for name in ("cost", *HEADLINES, *OTHERS)
    )
    zhou = ["zhou", "as is", "65.5 %", *["x"] * 10, "0.13", "0.32", "70"]
    given = found(
        figure("right, the paper's 5 classes (p_*)", 0.753, "fer2013"),
        figure("recall, happiness (label)", 0.569, data="people"),
        figure("recall, happiness (label)", 1.0, data="own"),
        figure("recall, happiness (label)", 0.1, "photographs", data="own"),
    ) | {"networks": [zhou]}
    told = re.sub(r"<!--.*?-->", "", page_with(page, README, given)).splitlines()
    assert told == [
        "cost: 2.5 MB, 0.8 ms a face on one core.", "five: 75.3 %.", "seven: -.", "smiles: 56.9 %.",
        "own_smiles: 100.0 %.", "zhou: 65.5 %.", "paper_cost: -.", "zhou_cost: 0.13 MB, 0.32 ms.",
    ]  # fmt: skip


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"docs/networks\.md: expected <!-- figures: networks -->"):
        page_with("# Networks\n", COMPARISON, found())


def test_groups_are_told_with_interval_test_and_what_differs() -> None:
    rows = [group("female", 0.77, 0.01), group("male", 0.52, 0.3, difference=-0.2), group("x", None, 1.0)]
    told = groups_section(rows, "mien evaluate mien london --by sex")
    assert "| sex: female | 26 | 77.0 % (50 to 90), p 0.010 |" in told
    assert "| sex: x | 26 | - |" in told
    assert "recall, happiness, sex female: +25.0 points from the others (p 0.010)" in told
    assert "    mien evaluate mien london --by sex" in told
    two = groups_section([rows[0], group("male", 0.52, 0.01, difference=-0.25)], "x")
    assert (two.count("points from the others"), "sex male: -25" in two) == (1, False)
    assert "No difference with p below 0.05" in groups_section([group("female", 0.77, 0.2)], "x")


def test_a_cards_section_is_replaced_and_the_rest_stays() -> None:
    first = with_groups(
        "# Card\n\n## Figures\n\nx\n\n## Meant for\n\nall\n", groups_section([group("a", 1, 1)], "one")
    )
    assert first.index("## Figures") < first.index("## Groups of people") < first.index("## Meant for")
    second = with_groups(first, groups_section([group("b", 1, 1)], "two"))
    assert (second.count("## Groups of people"), "    one" in second, "    two" in second) == (1, False, True)
    assert second.endswith("## Meant for\n\nall\n")
    assert with_groups("# Card\n", "## Groups of people\n\ny\n") == "# Card\n\n## Groups of people\n\ny\n"
    assert with_groups("# Card\n\n## Groups of people\n\nz\n", "## Groups of people\n\ny\n").endswith(
        "people\n\ny\n"
    )


def test_nothing_is_written_where_no_repository_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="root"):
        publish(found(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_all_pages_are_written(tmp_path: Path) -> None:
    for page in (README, BENCHMARKS, COMPARISON, CARDS / "mien.md"):
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / page).write_text((ROOT / page).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / FIGURES).mkdir()
    given = found(figure(RIGHT, 0.9, "fer2013"))
    written = publish(given, tmp_path)
    assert written == [
        tmp_path / page for page in (FIGURES / "mien.json", README, BENCHMARKS, COMPARISON, CARDS / "mien.md")
    ]
    assert json.loads(written[0].read_text()) == given
    assert "<!-- figures: seven -->90.0 %<!-- end -->" in written[1].read_text(encoding="utf-8")
    assert "**90.0 %**" in written[2].read_text(encoding="utf-8")
    assert "| mien | as is |\n<!-- end -->" in written[3].read_text(encoding="utf-8")
    assert "| sex: female | 26 |" in written[4].read_text(encoding="utf-8")


class TestWhatIsShipped:
    """Whoever ships another network, or decides otherwise, measures anew: docs/training.md says how."""

    @pytest.fixture
    def kept(self) -> dict[str, Any]:
        return json.loads((ROOT / FIGURES / "mien.json").read_text())  # type: ignore[no-any-return]

    def test_the_figures_are_those_of_the_network_that_is_shipped(self, kept: dict[str, Any]) -> None:
        sidecar = read_sidecar(sidecar_path(find_network("mien")))
        measure_anew = f"measure it anew: {kept['command']}"
        assert kept["sha256"] == sidecar.sha256, measure_anew
        assert kept["calibration_sha256"] == calibration_sha256(sidecar), measure_anew

    @pytest.mark.parametrize("page", [README, BENCHMARKS, COMPARISON, CARDS / "mien.md"], ids=str)
    def test_the_pages_state_these_figures(self, kept: dict[str, Any], page: Path) -> None:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert page_with(text, page, kept) == text

    def test_every_row_of_the_benchmarks_was_measured(self, kept: dict[str, Any]) -> None:
        rows = benchmarks_table(kept).splitlines()[2:]
        assert len(rows) == 20
        assert all("**" in row for row in rows)
        assert cost(kept).startswith(f"{find_network('mien').stat().st_size / 1e6:.1f} MB")

    def test_the_readme_is_short(self) -> None:
        assert len((ROOT / README).read_bytes()) <= 6 * 1024
