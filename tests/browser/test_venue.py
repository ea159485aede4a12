"""A venue's pages in a real browser: the figures, and a station set up with mouse, finger and keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from browser.chromium import Page
from mien.places.simulated_venue import SimulatedVenue
from mien.store.store import Store
from mien.store.venue_types import Station
from mien.web.app import build_app
from mien.web.security.access import Records
from mien.web.serve import Server
from web.backend import FakeLiveSession, settings
from web.venues import CAFE, MADE, TILL, FakeRunning, fill

SETUP = f"venue/{CAFE}/{TILL}/setup"

DRAWN = """
return document.querySelector('.lanes .line') && document.querySelector('.hours .dot')
  && document.querySelector('.week td[title]') && document.querySelector('[data-part=marks] li');
"""

CORNERS = """
const numbers = (text) => text.split(',').map(Number);
return [...document.querySelectorAll('.zone-area')].map((zone) =>
  zone.getAttribute('points').split(' ').map(numbers));
"""


class Venue:
    """The pages, and what stands behind them."""

    def __init__(self, page: Page, store: Store, made: SimulatedVenue, running: FakeRunning) -> None:
        self.page, self.store, self.made, self.running = page, store, made, running

    def open(self) -> Page:
        """Open the simulated restaurant, and wait until all is drawn."""
        self.page.browser.get(f"{self.page.address}venue?venue={MADE}")
        self.page.until(DRAWN)
        return self.page

    def set_up(self) -> Page:
        """Open the page on which the till is set up, with a picture."""
        self.page.browser.get(f"{self.page.address}{SETUP}")
        self.page.until("return !document.querySelector('[data-part=picture]').hidden")
        return self.page

    @property
    def till(self) -> Station:
        return self.store.venues.station(CAFE, TILL)


@pytest.fixture(scope="module")
def behind(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Store, SimulatedVenue, FakeRunning, str]]:
    running, live_session, chosen = FakeRunning(), FakeLiveSession(), settings(port=0)
    with Store(tmp_path_factory.mktemp("venue") / "record.sqlite", who="tests") as store:
        made = fill(store)
        app = build_app(
            live_session,  # type: ignore[arg-type]
            chosen,
            records=Records(lambda: store),
            running=running,  # type: ignore[arg-type]
        )
        with Server(app, chosen) as server:
            yield store, made, running, server.start()
    live_session.close()


@pytest.fixture
def venue(blank: Chrome, behind: tuple[Store, SimulatedVenue, FakeRunning, str]) -> Iterator[Venue]:
    store, made, running, address = behind
    store.venues.change(Station(CAFE, TILL, "camera:0"))
    store.venues.confirm_notice(CAFE, TILL, None)
    running.away = False
    page = Page(blank, address)
    yield Venue(page, store, made, running)
    page.run("window.onbeforeunload = null")
    assert [line for line in page.complaints() if "422" not in line] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(venue: Venue, theme: str) -> None:
    venue.page.theme(theme)
    for page in (venue.open(), venue.set_up()):
        page.run("for (const each of document.querySelectorAll('details')) each.open = true")
        page.run("document.querySelector('[data-part=add-zone], [data-part=later]').click()")
        page.run("document.querySelector('[data-part=add-hours], [data-part=later]').click()")
        assert page.faults() == []


def test_a_phone_scrolls_up_and_down_only(venue: Venue) -> None:
    venue.page.phone()
    for page in (venue.open(), venue.set_up()):
        page.run("for (const each of document.querySelectorAll('details')) each.open = true")
        page.run("document.querySelector('[data-part=add-zone], [data-part=later]').click()")
        page.run("document.querySelector('[data-part=add-hours], [data-part=later]').click()")
        assert page.too_wide() == []
        header = page.run("return document.querySelector('.mien-header').getBoundingClientRect().height")
        assert header < 80, "all views in one row"


def test_the_last_day_stands_there_at_once_coverage_first(venue: Venue) -> None:
    page, last = venue.open(), venue.made.last
    assert f"{last.day} {last:%B %Y}" in page.text("day-title")
    assert page.text("coverage").startswith("Coverage ")
    tiles = page.text("tiles")
    today = [each for each in venue.made.cells if each.start.astimezone().date() == last]
    assert str(sum(each.visits for each in today)) in tiles
    assert "With a smile" in tiles
    assert "usual" in tiles
    assert page.part("simulated").is_displayed()
    assert page.run("return document.querySelectorAll('[data-part=mix] .bar').length") == 7
    assert page.run("return document.querySelectorAll('[data-part=touched], .touched .bar').length") >= 5
    assert "90 % interval" in page.text("marks") or "not known yet" in page.text("marks")


def test_other_days_are_reached_by_button_and_key_and_by_address(venue: Venue) -> None:
    page, last = venue.open(), venue.made.last
    days = sorted({each.start.astimezone().date() for each in venue.made.cells})
    page.press("earlier")
    page.until_text("day-title", f"{days[-2].day} {days[-2]:%B %Y}")
    page.part("lanes").send_keys(Keys.HOME)
    page.until_text("day-title", f"{days[0].day} {days[0]:%B %Y}")
    assert f"day={days[0]}" in page.run("return location.search")
    page.browser.refresh()
    page.until(DRAWN)
    page.until_text("day-title", f"{days[0].day} {days[0]:%B %Y}")
    assert not page.part("earlier").is_enabled()
    page.press("latest")
    page.until_text("day-title", f"{last.day} {last:%B %Y}")


def test_the_usual_week_shows_what_is_chosen(venue: Venue) -> None:
    page = venue.open()
    smiling = page.text("week")
    Select(page.part("week-measure")).select_by_value("visits")
    assert page.text("week") != smiling
    assert "Visits an hour" in page.text("week-words")
    cells = page.run("return document.querySelectorAll('.week tbody tr')[0].querySelectorAll('td').length")
    assert cells == 7


def test_a_change_is_noted_and_taken_away(venue: Venue) -> None:
    page = venue.open()
    page.press("marking", "summary")
    page.part("mark-form").find_element(By.NAME, "text").send_keys("tables moved", Keys.ENTER)
    # It is of today, behind the last day with figures.
    page.until_text("marks", "tables moved")
    assert "tables moved" in [each.text for each in venue.store.venues.marks(MADE)]
    page.press("marks", '[aria-label="Remove the change tables moved"]')
    page.until("return !document.querySelector('[data-part=marks]').textContent.includes('tables moved')")
    assert "tables moved" not in [each.text for each in venue.store.venues.marks(MADE)]


def test_a_station_is_turned_off_at_once_from_the_page(venue: Venue) -> None:
    venue.store.venues.confirm_notice(CAFE, TILL, venue.store.now())
    page = venue.page
    page.browser.get(f"{page.address}venue?venue={CAFE}")
    page.until_text("stations", "It counts.")
    before = venue.running.refreshed
    page.press("stations", f'[data-station="{TILL}"]')
    page.until_text("stations", "nothing is read")
    assert not venue.till.enabled
    assert venue.running.refreshed == before + 1


def test_a_zone_is_drawn_with_the_mouse_and_saved(venue: Venue) -> None:
    page = venue.set_up()
    stage = page.part("zones")
    page.run("arguments[0].scrollIntoView({block: 'center'})", stage)
    width, height = stage.rect["width"], stage.rect["height"]
    drag = ActionChains(page.browser, duration=50)
    drag.move_to_element_with_offset(stage, round(-0.3 * width), round(-0.3 * height)).click_and_hold()
    drag.move_by_offset(round(0.2 * width), round(0.2 * height))
    drag.move_by_offset(round(0.2 * width), round(0.3 * height)).release().perform()
    assert page.text("zones-said") == "Not saved yet."
    assert "Can staff be seen?" in page.text("zones-warning")
    page.press("save-zones")
    page.until_text("zones-said", "Saved")
    (zone,) = venue.till.zones
    assert zone.use == "count"
    expected = [(0.2, 0.2), (0.6, 0.2), (0.6, 0.7), (0.2, 0.7)]
    assert zone.corners == pytest.approx([pytest.approx(each, abs=0.02) for each in expected])


def test_a_zone_is_drawn_with_a_finger(venue: Venue) -> None:
    venue.page.phone()
    page = venue.set_up()
    page.run("document.querySelector('input[value=ignore]').click()")
    stage = page.part("zones")
    page.run("arguments[0].scrollIntoView({block: 'center'})", stage)
    box = page.run(
        "const {x, y, width, height} = arguments[0].getBoundingClientRect(); return [x, y, width, height]",
        stage,
    )
    at = [round(box[0] + share * box[2]) for share in (0.2, 0.5, 0.8)]
    down = [round(box[1] + share * box[3]) for share in (0.2, 0.5, 0.8)]
    scrolled = page.run("return scrollY")
    touch = ActionBuilder(page.browser, mouse=PointerInput("touch", "finger"), duration=50)
    touch.pointer_action.move_to_location(at[0], down[0])
    touch.pointer_action.pointer_down()
    touch.pointer_action.move_to_location(at[1], down[1])
    touch.pointer_action.move_to_location(at[2], down[2])
    touch.pointer_action.pointer_up()
    touch.perform()
    assert page.run("return scrollY") == scrolled, "the picture is drawn on, not scrolled"
    page.press("save-zones")
    page.until_text("zones-said", "Saved")
    (zone,) = venue.till.zones
    assert zone.use == "ignore"
    assert zone.area == pytest.approx(0.36, abs=0.04)


def test_a_zone_is_drawn_moved_and_removed_with_keys_alone(venue: Venue) -> None:
    page = venue.set_up()
    page.part("add-zone").send_keys(Keys.ENTER)
    (before,) = page.run(CORNERS)
    keys = ActionChains(page.browser)
    keys.send_keys(Keys.ARROW_RIGHT).key_down(Keys.SHIFT).send_keys(Keys.ARROW_DOWN).key_up(Keys.SHIFT)
    keys.send_keys(Keys.TAB, Keys.ARROW_LEFT).perform()
    (after,) = page.run(CORNERS)
    moved = [[x + 10, y + 50] for x, y in before]
    moved[0][0] -= 10  # the first corner by itself
    assert after == moved
    ActionChains(page.browser).send_keys(Keys.DELETE).perform()
    assert len(page.run(CORNERS)[0]) == 3
    ActionChains(page.browser).send_keys(Keys.DELETE).perform()
    assert page.run(CORNERS) == []
    assert "all of the picture counts" in page.text("no-zones")


def test_hours_are_set_and_wrong_ones_are_said(venue: Venue) -> None:
    page = venue.set_up()
    page.press("add-hours")
    row = page.browser.find_element(By.CSS_SELECTOR, "[data-part=hours-list] li")
    page.run("for (const box of document.querySelectorAll('.weekdays input')) if (box.value > 4) box.click()")
    closes = row.find_element(By.NAME, "closes")
    set_time = (
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))"
    )
    page.run(set_time, closes, "09:00")
    page.press("save-hours")
    page.until_text("hours-error", "end before they begin")
    page.run(set_time, closes, "00:00")
    page.press("save-hours")
    page.until_text("hours-said", "Saved")
    assert [str(each) for each in venue.till.hours] == ["mon-fri 11:00-24:00"]


def test_it_counts_only_once_the_notice_is_confirmed(venue: Venue) -> None:
    page = venue.set_up()
    assert "nothing is read before" in page.text("words")
    page.press("notice-form", "button")
    assert venue.till.notice_at is None, "the box must be ticked"
    page.press("notice-form", "[name=posted]")
    page.press("notice-form", "button")
    page.until_text("notice-words", "Confirmed on")
    assert venue.till.notice_at is not None
    page.until_text("words", "It counts.")
    page.run("scrollTo(0, 0)")
    page.press("switch")
    page.until_text("words", "nothing is read")
    assert not venue.till.enabled


def test_without_a_picture_zones_can_be_drawn_all_the_same(venue: Venue) -> None:
    venue.running.away = True
    page = venue.page
    page.browser.get(f"{page.address}{SETUP}")
    page.until_text("no-picture", "camera:0 gives no picture")
    page.press("add-zone")
    page.press("save-zones")
    page.until_text("zones-said", "Saved")
    assert len(venue.till.zones) == 1
