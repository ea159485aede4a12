"""For everybody: both themes without faults that axe finds, a phone's width, and the keyboard."""

from __future__ import annotations

import pytest
from selenium.webdriver import ActionChains, Keys

from browser.chromium import Page
from browser.mien_live import MienLive

VIEWS = ("", "files", "about")
THEMES = ("light", "dark")

BACKGROUND = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_serious_fault(page: Page, server: MienLive, view: str, theme: str) -> None:
    if view == "":
        server.choose(None)  # with all that is asked
    page.theme(theme)
    page.open(view)
    page.run("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.faults() == []


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_no_serious_fault_while_the_camera_is_on(page: Page, theme: str) -> None:
    page.theme(theme)
    page.open().start()
    page.until("return !document.getElementById('camera-pill').hidden")
    assert page.faults() == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_scrolls_up_and_down_only(page: Page, server: MienLive, view: str) -> None:
    if view == "":
        server.choose(None)
    page.phone()
    page.open(view)
    assert page.run("return innerWidth") == 360
    page.run("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.too_wide() == []


def test_the_camera_on_a_phone(page: Page) -> None:
    page.phone()
    page.open().start()
    page.until("return !document.getElementById('camera-pill').hidden")
    assert page.too_wide() == []
    assert page.part("stop").is_displayed()


def test_light_and_dark_follow_the_system_or_the_switch(page: Page) -> None:
    page.theme("light")
    page.open()
    light = page.run(BACKGROUND)
    page.theme("dark")
    dark = page.run(BACKGROUND)
    assert min(light) > 200
    assert max(dark) < 60
    switch = page.browser.find_element("id", "theme-switch")
    switch.click()
    assert page.run(BACKGROUND) == light
    assert switch.get_attribute("aria-label").startswith("Theme: light")
    page.open("about")
    assert page.run(BACKGROUND) == light  # remembered
    page.browser.find_element("id", "theme-switch").click()
    page.theme("light")
    assert page.run(BACKGROUND) == dark


@pytest.mark.parametrize("view", VIEWS)
def test_the_keyboard_gets_past_the_header(page: Page, view: str) -> None:
    page.open(view)
    link = page.browser.find_element("css selector", ".skip")
    assert link.rect["y"] < 0  # out of sight until the keyboard comes to it
    keys = ActionChains(page.browser)
    keys.send_keys(Keys.TAB).perform()
    assert page.browser.switch_to.active_element == link
    assert link.rect["y"] >= 0
    keys.send_keys(Keys.ENTER).perform()
    assert page.run("return document.activeElement.id") == "content"
    assert page.run("return document.querySelectorAll('h1').length") == 1
    assert page.run("return document.documentElement.lang").startswith("en")
