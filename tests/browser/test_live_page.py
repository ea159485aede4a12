"""The live view as one works with it: one screen, marks on their own frame, keys, what comes after Stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from browser.chromium import LIMIT_S, Page
from browser.mien_live import MienLive
from mien.store.store import Store

HELD = """
// Answers to the camera wait until the test hands them on; what was sent is kept by its number.
window.held = []; window.sent = new Map();
const accessor = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage');
Object.defineProperty(WebSocket.prototype, 'onmessage', {configurable: true, set(hear) {
  if (!this.url.endsWith('/ws/camera')) return accessor.set.call(this, hear);
  this.addEventListener('message', (event) => {
    const {type, sequence} = JSON.parse(event.data);
    if (type === 'reading') window.held.push([sequence, () => hear(event)]);
    else hear(event);
  });
}});
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  const packed = data instanceof Uint8Array;
  if (packed) window.sent.set(new DataView(data.buffer).getUint32(0, true), data.slice(16));
  send.call(this, data);
};
"""

SHOWN_AND_SENT = """
// Hand on the oldest answer; when drawn, give the picture on the page and the one that was read, small.
const [sequence, hear] = window.held.shift();
hear();
const small = async (image) => {
  const canvas = new OffscreenCanvas(32, 24);
  const pen = canvas.getContext('2d');
  pen.drawImage(image, 0, 0, 32, 24);
  return [...pen.getImageData(0, 0, 32, 24).data];
};
const frames = () => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(done)));
return frames().then(async () => {
  const shown = await small(document.querySelector('[data-part=picture]'));
  const of = (number) =>
    createImageBitmap(new Blob([window.sent.get(number)], {type: 'image/jpeg'})).then(small);
  return [shown, await of(sequence)];
});
"""

PLACES = """
return Object.fromEntries([...document.querySelectorAll('button, a, select, summary, .switch')]
  .filter((each) => each.checkVisibility({visibilityProperty: true}) && each.closest('.live'))
  .filter((each) => !each.closest('dialog, .stage, .faces'))
  .map((each) => {
    const {x, y} = each.getBoundingClientRect();
    return [each.dataset.part ?? each.textContent.trim(), [x, y + scrollY]];
  }));
"""

SEEN = """
return ['screen', 'label', 'pose', 'timeline'].map((name) => {
  const {top, bottom, left, right} = document.querySelector(`[data-part=${name}]`).getBoundingClientRect();
  return [name, top, bottom, left, right];
}).concat([...document.querySelectorAll('.bar')].map((bar) => {
  const {top, bottom, left, right} = bar.getBoundingClientRect();
  return bar.checkVisibility() ? [bar.className, top, bottom, left, right] : null;
}).filter(Boolean));
"""


ROWS = """
const boxes = [...document.querySelectorAll(arguments[0])].map((each) => each.getBoundingClientRect());
return boxes.filter(({top}) => top > boxes[0].bottom).length ? 2 : 1;
"""


@pytest.fixture
def subject(server: MienLive) -> str:
    """Somebody who has consented."""
    with Store(server.folder / "record.sqlite", who="tests") as store:
        code = f"P-{100 + len(store.subjects.all())}"
        store.consents.give(store.subjects.add(code), given_by="the person", purpose="to talk about it")
    return code


@pytest.fixture
def running(page: Page) -> Page:
    page.open().start()
    return page


@pytest.fixture
def held(page: Page) -> Page:
    """A camera whose answers come when the test says so."""
    page.open()
    page.run(HELD)
    page.press("start")
    page.until("return window.held.length > 0")
    return page


@pytest.fixture
def downloads(page: Page, tmp_path: Path) -> Path:
    page.browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    return tmp_path


def saved(page: Page, folder: Path, pattern: str) -> Path:
    found = WebDriverWait(page.browser, LIMIT_S, 0.1).until(
        lambda _: [path for path in folder.glob(pattern) if path.stat().st_size]
    )
    return Path(found[0])


def press(page: Page, key: str) -> None:
    ActionChains(page.browser).send_keys(key).perform()


def record(page: Page, code: str) -> None:
    """Start a recording, and wait until readings are kept."""
    page.press("keep-room", "summary")
    page.until("return document.querySelector('[data-part=keep-subject]').options.length")
    Select(page.part("keep-subject")).select_by_value(code)
    page.until("return !document.querySelector('[data-part=keep-start]').disabled")
    page.press("keep-start")
    page.until("return !document.querySelector('[data-part=mark]').hidden")
    page.until_text("keeping-words", "kept")


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
def test_picture_bars_and_timeline_are_in_one_screen(page: Page, width: int, height: int) -> None:
    page.size(width, height, mobile=width < 600)
    page.open().start()
    page.until("return document.querySelector('[data-part=timeline]').clientHeight > 0")
    assert page.run("return scrollY") == 0
    for name, top, bottom, left, right in page.run(SEEN):
        assert 0 <= top < bottom <= height, name
        assert 0 <= left < right <= width, name
    assert page.run("return document.querySelectorAll('.expression-card .bar').length") == 8
    assert page.too_wide() == []


@pytest.mark.parametrize("width", [640, 760, 940, 1000])
def test_between_phone_and_desktop_the_controls_have_room(page: Page, width: int) -> None:
    page.size(width, 900)
    page.open().start()
    page.until("return !document.querySelector('[data-part=neutral]').hidden")
    assert page.too_wide() == []
    assert page.run(ROWS, ".bar-row .controls button:not([hidden])") == 1
    assert page.run(ROWS, ".settings summary") == 1
    (_, first_right), (second_left, _) = page.run("""
return [...document.querySelectorAll('.settings summary')].map((each) => {
  const range = document.createRange();
  range.selectNodeContents(each);
  const {left, right} = range.getBoundingClientRect();
  return [left, right];
});
""")
    assert first_right < second_left


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
def test_no_button_moves_when_others_appear(page: Page, subject: str, width: int, height: int) -> None:
    """From the first picture on: the neutral face's button comes, and the recording's, over the picture."""
    page.size(width, height, mobile=width < 600)
    page.open().start()
    before = page.run(PLACES)
    page.until("return !document.querySelector('[data-part=neutral]').hidden")
    page.until("return !document.querySelector('[data-part=snapshot]').disabled")
    after = page.run(PLACES)
    assert {"stop", "pause", "snapshot", "source", "save"} <= set(before)
    assert {name: after[name] for name in before} == before
    record(page, subject)
    during = page.run(PLACES)
    there = {name: place for name, place in after.items() if name in during}
    assert {"stop", "pause", "snapshot", "source", "save"} <= set(there)
    assert {name: during[name] for name in there} == there
    assert page.faults() == []
    page.press("keep-stop")
    page.until("return document.querySelector('[data-part=keep-stop]').hidden")


def test_marks_stand_on_the_frame_that_they_were_read_from(held: Page) -> None:
    """Also on a slow machine, whose camera has gone on since: there was the running video under old marks."""
    apart = []
    for _ in range(4):
        held.until("return window.held.length > 0")
        shown, sent = held.run(SHOWN_AND_SENT)
        apart.append(np.abs(np.subtract(shown, sent)).mean())
    assert max(apart) < 2  # of 255: JPEG and scaling
    assert held.run("return document.querySelector('video').classList.contains('covered')")
    assert not held.run("return document.querySelector('[data-part=screen]').classList.contains('late')")


def test_what_is_late_fades_and_too_few_readings_are_told(held: Page) -> None:
    held.run(SHOWN_AND_SENT)
    held.until("return document.querySelector('[data-part=screen]').classList.contains('late')")
    for part in ("overlay", "picture"):
        held.until(
            "return getComputedStyle(document.querySelector(`[data-part=${arguments[0]}]`)).opacity === '0'",
            part,
        )
    # The camera's own video shows instead, and the bars don't stand as if they were now.
    assert not held.run("return document.querySelector('video').classList.contains('covered')")
    assert held.text("label") == "No new reading"
    assert set(
        held.run(
            "return [...document.querySelectorAll('.live .bars .bar-value')].map((each) => each.textContent)"
        )
    ) == {"–"}
    assert "too few to record" in held.until_text("notice", "readings per second")
    assert held.faults() == []
    held.run("for (const [, hear] of window.held) hear(); window.held = {push: ([, hear]) => hear()};")
    held.until("return !document.querySelector('[data-part=screen]').classList.contains('late')")
    held.until("return document.querySelector('[data-part=label]').textContent !== 'No new reading'")


def test_keys_pause_help_and_save_a_snapshot(running: Page, downloads: Path) -> None:
    running.until("return !document.querySelector('[data-part=snapshot]').disabled")
    press(running, " ")
    running.until("return window.mien.state.phase === 'paused'")
    press(running, " ")
    running.until("return window.mien.state.phase === 'running'")
    press(running, "m")  # nothing is recorded: nothing to mark
    press(running, "?")
    assert running.part("help").is_displayed()
    assert running.faults() == []
    press(running, " ")  # the dialog's own button has it
    running.until("return !document.querySelector('[data-part=help]').open")
    assert running.run("return window.mien.state.phase") == "running"
    press(running, "s")
    path = saved(running, downloads, "mien-snapshot-*.png")
    picture = cv2.imread(str(path))
    assert picture.shape[0] > 200
    assert picture.std() > 20  # a picture with its marks, not an empty canvas


def test_space_is_the_buttons_own_for_who_came_by_keyboard(running: Page) -> None:
    running.browser.execute_script("document.activeElement.blur()")
    keys = ActionChains(running.browser)
    for _ in range(40):
        if running.run("return document.activeElement.dataset.part") == "stop":
            break
        keys.send_keys(Keys.TAB).perform()
    press(running, " ")
    running.until("return window.mien.state.phase === 'off'")


def test_full_screen_shows_picture_and_buttons(running: Page) -> None:
    running.press("full")
    running.until("return document.fullscreenElement?.dataset.part === 'stage-card'")
    for part in ("stop", "pause", "screen", "snapshot"):
        assert running.part(part).is_displayed()
    press(running, "f")
    running.until("return document.fullscreenElement === null")


def test_the_heads_pose_is_told(running: Page) -> None:
    running.until("return /Head: [^–]/.test(document.querySelector('[data-part=pose]').textContent)")
    head = running.run("return window.mien.stats.lastReading.faces[0].head")
    assert set(head) == {"yaw", "pitch", "roll"}
    assert all(abs(angle) < 45 for angle in head.values())


def test_a_mark_is_kept_and_stop_leads_to_the_recording(
    running: Page, server: MienLive, subject: str, downloads: Path
) -> None:
    record(running, subject)
    press(running, "m")
    running.until_text("spoken", "Mark 1 at")
    running.press("mark")
    running.until_text("spoken", "Mark 2 at")
    running.stop()
    words = running.text("after-words")
    assert "long" in words
    assert "a face read in" in words
    shares = running.run(
        "return [...document.querySelectorAll('[data-part=after-shares] .bar-value')]"
        ".map((each) => parseInt(each.textContent))"
    )
    assert 95 <= sum(shares) <= 105
    assert running.part("start").is_displayed()
    assert running.faults() == []
    running.press("after-csv")
    assert saved(running, downloads, "mien-readings-*.csv").read_text(encoding="utf-8").count("\n") > 2
    running.press("after-picture")
    height, width, _ = cv2.imread(str(saved(running, downloads, "mien-timeline-*.png"))).shape
    assert (width, height) == (1400, 548)
    running.press("after-open")
    running.until_text("marks", "Mark 2")
    assert "Mark 1" in running.text("marks")
    (kept,) = (each for day in server.ask(f"subjects/{subject}/recordings").values() for each in day)
    marks = server.ask(f"subjects/{subject}/recordings/{kept['id']}")["marks"]
    assert [mark["kind"] for mark in marks] == ["event", "event"]
    assert 0 <= marks[0]["from_s"] <= marks[1]["from_s"] <= kept["length_s"] + 1


def test_without_a_recording_stop_says_what_can_be_saved(running: Page) -> None:
    running.stop()
    assert not running.part("after-open").is_displayed()
    assert "Nothing is kept" in running.text("after-hint")
    running.start()
    assert not running.part("after").is_displayed()


def test_on_a_phone_stop_shows_what_was_read_and_the_numbers_stay(page: Page) -> None:
    """The button for another start was scrolled to, and the summary above it out of sight."""
    page.size(390, 844, mobile=True)
    page.open().start()
    page.until("return Number(document.querySelector('[data-part=dropped]').textContent) > 1")
    before = int(page.text("dropped"))
    page.stop()
    top, bottom, header = page.run(
        "const {top, bottom} = document.querySelector('[data-part=after]').getBoundingClientRect();"
        "return [top, bottom, document.querySelector('.mien-header').getBoundingClientRect().bottom]"
    )
    assert header <= top < bottom <= 844
    page.until("return document.querySelector('[data-part=rate]').textContent === '–'")
    assert int(page.text("dropped")) >= before


HOLDING_MARKS = """
const send = window.fetch;
window.asked = [];
window.fetch = (url, options) => {
  if (!String(url).endsWith("/annotations")) return send(url, options);
  return new Promise((answer) => window.asked.push(() => answer(send(url, options))));
};
"""


def test_two_quick_marks_are_two(running: Page, subject: str) -> None:
    """Each is asked for after the one before it, or the answers could come in the other order."""
    record(running, subject)
    running.run(HOLDING_MARKS)
    running.run("const mark = document.querySelector('[data-part=mark]'); mark.click(); mark.click();")
    running.until("return window.asked.length")
    assert running.run("return window.asked.length") == 1
    running.run("window.asked[0]()")
    running.until("return window.asked.length === 2")
    running.run("window.asked[1]()")
    running.until_text("mark", "Mark (2)")
    running.press("keep-stop")
    running.until("return !document.querySelector('[data-part=keep-open]').hidden")
    running.press("keep-open")
    assert "Mark 1" in running.until_text("marks", "Mark 2")


def five_faces(shared: Path) -> list[np.ndarray]:
    picture = cv2.imread(str(shared / "data" / "images" / "multi_face.jpg"))[..., ::-1]
    return [np.ascontiguousarray(cv2.resize(picture, (640, 426))[:426, :640])] * 4


@pytest.fixture
def crowd(programs: tuple[str, str], shared: Path, server: MienLive, tmp_path: Path) -> Iterator[Page]:
    """A camera that sees five people."""
    from browser.chromium import chromium
    from browser.fake_camera import write_film

    server.choose("self")
    with chromium(*programs, write_film(tmp_path / "five.mjpeg", five_faces(shared))) as browser:
        yield Page(browser, server.address)


def test_five_faces_have_their_buttons_in_one_row(crowd: Page) -> None:
    crowd.size(390, 844, mobile=True)
    crowd.open().start()
    crowd.until("return document.querySelectorAll('[data-part=faces] button').length >= 5")
    tops = crowd.run(
        "return [...document.querySelectorAll('[data-part=faces] button')].map((each) => each.offsetTop)"
    )
    assert len(set(tops)) == 1
    names = crowd.run(
        "return [...document.querySelectorAll('[data-part=faces] button')].slice(1)"
        ".map((each) => each.ariaLabel)"
    )
    assert all(name.startswith("Face ") for name in names)
    assert crowd.faults() == []
    assert crowd.complaints() == []
