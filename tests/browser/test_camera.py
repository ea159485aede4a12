"""The live view with the browser's own camera, from the question before it to its end."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.support.ui import WebDriverWait

import mien
from browser.chromium import LIMIT_S, Page
from browser.fake_camera import CAMERA_HZ, SLOWLY
from browser.mien_live import MienLive
from mien.labels import EMOTIONS
from mien.live.purpose import REFUSED
from mien.show import palette
from mien.table import COLUMNS

CAMERA_ON = "return !document.getElementById('camera-pill').hidden"

KEEP_READINGS = """
window.kept = [];
const stats = window.mien.stats, read = stats.read.bind(stats);
stats.read = (reading, nowMs) => { window.kept.push(reading); read(reading, nowMs); };
"""

DRAWN = """
const {stats} = window.mien;
const reading = stats.lastReading;
const face = reading?.faces[0];
if (!face || stats.drawn === 0) return null;
return {
  shown: face.shown,
  label: document.querySelector('[data-part=label]').textContent,
  bars: Object.fromEntries([...document.querySelectorAll('[data-meter]')].map((meter) =>
    [meter.dataset.meter, Number(/[\\d.e-]+/.exec(meter.firstElementChild.style.transform.slice(7))[0])])),
};
"""


COLOURED = """
const [name, what, colours] = ARGUMENTS;
const canvas = document.querySelector(`[data-part=${name}]`);
const {width, height} = canvas;
const pen = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
pen.drawImage(canvas, 0, 0);
const pixels = new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer);
const wanted = new Set(colours.map(([r, g, b]) => (255 * 2 ** 24) + b * 2 ** 16 + g * 2 ** 8 + r));
const columns = Array(width).fill(0);
pixels.forEach((pixel, place) => { columns[place % width] += wanted.has(pixel); });
return (what === "pixels" ? columns.reduce((sum, each) => sum + each) : columns.filter(Boolean).length)
"""


def coloured(canvas: str, what: str, compared: str = "") -> str:
    """Write a script that counts the pixels of a canvas in a label's colour, or the columns with some."""
    colours = [palette.rgb(label) for label in (*EMOTIONS, "uncertain")]
    return COLOURED.replace("ARGUMENTS", json.dumps([canvas, what, colours])) + compared


@pytest.fixture
def running(page: Page) -> Page:
    page.open().start()
    return page


def sources(server: MienLive) -> list[str]:
    return [status["name"] for status in server.ask("sources")]


def until_no_source(page: Page, server: MienLive) -> None:
    WebDriverWait(page.browser, LIMIT_S, 0.1).until(lambda _: sources(server) == [])


def test_the_page_asks_before_a_camera_is_on(page: Page, server: MienLive) -> None:
    server.choose(None)
    page.open()
    assert page.browser.title == "Live · Mien"
    assert page.part("consent").is_displayed()
    promises = page.part("consent").text
    assert "No picture is stored, none leaves this machine." in promises
    assert page.text("start") == "Start the camera"
    assert not page.run(CAMERA_ON)
    assert page.run("return document.querySelector('video').srcObject") is None
    assert page.run("return document.querySelector('canvas').hidden")
    assert sources(server) == []


@pytest.mark.parametrize("purpose", REFUSED)
def test_work_and_school_are_refused_with_the_reason(page: Page, server: MienLive, purpose: str) -> None:
    server.choose(None)
    page.open()
    page.press("purposes", f"input[value={purpose}]")
    assert page.text("consent-error") == REFUSED[purpose]
    assert not page.part("start").is_enabled()
    assert server.ask("purpose")["purpose"] is None
    page.press("purposes", "input[value=self]")
    assert page.text("consent-error") == ""
    assert page.part("start").is_enabled()


def test_the_purpose_is_asked_for_once(page: Page, server: MienLive) -> None:
    server.choose(None)
    page.open()
    page.press("start")
    assert page.run("return document.querySelector('[data-part=consent-form]').matches(':invalid')")
    page.press("purposes", "input[value=research]")
    page.start()
    assert server.ask("purpose")["purpose"] == "research"
    page.open()
    assert not page.part("purposes").is_displayed()
    assert page.text("purpose-name") == "Research"
    page.start()


HOLD_THE_PURPOSE = """
const fetched = window.fetch;
window.fetch = async (...asked) => {
  const answer = await fetched(...asked);
  if (String(asked[0]).endsWith('/purpose')) await new Promise((give) => { window.givePurpose = give; });
  return answer;
};
"""


def test_who_is_quick_is_not_asked_for_what_was_chosen_before(page: Page) -> None:
    """On a busy machine Start was pressed before the choice was known: nothing happened."""
    added = page.browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": HOLD_THE_PURPOSE}
    )
    page.browser.get(page.address)
    page.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    page.until("return Boolean(window.mien && window.givePurpose)")
    page.press("start")
    page.run("window.givePurpose()")
    page.until("return window.mien.stats.drawn > 0")
    page.stop()


def test_a_camera_that_is_on_can_not_be_missed(running: Page, server: MienLive) -> None:
    running.until(CAMERA_ON)
    pill = running.browser.find_element("id", "camera-pill")
    assert (pill.is_displayed(), pill.text) == (True, "Camera on")
    assert running.browser.title == "● Live · Mien"
    assert running.run("return document.querySelector('link[rel~=icon]').href").endswith("/icon-on.svg")
    assert "on" in running.part("stage").get_attribute("class").split()
    assert len(sources(server)) == 1
    running.stop()
    assert not pill.is_displayed()
    assert running.browser.title == "Live · Mien"


def test_stop_ends_the_camera_and_its_source(running: Page, server: MienLive) -> None:
    running.run("window.held = document.querySelector('video').srcObject.getTracks()")
    assert running.run("return held.map((track) => [track.kind, track.readyState])") == [["video", "live"]]
    running.stop()
    assert running.run("return held.map((track) => track.readyState)") == ["ended"]
    assert running.run("return window.mien.state.trackState") == "ended"
    assert running.run("return document.querySelector('video').srcObject") is None
    until_no_source(running, server)
    assert running.part("consent").is_displayed()


def test_leaving_the_page_ends_the_source(running: Page, server: MienLive) -> None:
    assert len(sources(server)) == 1
    running.open("about")
    until_no_source(running, server)


def test_pause_keeps_the_camera_on_and_sends_nothing(running: Page) -> None:
    running.press("pause")
    assert running.part("pause").get_attribute("aria-pressed") == "true"
    running.until("return window.mien.state.inFlight === 0")
    assert running.text("notice").startswith("Paused. The camera is still on")
    running.until("return document.getElementById('camera-pill').textContent === 'Camera on, paused'")
    before = running.run("return window.mien.stats.readings")
    running.press("pause")
    running.until("return window.mien.stats.readings > arguments[0] + 2", before)


def test_readings_are_those_of_the_film_as_it_turns_to_a_smile(running: Page, shared: Path) -> None:
    """Against `mien analyze` of the same film: each reading is like one of its frames; all moments come."""
    frames = mien.analyze(shared / "data" / "video" / "single_face.mp4").frame
    loop_s = SLOWLY * len(frames) / CAMERA_HZ
    running.run(KEEP_READINGS)
    running.until(
        "return kept.length > 20 && kept.at(-1).time_s - kept[0].time_s > arguments[0]", 1.2 * loop_s
    )
    readings = [reading for reading in running.run("return kept") if reading["faces"]]
    boxes = np.array([
        np.array([reading["faces"][0][side] for side in ("x", "y", "width", "height")])
        * (640 / reading["size_wh"][0])
        for reading in readings
    ])  # fmt: skip
    shares = np.array(
        [[reading["faces"][0]["probabilities"][label] for label in EMOTIONS] for reading in readings]
    )
    expected = frames[[f"p_{label}" for label in EMOTIONS]].to_numpy()
    expected_boxes = frames[["x", "y", "width", "height"]].to_numpy()
    apart = np.abs(shares[:, None] - expected[None]).max(axis=2)
    moved = np.abs(boxes[:, None] - expected_boxes[None]).max(axis=2)
    near = ((apart < 0.15) & (moved < 0.1 * expected_boxes[:, 2].mean())).any(axis=1)
    assert near.mean() > 0.95, f"{near.mean():.0%} of {len(readings)} readings are like the film's"

    happy = shares[:, EMOTIONS.index("happiness")]
    assert np.ptp(happy) == pytest.approx(np.ptp(frames["p_happiness"]), abs=0.1)
    shown = {reading["faces"][0]["shown"]["expression"] for reading in readings}
    assert {"neutral", "happiness"} <= shown


def test_bars_and_label_show_the_last_reading_and_move_with_it(running: Page) -> None:
    fits = (
        "const at = (() => {"
        + DRAWN
        + "})(); return at && at.label === at.shown.expression && JSON.stringify(at)"
    )
    seen = []
    for _ in range(2):
        at = json.loads(running.until(fits))
        # What is drawn may be one reading older than the last.
        assert at["bars"] == pytest.approx(at["shown"]["probabilities"], abs=0.2)
        assert sum(at["bars"].values()) == pytest.approx(1, abs=0.01)
        seen.append(at["bars"])
        running.until(
            "return [...document.querySelectorAll('[data-meter]')].some((meter) => meter.firstElementChild"
            ".style.transform !== `scaleX(${arguments[0][meter.dataset.meter].toFixed(3)})`)",
            at["bars"],
        )


def test_the_marks_are_drawn_over_the_picture(running: Page) -> None:
    """Box and label in the colour of what is shown: those pixels are there, and gone after the stop."""
    found = coloured("overlay", "pixels")
    assert running.until(found) > 200
    before = running.run("return document.querySelector('[data-part=overlay]').toDataURL()")
    running.until("return document.querySelector('[data-part=overlay]').toDataURL() !== arguments[0]", before)
    running.stop()
    assert running.run(found) == 0


def test_no_button_moves_when_another_appears(page: Page) -> None:
    """Who aims at Stop, hits Stop: the button for the neutral face comes a moment later, and behind it."""
    page.open()
    page.run("""
const [stop, neutral] = ['stop', 'neutral'].map((name) => document.querySelector(`[data-part=${name}]`));
window.places = [];
const look = () => {
  const {x, width} = stop.getBoundingClientRect();
  if (width) window.places.push([neutral.hidden, x, width]);
};
new MutationObserver(look).observe(stop.parentElement, {subtree: true, childList: true, attributes: true});
""")
    page.start()
    page.until("return !document.querySelector('[data-part=neutral]').hidden")
    places = page.run("return window.places")
    assert {hidden for hidden, *_ in places} == {True, False}
    assert len({tuple(place) for _, *place in places}) == 1


def test_the_timeline_fills(running: Page) -> None:
    running.part("span").send_keys("1 minute")
    first = running.until(coloured("timeline", "columns"))
    running.until(coloured("timeline", "columns", f"> {first + 20}"))
    words = running.until_text("timeline-words", "a face read in")
    assert re.match(r"In the last \d+ seconds: ", words)  # what there is, not the whole minute


def test_numbers_stand_beside_the_picture(running: Page) -> None:
    for name in ("rate", "latency", "dropped", "coverage"):
        running.until(
            "return /\\d/.test(document.querySelector(`[data-part=${arguments[0]}]`).textContent)", name
        )
    running.until(
        "return fetch('/api/v1/sources').then((answer) => answer.json())"
        ".then(([{state, rate_hz: rate}]) => state === 'running' && rate > 0)"
    )


def test_the_readings_can_be_saved_and_hold_no_picture(running: Page, tmp_path: Path) -> None:
    running.browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    running.until("return !document.querySelector('[data-part=save]').disabled")
    running.press("save")
    saved = WebDriverWait(running.browser, LIMIT_S, 0.1).until(
        lambda _: [path for path in tmp_path.glob("*.csv") if path.stat().st_size]
    )
    assert saved[0].name.startswith("mien-readings-")
    table = pd.read_csv(StringIO(saved[0].read_text(encoding="utf-8")))
    assert tuple(table.columns) == COLUMNS
    assert table["frame"].is_monotonic_increasing
    assert table[[f"p_{label}" for label in EMOTIONS]].sum(axis=1).to_numpy() == pytest.approx(1, abs=0.01)


def test_no_picture_is_stored(running: Page, server: MienLive) -> None:
    """Of all that Mien could have written in its folders, nothing is a picture."""
    running.until("return window.mien.stats.readings > 5")
    running.stop()
    until_no_source(running, server)
    starts = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"\x00\x00\x00")
    written = [path for path in server.folder.rglob("*") if path.is_file()]
    assert [path for path in written if path.read_bytes().startswith(starts)] == []
    assert [path.name for path in written if "config" in path.parts[-2:]] == ["purpose.json"]


def test_start_and_stop_by_keyboard_alone(page: Page) -> None:
    page.open()
    keys = ActionChains(page.browser)
    focused = "return document.activeElement.dataset.part ?? document.activeElement.className"

    def tab_to(part: str) -> None:
        for _ in range(30):
            if page.run(focused) == part:
                return
            keys.send_keys(Keys.TAB).perform()
        raise AssertionError(f"the keyboard does not reach {part}")

    keys.send_keys(Keys.TAB).perform()
    assert page.run(focused) == "skip"
    tab_to("start")
    keys.send_keys(Keys.ENTER).perform()
    page.until("return window.mien.stats.drawn > 0")
    assert page.run(focused) == "stop"
    keys.send_keys(Keys.ENTER).perform()
    page.until("return window.mien.state.phase === 'off'")
    assert page.run(focused) == "start"
    assert page.run("return window.mien.state.trackState") == "ended"


@pytest.mark.parametrize(
    ("error", "advice"),
    [("NotAllowedError", "did not allow the camera"), ("NotFoundError", "No camera was found")],
)
def test_a_camera_that_can_not_be_had_is_explained(page: Page, error: str, advice: str) -> None:
    page.open()
    page.run(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', arguments[0]))",
        error,
    )
    page.press("start")
    page.until_text("consent-error", advice)
    assert page.run("return window.mien.state.phase") == "off"
    assert page.part("start").is_enabled()
