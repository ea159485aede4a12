"""The body's sensors on the live page, and what they said on a recording's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import httpx
import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from browser.chromium import Page
from browser.mien_live import MienLive, mien_live
from mien.store.store import Store
from patience import LIMIT_S
from web import record_people as people

ONE = "P-001"
BOARD = "board:synthetic"
GONE = "board:cyton?serial_port=/dev/ttyNOBODY"
"""A board at a port that isn't there."""

KEEP_SOCKETS = """
globalThis.sockets = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(...address) {
    super(...address);
    sockets.push(this);
  }
};
"""

LANES = """
const copy = Object.assign(document.createElement('canvas'), {width: 200, height: 20});
const pen = copy.getContext('2d', {willReadFrequently: true});
return [...document.querySelectorAll('.body-lanes li')].map((row) => {
  const canvas = row.querySelector('canvas');
  pen.clearRect(0, 0, 200, 20);
  pen.drawImage(canvas, 0, 0, 200, 20);
  return {
    title: row.querySelector('p span').textContent, value: row.querySelector('strong').textContent,
    width: canvas.clientWidth, drawn: pen.getImageData(0, 0, 200, 20).data.some((each) => each > 0),
  };
});
"""


@pytest.fixture(scope="module")
def sensed(programs: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[MienLive]:
    """`mien live` with the portrait and a board that makes its numbers up, over a record with a body."""
    pytest.importorskip("brainflow")
    folder = tmp_path_factory.mktemp("sensed")
    with Store(folder / "record.sqlite", who="tests") as store:
        yesterday = datetime.combine(date.today() - timedelta(1), time(9), people.BERLIN)
        people.record(
            store, store.subjects.add(ONE), yesterday,
            series=people.readings(600), kind="camera", body=people.body(600),
        )  # fmt: skip
        store.subjects.add("P-002")
    with mien_live(folder, "portrait", "--purpose", "self", store=folder / "record.sqlite") as running:
        add(running, BOARD)
        yield running


def add(running: MienLive, where: str) -> None:
    httpx.post(
        f"{running.address}api/v1/signals", json={"where": where}, trust_env=False, timeout=LIMIT_S
    ).raise_for_status()


@pytest.fixture
def page(blank: Chrome, sensed: MienLive) -> Iterator[Page]:
    page = Page(blank, sensed.address)
    yield page
    unexpected = [line for line in page.complaints() if "400" not in line and "422" not in line]
    assert unexpected == []


def open_live(page: Page) -> None:
    """Open the live page, and wait for lanes and waves."""
    page.open()
    page.until(f"return (() => {{{LANES}}})().some(({{drawn}}) => drawn)")
    page.until("return document.querySelectorAll('.waves li').length > 6")


def open_recording(page: Page) -> None:
    page.open(f"subjects/{ONE}/recordings/1")
    page.until("return document.querySelectorAll('.body-lanes > ul li').length === 4")


def open_all(page: Page) -> None:
    page.run("for (const each of document.querySelectorAll('details')) each.open = true")


def go_to(page: Page, tenths: int) -> None:
    """Go to so many tenths of a recording, by keys."""
    tape = page.part("tape")
    tape.send_keys(Keys.HOME)
    for _ in range(tenths):
        tape.send_keys(Keys.PAGE_UP)


# Live.


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lanes_and_waves_stand_under_the_timeline(page: Page, theme: str) -> None:
    page.theme(theme)
    open_live(page)
    page.until("return document.querySelector('.waves li > span:last-child').textContent.match(/ to /)")
    lanes = page.run(LANES)
    assert {"Heart rate", "Skin conductance"} <= {lane["title"] for lane in lanes}
    wide = page.run("return document.querySelector('[data-part=timeline]').clientWidth")
    assert {lane["width"] for lane in lanes} == {wide}
    assert "Running" in page.browser.find_element("css selector", ".sensor-state").text
    # The board's numbers are of nobody's body, and none of them looks like a pulse.
    page.until(f"return (() => {{{LANES}}})().some(({{value}}) => value === 'no reading')")
    assert page.faults() == []
    open_all(page)
    page.until(f"return (() => {{{LANES}}})().filter(({{drawn}}) => drawn).length > 4")
    assert page.faults() == []


def test_a_phone_scrolls_up_and_down_only(page: Page) -> None:
    page.phone()
    open_live(page)
    open_all(page)
    assert page.too_wide() == []
    open_recording(page)
    open_all(page)
    assert page.too_wide() == []
    page.open(f"subjects/{ONE}")
    open_all(page)
    assert page.too_wide() == []


def test_picture_and_timeline_are_in_one_screen_with_sensors_too(page: Page) -> None:
    page.size(1400, 900)
    open_live(page)
    assert page.run("return scrollY") == 0
    bottom = page.run("return document.querySelector('[data-part=timeline]').getBoundingClientRect().bottom")
    assert bottom <= 900


def test_face_and_body_together_stand_beside_the_sensors(page: Page) -> None:
    page.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": KEEP_SOCKETS})
    open_live(page)
    page.until("return !document.querySelector('[data-part=together-room]').hidden")
    assert "no reading" in page.text("together")
    said = [
        "valence of the face and heart rate: r +0.43, the body +3 s behind, p 0.021 over 5 min",
        "valence of the face and skin level: no reading",
    ]
    page.run(
        "sockets.find((each) => each.url.endsWith('/ws/signals'))"
        ".onmessage({data: JSON.stringify({type: 'together', said: arguments[0]})})",
        said,
    )
    rows = page.run(
        "return [...document.querySelectorAll('[data-part=together] li')].map((each) => each.textContent)"
    )
    assert rows == [each.capitalize() for each in said]
    assert page.faults() == []


def test_the_rest_can_begin_now(page: Page) -> None:
    open_live(page)
    page.until("return !document.querySelector('[data-part=rest-room]').hidden")
    assert "the opening" in page.text("rest-words")
    page.part("rest").send_keys(Keys.ENTER)
    page.until_text("rest-words", "the rest since")


def test_a_sensor_that_fails_says_so_and_can_be_removed(page: Page, sensed: MienLive) -> None:
    open_live(page)
    form = open_form(page)
    field = form.find_element("name", "where")
    field.send_keys("/etc/passwd", Keys.ENTER)
    assert "lsl:NAME" in page.until_text("sensor-error", "xpected")
    field.clear()
    field.send_keys(GONE, Keys.ENTER)
    states = (
        "return [...document.querySelectorAll('.sensors > li')].map((row) =>"
        " [row.querySelector('strong').textContent, row.querySelector('.sensor-state').textContent])"
    )
    page.until(
        f"return (() => {{{states}}})().some(([name, words]) => name === arguments[0]"
        " && words.includes('port'))",
        GONE,
    )
    assert page.text("sensor-error") == ""
    assert page.faults() == []
    told = dict(page.run(states))
    assert told[BOARD].startswith("Running")  # the other goes on
    page.browser.find_element("css selector", f'button[aria-label="Remove {GONE}"]').send_keys(Keys.ENTER)
    page.until(f"return (() => {{{states}}})().length === 1")
    assert page.run("return document.activeElement.tagName") == "SUMMARY"
    assert [each["name"] for each in sensed.ask("signals")] == [BOARD]


def open_form(page: Page):  # type: ignore[no-untyped-def]
    summary = page.browser.find_element("css selector", "[data-part=sensor-more] summary")
    summary.send_keys(Keys.ENTER)
    page.until("return document.querySelector('[data-part=sensor-more]').open")
    return page.part("sensor-form")


# A recording.


def test_a_recordings_lanes_tell_the_moment(page: Page) -> None:
    open_recording(page)
    go_to(page, 1)
    assert "heart rate 7" in page.text("moment")
    assert "/min" in page.text("moment")
    assert page.part("tape").get_attribute("aria-valuetext") == page.text("moment")
    go_to(page, 4)  # the electrode was loose
    assert "heart rate: no reading" in page.text("moment")
    lanes = {lane["title"]: lane for lane in page.run(LANES)}
    assert lanes["Heart rate"]["value"] == "no reading"
    assert lanes["Heart rate"]["drawn"]
    go_to(page, 7)  # the wrist was off
    assert "skin conductance" not in page.text("moment")
    assert {lane["title"]: lane for lane in page.run(LANES)}["Skin conductance"][
        "value"
    ] == "nothing measured"


def test_a_lane_is_as_wide_as_the_timeline_and_goes_to_a_moment(page: Page) -> None:
    open_recording(page)
    wide = page.run("return document.querySelector('[data-part=tape]').clientWidth")
    assert {lane["width"] for lane in page.run(LANES)} == {wide}
    canvas = page.browser.find_element("css selector", ".body-lanes canvas")
    before = page.text("moment")
    ActionChains(page.browser).move_to_element(canvas).click().perform()
    assert page.text("moment") != before
    now_s = float(page.part("tape").get_attribute("aria-valuenow") or 0)
    assert 270 < now_s < 370


def test_the_fold_opens_by_keyboard_and_its_lanes_are_drawn(page: Page) -> None:
    open_recording(page)
    summary = page.browser.find_element("css selector", ".body-lanes summary")
    assert "More of the body" in summary.text
    summary.send_keys(Keys.ENTER)
    page.until(f"return (() => {{{LANES}}})().every(({{drawn}}) => drawn)")
    titles = [lane["title"] for lane in page.run(LANES)]
    assert titles[:3] == ["Heart rate", "Skin conductance", "Breathing"]
    assert {"Muscle brow", "Muscle smile", "EEG alpha"} <= set(titles)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault_beside_a_recording(page: Page, theme: str) -> None:
    page.theme(theme)
    open_recording(page)
    open_all(page)
    assert page.faults() == []


# Consent.


def test_a_consent_names_what_of_the_body_may_be_stored(page: Page, sensed: MienLive) -> None:
    page.open("subjects/P-002")
    page.until("return !document.querySelector('[data-part=consent-more]').hidden")
    boxes = {
        box.get_attribute("value"): box
        for box in page.browser.find_elements("css selector", "[data-part=consent-form] input[name=signals]")
    }
    assert [name for name, box in boxes.items() if box.is_selected()] == ["measures"]
    boxes["heart"].send_keys(Keys.SPACE)
    form = page.part("consent-form")
    form.find_element("css selector", ".check input").send_keys(Keys.SPACE)
    form.submit()
    assert "of the body heart" in page.until_text("consent-words", "What is stored")
    assert sensed.ask("subjects/P-002")["consent"]["signals"] == ["expression", "measures", "heart"]
