"""Chromium with a film as its camera, driven by Selenium; and a page of Mien in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_core_python
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from patience import LIMIT_S

DESKTOP = (1280, 900)

_STANDS = {"": "mien-live:defined", "files": "mien-files:defined", "subjects": "mien-subjects:defined"}
_STANDS_ELSE = "body > main > form, article, mien-subject:defined, mien-recording:defined"

_KNOWS_THE_PURPOSE = """
return fetch('/api/v1/purpose').then((answer) => answer.json()).then(({purpose}) =>
  window.mien && document.querySelector('[data-part=purposes]').hidden === Boolean(purpose))
"""

_STATE = """
const part = (name) => document.querySelector(`[data-part="${name}"]`)?.textContent;
const {state, stats: {readings, drawn} = {}} = window.mien ?? {};
const mien = state && {...state, readings, drawn};
return [location.href, document.title, JSON.stringify(mien), part("notice"), part("consent-error")];
"""

_TOO_WIDE = """
const room = document.documentElement.clientWidth;
return document.scrollingElement.scrollWidth > room
  ? [...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > room + 1)
      .map((each) => each.tagName + '.' + each.className).slice(0, 5)
  : [];
"""

_AXE = Path(axe_core_python.__file__).with_name("axe.min.js")


@contextmanager
def chromium(
    program: str, driver: str, camera: Path, *options: str, log_requests: bool = False
) -> Iterator[Chrome]:
    """Run Chromium without a window.

    Args:
        program: the browser.
        driver: chromedriver of the same version.
        camera: a film for its camera, which is allowed without asking.
        options: more for its command line.
        log_requests: keep what is asked of whom, under the log "performance".
    """
    chosen = ChromeOptions()
    chosen.binary_location = program
    for option in (
        "--headless=new",
        "--no-first-run",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        "--force-prefers-no-reduced-motion",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        "--window-size={},{}".format(*DESKTOP),
        *(("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()),
        *options,
    ):
        chosen.add_argument(option)
    logs = {"browser": "ALL", **({"performance": "ALL"} if log_requests else {})}
    chosen.set_capability("goog:loggingPrefs", logs)
    browser = Chrome(chosen, Service(driver))
    try:
        browser.set_page_load_timeout(LIMIT_S)
        browser.set_script_timeout(LIMIT_S)
        yield browser
    finally:
        browser.quit()


class Page:
    """A page of Mien in a browser.

    Args:
        browser: shows it.
        address: where Mien is, with a slash at its end.
    """

    def __init__(self, browser: Chrome, address: str) -> None:
        self.browser = browser
        self.address = address

    def open(self, path: str = "") -> Page:
        """Open a view by its path behind the address, and wait until its scripts run."""
        self.browser.get(self.address + path)
        self.until(
            "return document.querySelector(arguments[0])",
            _STANDS.get(path, _STANDS_ELSE),
        )
        if path == "":
            self.until(_KNOWS_THE_PURPOSE)
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page; what it promises is waited for."""
        return self.browser.execute_script(script, *arguments)

    def until(self, script: str, *arguments: Any) -> Any:
        """Wait until a script gives something true, and give that."""
        try:
            return WebDriverWait(self.browser, LIMIT_S, 0.1).until(lambda _: self.run(script, *arguments))
        except TimeoutException:
            raise AssertionError(f"never true: {script} {arguments}; {self.state()}") from None

    def state(self) -> str:
        """Return how the page stands, for whoever looks into a failed test."""
        return str(self.run(_STATE))

    def part(self, name: str) -> WebElement:
        """Return an element by the name that the page's own scripts know it by."""
        return self.browser.find_element(By.CSS_SELECTOR, f'[data-part="{name}"]')

    def press(self, name: str, within: str = "") -> None:
        """Press a part as soon as it is there.

        It is found and pressed in one go, and again where the page drew it anew in between. What lies under
        the header, where a person would scroll, is brought into the middle.

        Args:
            name: of the part.
            within: a selector of what is meant in it, such as a row's button; without, the part itself.
        """
        selector = f'[data-part="{name}"] {within}'

        def pressed(browser: Chrome) -> bool:
            found = browser.find_element(By.CSS_SELECTOR, selector)
            try:
                found.click()
            except ElementClickInterceptedException:
                self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found)
                return False
            return True

        missing = (
            NoSuchElementException,
            StaleElementReferenceException,
            ElementNotInteractableException,  # the page hides it just now
        )
        try:
            WebDriverWait(self.browser, LIMIT_S, 0.1, missing).until(pressed)
        except TimeoutException:
            raise AssertionError(f"never there: {selector}; {self.state()}") from None

    def text(self, name: str, within: str = "") -> str:
        """Return the text of a part, or of the first of what a selector finds in it."""
        script = "return document.querySelector(arguments[0]).textContent"
        return str(self.run(script, f'[data-part="{name}"] {within}')).strip()

    def until_text(self, name: str, words: str) -> str:
        """Wait until an element holds some words; give all of its text."""
        script = (
            "const text = document.querySelector(`[data-part=\"${arguments[0]}\"]`)?.textContent ?? '';"
            "return text.includes(arguments[1]) && text"
        )
        return str(self.until(script, name, words)).strip()

    def start(self) -> None:
        """Start the camera, as somebody does who has chosen a purpose; wait until a face is drawn."""
        self.press("start")
        self.until("return window.mien.stats.drawn > 0 && window.mien.stats.lastReading.faces.length > 0")

    def stop(self) -> None:
        self.press("stop")
        self.until("return window.mien.state.phase === 'off'")

    def theme(self, scheme: str) -> None:
        """Have the system light or dark."""
        self.browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )

    def size(self, width: int, height: int, *, mobile: bool = False) -> None:
        """Give the page a screen of another size."""
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 2 if mobile else 1, "mobile": mobile},
        )

    def phone(self) -> None:
        """Give the page the screen of a narrow phone."""
        self.size(360, 740, mobile=True)

    def too_wide(self) -> list[str]:
        """Return the first elements that reach beyond the screen, if the page scrolls sideways."""
        return list(self.run(_TOO_WIDE))

    def faults(self) -> list[str]:
        """Return what axe finds against accessibility that is serious or worse, each with its place."""
        self.run(_AXE.read_text(encoding="utf-8") + "; window.axe = axe")
        found = self.run(
            "return axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations)"
        )
        assert self.run("return axe.version"), "axe is not there"
        return [
            f"{fault['id']}: {node['target']} {node['failureSummary']}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]

    def complaints(self) -> list[str]:
        """Return what the console has said since the last time, but for mere information."""
        return [
            entry["message"]
            for entry in self.browser.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]
