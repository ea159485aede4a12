"""Sources of the server on the page: added, removed, come to their end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from browser.chromium import LIMIT_S, Page
from browser.fake_camera import images_of
from browser.mien_live import MienLive, mien_live
from mien.show.video import ClipWriter
from mien.store.store import Store

GONE = "rtsp://127.0.0.1:1/x"
"""A stream at a port where nobody listens."""

CHOSEN = "return document.querySelector('[data-part=source]').selectedOptions[0].textContent"


@pytest.fixture
def mistyped(page: Page, server: MienLive) -> Iterator[Page]:
    """The live view, to which a stream was added that can't be opened."""
    page.open()
    page.run("for (const each of document.querySelectorAll('details')) each.open = true")
    form = page.part("add-form")
    form.find_element("name", "where").send_keys(GONE)
    form.submit()
    page.until(f"{CHOSEN}.includes(arguments[0])", GONE)
    assert page.part("remove").is_displayed()
    page.press("start")
    page.until_text("notice", "can't be opened")
    yield page
    if server.ask("sources"):
        page.run(
            "return fetch('/api/v1/sources/' + encodeURIComponent(arguments[0]), {method: 'DELETE'})"
            ".then(({status}) => status)",
            GONE,
        )


def states(server: MienLive) -> list[str]:
    return [status["state"] for status in server.ask("sources")]


def until_removed(page: Page, server: MienLive) -> None:
    page.until(f"{CHOSEN}.includes(arguments[0]) === false", GONE)
    assert server.ask("sources") == []
    assert page.part("consent").is_displayed()
    assert not page.part("remove").is_displayed()


def test_a_source_that_never_opened_says_why_and_can_be_removed(mistyped: Page, server: MienLive) -> None:
    assert "Connection refused" in mistyped.text("notice")
    mistyped.until(f"{CHOSEN} === arguments[0]", f"{GONE} (can't be opened)")
    assert mistyped.faults() == []
    mistyped.phone()
    assert mistyped.too_wide() == []
    mistyped.part("remove").send_keys(Keys.ENTER)
    until_removed(mistyped, server)
    assert mistyped.run("return document.activeElement.dataset.part") == "source"


def test_a_source_that_is_recorded_is_removed_after_a_question(mistyped: Page, server: MienLive) -> None:
    with Store(server.folder / "record.sqlite", who="tests") as store:
        subject = store.subjects.add("P-040")
        store.consents.give(subject, given_by="the person", purpose="to talk about it")
    for _ in range(2):  # closed, and opened again
        mistyped.press("keep-room", "summary")
    mistyped.until(
        "return [...document.querySelector('[data-part=keep-subject]').options]"
        ".some(({value}) => value === 'P-040')"
    )
    Select(mistyped.part("keep-subject")).select_by_value("P-040")
    mistyped.until("return !document.querySelector('[data-part=keep-start]').disabled")
    mistyped.press("keep-start")
    mistyped.until_text("keeping-words", "Recording P-040")
    mistyped.press("remove")
    assert mistyped.part("remove-sure").is_displayed()
    assert mistyped.faults() == []
    mistyped.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert [status["name"] for status in server.ask("sources")] == [GONE]
    mistyped.press("remove")
    mistyped.press("remove-sure", "button.danger")
    until_removed(mistyped, server)
    mistyped.until("return document.querySelector('[data-part=keeping]').hidden")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A second of the portrait."""
    path = tmp_path / "session.mp4"
    with ClipWriter(path, (640, 360)) as writer:
        for index, image in enumerate(images_of("portrait")[:10]):
            writer.write(image, index / 10)
    return path


@pytest.fixture
def beside_an_ended_film(
    blank: Chrome, programs: tuple[str, str], clip: Path, tmp_path: Path
) -> Iterator[tuple[Page, MienLive]]:
    """The page of a server whose film has ended, while its portrait still runs."""
    with mien_live(tmp_path, clip, "portrait", "--purpose", "self") as running:
        WebDriverWait(blank, LIMIT_S, 0.1).until(lambda _: states(running) == ["ended", "running"])
        yield Page(blank, running.address).open(), running


def test_a_film_that_has_ended_gives_its_readings_and_lets_another_source_be_first(
    beside_an_ended_film: tuple[Page, MienLive],
) -> None:
    page, running = beside_an_ended_film
    page.until("return window.mien.state.source === 'portrait'")
    assert page.part("stop").is_enabled()
    film = str(running.ask("sources")[0]["name"])
    Select(page.part("source")).select_by_value(f"server:{film}")
    page.until_text("notice", "has ended")
    for part in ("pause", "stop"):
        page.until("return document.querySelector(`[data-part=${arguments[0]}]`).disabled", part)
    assert page.part("save").is_enabled()
    assert not page.part("remove").is_displayed()  # a file can't be added again on the page
    page.run("window.saved = []; HTMLAnchorElement.prototype.click = function () { saved.push(this.href); }")
    page.press("save")
    (address,) = page.run("return window.saved")
    table = httpx.get(address, trust_env=False, timeout=LIMIT_S).raise_for_status().text
    assert table.count("\n") > 1
    assert page.faults() == []
    Select(page.part("source")).select_by_value("server:portrait")
    page.until("return !document.querySelector('[data-part=stop]').disabled")


def test_a_source_that_is_taken_away_elsewhere_is_not_mistaken_for_the_next(
    beside_an_ended_film: tuple[Page, MienLive],
) -> None:
    """The button said "Show it" of the one that was gone, and would have started the camera."""
    page, running = beside_an_ended_film
    page.until("return window.mien.stats.drawn > 1")
    httpx.delete(
        f"{running.address}api/v1/sources/portrait", trust_env=False, timeout=LIMIT_S
    ).raise_for_status()
    page.until_text("consent-error", "there is no such source")
    page.until(f"return !{CHOSEN.removeprefix('return ')}.includes('portrait')")
    page.until_text("start", "Start the camera")
    # What was read stays that of the portrait: the server has nothing of it any more.
    assert not page.part("after-csv").is_enabled()
    film = str(running.ask("sources")[0]["name"])
    Select(page.part("source")).select_by_value(f"server:{film}")
    assert page.text("consent-error") == ""
    assert page.text("start") == "Show it"


def test_what_was_read_is_saved_whatever_is_chosen_meanwhile(
    beside_an_ended_film: tuple[Page, MienLive],
) -> None:
    page, running = beside_an_ended_film
    page.until("return window.mien.stats.drawn > 1")
    page.stop()
    Select(page.part("source")).select_by_value(f"server:{running.ask('sources')[0]['name']}")
    page.run("window.saved = []; HTMLAnchorElement.prototype.click = function () { saved.push(this.href); }")
    page.press("after-csv")
    (address,) = page.run("return window.saved")
    assert address.endswith("/readings/portrait.csv")
