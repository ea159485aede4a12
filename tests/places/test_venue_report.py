"""A venue's report and tables: from a simulated restaurant in a store to files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien.errors import ConfigError, MissingError, OutputError, StoreError
from mien.places.simulated_venue import SimulatedVenue, write_simulated_venue
from mien.places.venue_export import private_rows, save_table, table_of
from mien.places.venue_figures import by_day
from mien.places.venue_pictures import draw_week
from mien.places.venue_report import LIMITS, read_report, report_content, save_venue_report
from mien.places.venue_summary import last_day, quantifiers, read_summary
from mien.report.html import render_html
from mien.report.pdf import pages
from mien.store.store import Store
from mien.store.venue_types import Station
from places.made_cells import day_cell


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, SimulatedVenue]]:
    with Store(str(tmp_path_factory.mktemp("venue") / "record.sqlite")) as store:
        yield store, write_simulated_venue(store, "corner", last=date(2026, 6, 28))


def test_the_store_holds_what_was_simulated(filled: tuple[Store, SimulatedVenue]) -> None:
    store, made = filled
    (station,) = store.venues.stations("corner")
    assert station.simulated
    assert not station.enabled
    assert station.notice_at is not None
    assert (made.first, made.last) == (date(2026, 5, 4), date(2026, 6, 28))
    assert len(store.venues.cells("corner")) == len(made.cells)
    assert [each.text for each in store.venues.marks("corner")] == ["new menu", "music off"]
    with pytest.raises(StoreError, match="there is a venue corner already"):
        write_simulated_venue(store, "corner")


def test_the_summary_reads_what_it_needs(filled: tuple[Store, SimulatedVenue]) -> None:
    store, made = filled
    assert last_day(store, "corner") == made.last
    whole = read_summary(store, "corner")
    assert (whole.first, whole.last) == (made.first, made.last)
    assert whole.whole is not None
    assert whole.whole.shares
    assert [bool(each.effects) for each in whole.marks] == [True, True]
    day = read_summary(store, "corner", first=made.last, last=made.last)
    assert day.usual
    assert day.marks == ()
    assert read_summary(store, "corner", station="till").whole == whole.whole
    with pytest.raises(MissingError):
        read_summary(store, "nowhere")
    with pytest.raises(MissingError):
        read_summary(store, "corner", station="door")
    with pytest.raises(ConfigError, match="the days end before they begin"):
        read_summary(store, "corner", first=made.last, last=made.first)


def test_a_venue_without_visits_says_so(tmp_path: Path) -> None:
    with Store(str(tmp_path / "record.sqlite")) as store:
        store.venues.add(Station("cafe", "till", "camera:0"))
        content = read_report(store, "cafe")
        assert content.picture is None
        assert content.facts[0].value == "none"
        assert save_venue_report(store, "cafe", tmp_path / "empty.pdf").stat().st_size > 1000
        assert len(table_of(store, "cafe", first=date(2026, 5, 4), last=date(2026, 5, 10))) == 0


def test_networks_that_can_count_are_known_by_what_cells_say(filled: tuple[Store, SimulatedVenue]) -> None:
    _, made = filled
    assert {each.network for each in made.cells} <= quantifiers().keys()


@pytest.mark.exhaustive
@pytest.mark.parametrize("span", ["day", "week"])
def test_a_report_puts_coverage_first_and_its_limits_last(
    filled: tuple[Store, SimulatedVenue], tmp_path: Path, span: str
) -> None:
    store, _made = filled
    content = read_report(store, "corner", span=span)  # type: ignore[arg-type]
    assert content.simulated.startswith("Simulated venue")
    assert "usable view" in content.facts[0].words
    assert content.limits == LIMITS
    assert any("new menu" in line for line in content.changes)
    assert content.title == "Visits to corner"
    page = render_html(content)
    assert "Answers at the kiosk" in page
    assert "What was changed" in page
    assert "Self-reports" not in page
    assert not any(word in page.lower() for word in ("feels", "diagnos", "employee", "shift"))
    pdf = save_venue_report(store, "corner", tmp_path / "report.pdf", span=span)  # type: ignore[arg-type]
    assert pages(pdf.read_bytes()) == 2
    html = save_venue_report(store, "corner", tmp_path / "report.html", span=span)  # type: ignore[arg-type]
    assert "<svg" in html.read_text(encoding="utf-8")


def test_a_day_with_little_view_is_told_before_anything_else(filled: tuple[Store, SimulatedVenue]) -> None:
    store, _ = filled
    content = read_report(store, "corner", last=date(2026, 6, 21))
    assert "Saturday, 20 June 2026, there was a usable view for only 6" in " ".join(content.remarks)
    assert "6 of 7 days have figures" in content.remarks[0]


def test_names_and_marks_stand_as_text(filled: tuple[Store, SimulatedVenue]) -> None:
    store, made = filled
    summary = read_summary(store, "corner", first=made.last, last=made.last, station="till")
    content = report_content(summary, datetime(2026, 7, 1, 9).astimezone())
    assert content.code == "corner, till"
    assert content.simulated == ""
    assert draw_week(()) is None


def test_other_endings_are_refused(filled: tuple[Store, SimulatedVenue], tmp_path: Path) -> None:
    store, _ = filled
    with pytest.raises(OutputError, match=r"expected a name in .pdf or .html"):
        save_venue_report(store, "corner", tmp_path / "report.docx")
    with pytest.raises(OutputError, match=r"expected a name in .csv or .parquet"):
        save_table(pd.DataFrame(), tmp_path / "table.xlsx")


@pytest.mark.exhaustive
def test_tables_add_up_to_the_cells(filled: tuple[Store, SimulatedVenue], tmp_path: Path) -> None:
    store, made = filled
    visits = sum(each.visits for each in made.cells)
    tables = {
        by: table_of(store, "corner", first=made.first, last=made.last, by=by)
        for by in ("hour", "day", "week")
    }  # type: ignore[arg-type]
    assert all(table["visits"].sum() == visits for table in tables.values())
    assert (tables["hour"]["visits"] >= 10).all()
    assert ((tables["hour"]["until_hour"] - tables["hour"]["hour"]) >= 1).all()
    assert len(tables["day"]) == 48
    assert tables["week"]["week"].tolist() == [f"{made.first + timedelta(weeks=n)}" for n in range(8)]
    labels = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
    assert tables["week"][labels].sum(axis=1).to_numpy() == pytest.approx(np.ones(8), abs=0.001)
    answers = [
        name for name in tables["week"] if str(name).startswith("answers_") and "mean" not in str(name)
    ]
    assert tables["week"][answers].sum().sum() == sum(sum(each.counts) for each in made.answers)
    for name in ("table.csv", "table.parquet"):
        save_table(tables["day"], tmp_path / name)
    read = pd.read_csv(tmp_path / "table.csv", keep_default_na=False, na_values=[""])
    assert read["visits"].tolist() == pd.read_parquet(tmp_path / "table.parquet")["visits"].tolist()
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file))[:3] == ["venue", "station", "day"]
    with pytest.raises(ConfigError, match="expected hour, day or week"):
        table_of(store, "corner", first=made.first, last=made.last, by="shift")  # type: ignore[arg-type]


def test_privacy_is_refused_where_it_can_t_be_kept(filled: tuple[Store, SimulatedVenue]) -> None:
    store, made = filled
    with pytest.raises(ConfigError, match="expected a table by day or week"):
        table_of(store, "corner", first=made.first, last=made.last, by="hour", epsilon=1.0)
    with pytest.raises(ConfigError, match="epsilon: expected"):
        table_of(store, "corner", first=made.first, last=made.last, epsilon=0.0)


def test_private_rows_have_noise_of_the_promised_size_on_each_day() -> None:
    pytest.importorskip("opendp")
    days = [date(2026, 5, 4) + timedelta(n) for n in range(600)]
    cells = [day_cell(number, visits=300, smiles=90, valence=0.2) for number in range(0, 600, 2)]
    rows = private_rows(days, cells, 1.5, least=10)
    assert len(rows) == 600  # also days on which nothing was counted
    assert {each["epsilon"] for each in rows} == {1.5}
    off = np.array([each["visits"] - 300 * (place % 2 == 0) for place, each in enumerate(rows)])
    # Laplace noise of scale k / (epsilon / 3) has a standard deviation of 2 ** 0.5 times that.
    assert off.std() == pytest.approx(20 * 2**0.5, rel=0.15)
    assert abs(off.mean()) < 4
    assert all(each["smiling"] is None or 0 <= each["smiling"] <= 1 for each in rows)
    weeks = private_rows(days[:14], cells, 1.5, by="week", least=10)
    assert [each["week"] for each in weeks] == ["2026-05-04", "2026-05-11"]
    assert len(by_day(cells)) == 300
