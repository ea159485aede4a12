"""The kiosk in a browser: by touch, keyboard and screen reader, on a tablet and a phone, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from browser.chromium import Page
from mien.places.guest_words import guest_words
from mien.store.store import Store
from mien.store.venue_types import Station
from mien.web.app import build_app
from mien.web.security.access import Records
from mien.web.serve import Server
from web.api.test_kiosk import FakeRunning
from web.backend import PASSWORD, FakeLiveSession, settings

PATH = "kiosk/cafe/till-1"
THEMES = ("light", "dark")

WHERE = """
return [...document.querySelectorAll('.answer')].map((each) => {
  const {left, top, width, height} = each.getBoundingClientRect();
  return [left, top, width, height];
});
"""

NAMES = """
return [...document.querySelectorAll('.answer')].map((each) => each.textContent.trim());
"""


class Kiosk:
    """A kiosk's page, and what stands behind it."""

    def __init__(self, page: Page, store: Store, running: FakeRunning) -> None:
        self.page, self.store, self.running = page, store, running

    def open(self, languages: str = "en,de,ar") -> Page:
        self.page.browser.get(f"{self.page.address}{PATH}?language={languages}")
        self.page.until("return document.querySelector('[data-part=question]').textContent")
        self.page.until(
            "return document.querySelector('[data-part=\"sign-box\"]').hidden !== arguments[0]",
            self.running.state == "counting",
        )
        return self.page

    def answer(self, at: int) -> None:
        self.page.browser.find_elements(By.CSS_SELECTOR, ".answer")[at - 1].click()

    def until_taken(self, *answers: int) -> None:
        self.page.until("return document.querySelector('[data-part=said]').textContent")
        assert self.running.taken == list(answers)


@pytest.fixture
def kiosk(blank: Chrome, tmp_path: Path) -> Iterator[Kiosk]:
    running, live_session = FakeRunning(), FakeLiveSession()
    chosen = settings(port=0, password=PASSWORD)
    with Store(tmp_path / "record.sqlite", who="tester") as store:
        store.venues.add(Station("cafe", "till-1", "camera:0"))
        app = build_app(
            live_session,  # type: ignore[arg-type]
            chosen,
            records=Records(lambda: store),
            running=running,  # type: ignore[arg-type]
        )
        with Server(app, chosen) as server:
            page = Page(blank, server.start())
            yield Kiosk(page, store, running)
            assert page.complaints() == []
    live_session.close()


def test_a_touch_answers_once_and_without_a_password(kiosk: Kiosk) -> None:
    page = kiosk.open()
    kiosk.answer(4)
    kiosk.answer(1)  # a second touch, while it still thanks
    kiosk.until_taken(4)
    assert page.text("said") == "Thank you!"
    assert page.run("return document.querySelector('.answer-4').classList.contains('chosen')")
    assert page.run("return document.querySelectorAll('.answer[aria-disabled=true]').length") == 5


def test_the_keyboard_answers(kiosk: Kiosk) -> None:
    page = kiosk.open()
    keys = ActionChains(page.browser)
    while page.run("return document.activeElement.className") != "answer answer-2":
        keys.send_keys(Keys.TAB).perform()
    keys.send_keys(Keys.ENTER).perform()
    kiosk.until_taken(2)


def test_a_digit_answers(kiosk: Kiosk) -> None:
    page = kiosk.open()
    ActionChains(page.browser).send_keys("0").send_keys("6").send_keys("5").perform()
    kiosk.until_taken(5)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("languages", ["en,de", "ar"])
def test_axe_finds_no_serious_fault(kiosk: Kiosk, theme: str, languages: str) -> None:
    kiosk.page.theme(theme)
    page = kiosk.open(languages)
    assert page.faults() == []
    page.press("off")
    assert page.faults() == []


def test_a_screen_reader_hears_question_and_answers(kiosk: Kiosk) -> None:
    page = kiosk.open("de")
    assert page.run(NAMES) == list(guest_words()["de"].answers)
    group = page.part("answers")
    assert (group.aria_role, group.accessible_name) == ("group", "Wie war Ihr Besuch?")
    first = page.browser.find_element(By.CSS_SELECTOR, ".answer")
    assert (first.aria_role, first.accessible_name) == ("button", "sehr schlecht")
    assert page.part("said").aria_role == "status"
    assert page.run("return document.documentElement.lang") == "de"


def test_faces_are_large_enough_for_gloves_and_in_a_row_on_a_tablet(kiosk: Kiosk) -> None:
    kiosk.page.size(1180, 820, mobile=True)
    page = kiosk.open()
    places = page.run(WHERE)
    assert min(min(width, height) for *_, width, height in places) >= 150
    assert len({round(top) for _, top, *_ in places}) == 1
    assert page.too_wide() == []


def test_on_a_phone_they_stand_one_above_the_other(kiosk: Kiosk) -> None:
    kiosk.page.phone()
    page = kiosk.open("de,en,fr,es")
    places = page.run(WHERE)
    assert len({round(left) for left, *_ in places}) == 1
    assert min(height for *_, height in places) >= 72
    assert page.too_wide() == []
    kiosk.answer(5)
    kiosk.until_taken(5)


def test_a_language_is_chosen_and_arabic_runs_from_the_right(kiosk: Kiosk) -> None:
    page = kiosk.open("en,ar")
    first, second = page.part("languages").find_elements(By.TAG_NAME, "button")
    assert (first.text, second.text) == ("English", "العربية")
    second.click()
    assert page.run("return document.documentElement.dir") == "rtl"
    assert page.text("question") == guest_words()["ar"].question
    places = page.run(WHERE)
    assert places[0][0] > places[4][0], "very bad stands where reading begins"
    first.click()
    assert page.run("return document.documentElement.dir") == "ltr"


def test_all_languages_are_offered_where_none_was_chosen(kiosk: Kiosk) -> None:
    page = kiosk.open("")
    assert len(page.part("languages").find_elements(By.TAG_NAME, "button")) == len(guest_words())
    assert page.too_wide() == []


def test_the_sign_stands_there_only_while_a_camera_reads(kiosk: Kiosk) -> None:
    page = kiosk.open()
    assert page.text("sign") == "A camera reads facial expressions here"
    size = page.run(
        "return parseFloat(getComputedStyle(document.querySelector('[data-part=sign]')).fontSize)"
    )
    assert size >= 30
    kiosk.running.state = "closed"
    kiosk.open()
    assert not page.part("sign-box").is_displayed()


def test_a_guest_turns_the_camera_off(kiosk: Kiosk) -> None:
    page = kiosk.open()
    page.press("off")
    page.press("off-no")
    assert kiosk.store.venues.station("cafe", "till-1").enabled
    page.press("off")
    page.press("off-yes")
    page.until_text("off-done", "The camera is off.")
    assert not kiosk.store.venues.station("cafe", "till-1").enabled
    assert not page.part("sign-box").is_displayed()


def test_it_leads_to_no_other_page(kiosk: Kiosk) -> None:
    page = kiosk.open()
    assert page.browser.find_elements(By.TAG_NAME, "a") == []


def test_where_nobody_counts_it_says_so(kiosk: Kiosk) -> None:
    page = kiosk.open()
    kiosk.running.taken_here = False
    kiosk.answer(3)
    page.until_text("away", "This survey is not working right now.")
    assert page.text("said") == ""
    assert kiosk.running.taken == []
    page.complaints()  # the browser says what was refused
