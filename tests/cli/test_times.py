from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mien.analysis.recorded import parse_recorded_at
from mien.cli.times import read_end, read_last_day, read_moment, shown, shown_end
from mien.errors import ConfigError
from mien.web.api import views

NOW = datetime(2026, 5, 3, 23, 30, tzinfo=UTC)  # in Berlin it is the next day


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "hour", "day"),
    [
        ("14:30", 14, 4),
        ("09:05:01", 9, 4),
        ("2026-05-01T14:30", 14, 1),
        ("2026-05-01 14:30", 14, 1),
        ("2026-05-02", 0, 2),
        ("20260502", 0, 2),
    ],
)
def test_without_a_zone_it_is_the_clock_of_this_computer(text: str, hour: int, day: int) -> None:
    at = read_moment("--at", text, NOW)
    assert (at.hour, at.day, at.utcoffset()) == (hour, day, timedelta(hours=2))


def test_with_a_zone_it_is_kept() -> None:
    assert read_moment("--at", "2026-01-01T10:00-03:00", NOW) == datetime(2026, 1, 1, 13, tzinfo=UTC)
    assert read_moment("--at", "2026-01-01T10:00Z", NOW).utcoffset() == timedelta(0)


def test_summer_time_ends() -> None:
    """The day of the change has 25 hours: its end is after all of them."""
    end = read_end("--until", "2026-10-25", NOW)
    assert end == datetime(2026, 10, 26, 0, tzinfo=timezone(timedelta(hours=1)))


def test_the_end_of_a_day_or_a_moment() -> None:
    assert read_end("--until", "2026-05-01", NOW) == datetime(2026, 5, 2, tzinfo=timezone(timedelta(hours=2)))
    assert read_end("--until", "2026-05-01T12:00Z", NOW) == datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "12",
        "0930",
        "2026",
        "202605",
        "25:00",
        "2026-13-01",
        "2026-02-30T10:00",
        "10000-01-01",
        "2026-05-03x14:30",
        "2026-05-03T",
        "20260503T14:30+25",
    ],
)
def test_what_is_no_time(text: str) -> None:
    for read in (read_moment, read_end):
        with pytest.raises(ConfigError, match="--at: expected a time such as 14:30"):
            read("--at", text, NOW)


def test_shown() -> None:
    assert shown(NOW) == "2026-05-04 01:30"


def test_the_last_day_is_shown_as_it_was_typed() -> None:
    for text in ("2026-10-25", "2027-05-01"):
        assert shown_end(read_last_day("--until", text, NOW)) == text
    assert shown_end(read_last_day("--until", "2026-10-25T14:30", NOW)) == "2026-10-25 14:30"


@pytest.mark.parametrize("text", ["2020-01-01", "2026-05-03"])
def test_a_last_day_that_is_past(text: str) -> None:
    with pytest.raises(ConfigError, match=f"^--until: {text} is in the past$"):
        read_last_day("--until", text, NOW)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "2026-03-29T02:30",
            "never occurred.* perhaps 2026-03-29T01:30\\+01:00 or 2026-03-29T03:30\\+02:00",
        ),
        ("2026-10-25T02:30", "occurred twice.* 2026-10-25T02:30\\+02:00 or 2026-10-25T02:30\\+01:00"),
    ],
)
def test_a_time_that_the_clock_skips_or_shows_twice(text: str, told: str) -> None:
    """They were taken for an hour later, and for the first of the two."""
    with pytest.raises(ConfigError, match=f"^--at: .*{told}$"):
        read_moment("--at", text, NOW)
    with pytest.raises(ConfigError, match=r"^recorded at: .*time zone|^recorded at: .*never occurred"):
        parse_recorded_at(text)
    with pytest.raises(ValueError, match=told):
        views.moment(text)
    assert read_moment("--at", f"{text}+01:00", NOW).utcoffset() == timedelta(hours=1)


@pytest.mark.parametrize(("day", "clock"), [(29, "02:30"), (25, "02:30:00")])
def test_a_clock_time_of_such_a_day(day: int, clock: str) -> None:
    month = 3 if day == 29 else 10
    with pytest.raises(ConfigError, match=r"never occurred|occurred twice"):
        read_moment("--at", clock, datetime(2026, month, day, 12, tzinfo=UTC))


@pytest.mark.parametrize("text", ["20260503", "2026-05-03", "2026-05-03T00:00", "2026-05-03t00:00+02:00"])
def test_every_door_takes_the_same(text: str) -> None:
    expected = datetime(2026, 5, 2, 22, tzinfo=UTC)
    assert read_moment("--at", text, NOW) == expected
    assert datetime.fromisoformat(parse_recorded_at(text)) == expected
    assert views.moment(text) == expected


@pytest.mark.parametrize("text", ["2026", "2026-05-03x14:30", "2026-05-03 ", "14:30"])
def test_every_door_refuses_the_same(text: str) -> None:
    with pytest.raises(ConfigError, match="recorded at: expected a time"):
        parse_recorded_at(text)
    with pytest.raises(ValueError, match="expected a time"):
        views.moment(text)
