"""The files view: photographs, a video, and what is neither, against `mien analyze` of the same files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import httpx
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.support.ui import Select

import mien
from browser.chromium import LIMIT_S, Page
from browser.fake_camera import images_of
from browser.mien_live import MienLive
from mien.show.video import ClipWriter
from mien.store.store import Store
from mien.table import COLUMNS

RATE_HZ = 25


@pytest.fixture
def files(page: Page) -> Iterator[Page]:
    yield page.open("files")
    page.run("return fetch('/api/v1/files', {method: 'DELETE'}).then(({status}) => status)")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the portrait as a browser plays it."""
    path = tmp_path_factory.mktemp("clip") / "portrait.mp4"
    images = images_of("portrait")[: 2 * RATE_HZ]
    with ClipWriter(path, (640, 360)) as writer:
        for index, image in enumerate(images):
            writer.write(image, index / RATE_HZ)
    return path


def send(page: Page, *paths: Path) -> None:
    page.part("input").send_keys("\n".join(map(str, paths)))


def shown(page: Page, name: str) -> None:
    """Wait until a result is there."""
    page.until("return !document.querySelector('[data-part=result]').hidden")
    page.until_text("title", name)
    page.until("return document.querySelectorAll('[data-part=rows] tr').length > 0")


def saved_table(page: Page) -> pd.DataFrame:
    """Return the table that the page offers to save."""
    answer = httpx.get(page.part("download").get_property("href"), trust_env=False, timeout=LIMIT_S)
    return pd.read_csv(StringIO(answer.raise_for_status().text))


def test_a_photograph_gets_label_table_and_marks(files: Page, portrait_path: Path) -> None:
    expected = mien.analyze(portrait_path).frame
    send(files, portrait_path)
    shown(files, portrait_path.name)
    said = (
        f"1 face: {expected['expression'][0]}. Read by network mien. Of faces that most people call contempt"
    )
    assert files.text("found").startswith(said)
    head = files.run(
        "return [...document.querySelectorAll('[data-part=head] th')].map((cell) => cell.textContent)"
    )
    assert head[:3] == ["face", "expression", "confidence"]
    assert sorted(head) == sorted({"track": "face"}.get(name, name) for name in COLUMNS)
    cells = files.run(
        "return [...document.querySelectorAll('[data-part=rows] td')].map((cell) => cell.textContent)"
    )
    row = dict(zip(head, cells, strict=True))
    assert row["expression"] == expected["expression"][0]
    for column in ("x", "width", "p_happiness", "valence"):
        assert float(row[column]) == pytest.approx(expected[column][0], abs=0.06)
    assert_frame_equal(saved_table(files), expected, check_dtype=False, atol=0.02)

    pixels = """
      const picture = document.querySelector('[data-part=picture]');
      if (!picture.complete || !picture.naturalWidth || !picture.src.endsWith(arguments[0])) return null;
      const size = {width: picture.naturalWidth, height: picture.naturalHeight};
      const canvas = Object.assign(document.createElement('canvas'), size);
      canvas.getContext('2d').drawImage(picture, 0, 0);
      return [canvas.width, canvas.height, canvas.toDataURL()];
    """
    marked = files.until(pixels, "/annotated")
    files.press("marked")
    plain = files.until(pixels, "/original")
    assert marked[:2] == plain[:2] == [512, 600]
    assert marked[2] != plain[2]
    assert files.faults() == []
    files.phone()
    assert files.too_wide() == []


def test_a_photograph_says_why_by_the_chosen_network(files: Page, portrait_path: Path) -> None:
    (expected,) = mien.explain(portrait_path, network="paper")
    Select(files.part("network")).select_by_value("paper")
    send(files, portrait_path)
    shown(files, portrait_path.name)
    assert files.text("found").endswith("Read by network paper.")
    drawn = """
      const picture = document.querySelector(`[data-part=${arguments[0]}]`);
      return picture.checkVisibility() && picture.complete && picture.naturalWidth;
    """
    assert files.until(drawn, "picture") == 512
    files.press("why")
    words = files.until_text("words", "Read as")
    assert words.split(".")[0] == expected.plain_words.split(".")[0]
    assert expected.words.split(":")[0] in files.text("figures")
    width = files.until(drawn, "why-picture")
    assert width > 640
    assert not files.part("marked").is_enabled()
    assert files.faults() == []
    assert files.part("why-link").get_property("href") == files.part("why-picture").get_property("src")
    files.phone()
    assert files.too_wide() == []
    # As large as can be read, in a box that the keyboard reaches and scrolls.
    assert files.part("why-picture").size["width"] >= 0.75 * width
    sheet = files.part("sheet")
    assert sheet.size["width"] < 360
    sheet.send_keys(Keys.ARROW_RIGHT)
    files.until("return document.querySelector('[data-part=sheet]').scrollLeft > 0")
    assert files.faults() == []
    files.press("why")
    assert files.until(drawn, "picture") == 512
    assert not files.part("reasons").is_displayed()
    assert not sheet.is_displayed()


def test_each_new_file_opens_itself_until_somebody_opens_another(
    files: Page, portrait_path: Path, tmp_path: Path
) -> None:
    first, second, third = (tmp_path / f"{name}.jpg" for name in ("first", "second", "third"))
    for path in (first, second, third):
        path.write_bytes(portrait_path.read_bytes())
    send(files, first)
    shown(files, first.name)
    Select(files.part("network")).select_by_value("paper")
    assert "Read by network mien." in files.text("found")  # chosen for the next files
    send(files, second, third)
    shown(files, second.name)
    assert "Read by network paper." in files.text("found")
    files.until("return document.querySelectorAll('button.upload-name:not([hidden])').length === 3")
    assert files.text("title") == second.name  # the rest of a batch takes nothing away


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "broken.jpg",
            b"\xff\xd8\xff\xe0 this is no photograph" * 20,
            "damaged|not a|cannot be read|can't be read",
        ),
        ("broken.mp4", b"\x00\x00\x00\x18ftypmp42 this is no film" * 20, "expected a video"),
        ("empty.jpg", b"", "is empty"),
        ("letter.txt", b"Dear Sir", "neither a photograph nor a video"),
    ],
    ids=["photograph", "video", "empty", "text"],
)
def test_a_file_that_can_not_be_read_is_one_clear_line(
    files: Page, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    send(files, path)
    said = files.until("return document.querySelector('.upload-state.error')?.textContent")
    assert "\n" not in said
    assert "Traceback" not in said
    assert str(files.address) not in said
    assert any(word in said for word in words.split("|")), said
    assert name in files.text("spoken")
    assert not files.part("result").is_displayed()


def test_the_others_are_read_when_one_is_broken(files: Page, portrait_path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    send(files, broken, portrait_path)
    shown(files, portrait_path.name)
    assert len(files.browser.find_elements("css selector", ".upload-state.error")) == 1
    files.press("forget")
    files.until("return document.querySelectorAll('.upload').length === 0")


def test_the_timeline_leads_to_the_videos_moments(files: Page, clip: Path) -> None:
    send(files, clip)
    shown(files, clip.name)
    files.until("const video = document.querySelector('video'); return video.readyState >= 2 && !video.error")
    duration_s = files.run("return document.querySelector('video').duration")
    assert duration_s == pytest.approx(2, abs=0.1)
    timeline = files.part("timeline")
    files.until("return document.querySelector('[data-part=timeline]').clientWidth > 0")
    left, right = 62, 6  # what chart.js leaves beside the picture of the course
    width = timeline.size["width"]
    for share in (0.75, 0.25):
        from_middle = left + share * (width - left - right) - width / 2
        ActionChains(files.browser).move_to_element_with_offset(
            timeline, round(from_middle), 0
        ).click().perform()
        files.until(
            "const video = document.querySelector('video');"
            "return !video.seeking && Math.abs(video.currentTime - arguments[0]) < 0.05",
            share * duration_s,
        )
    assert files.text("moment").startswith("0:00.5: ")
    timeline.send_keys(Keys.END)
    files.until("return document.querySelector('video').currentTime > arguments[0]", duration_s - 0.1)
    assert timeline.get_attribute("aria-valuenow") == "2.0"
    assert files.faults() == []
    files.phone()
    assert files.too_wide() == []

    expected = mien.analyze(clip).frame
    assert len(saved_table(files)) == len(expected)
    assert f"A face in {len(expected)} of {len(expected)} frames" in files.text("found")


def test_the_marked_copies_are_offered_under_the_files_own_name(
    files: Page, portrait_path: Path, clip: Path
) -> None:
    send(files, portrait_path, clip)
    shown(files, portrait_path.name)
    link = files.part("annotated")
    assert files.text("annotated-words") == "Picture with marks"
    assert link.get_attribute("download") == f"{portrait_path.stem}.annotated.jpg"
    picture = httpx.get(link.get_property("href"), trust_env=False, timeout=LIMIT_S).raise_for_status()
    assert picture.content.startswith(b"\xff\xd8\xff")
    # Both are ready: a row for each and two totals, and the list itself says what was found.
    files.until("return document.querySelectorAll('[data-part=overview-rows] tr').length === 4")
    rows = files.run(
        "return [...document.querySelectorAll('[data-part=overview-rows] tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    assert [row[0] for row in rows] == [
        portrait_path.name, clip.name, "Total of 1 photograph", "Total of 1 video",
    ]  # fmt: skip
    assert rows[0][1:3] == rows[2][1:3]
    assert files.run("return document.querySelector('.upload-state').textContent").startswith("1 face: ")
    files.run(
        "[...document.querySelectorAll('button.upload-name')]"
        ".find((each) => each.textContent === arguments[0]).click()",
        clip.name,
    )
    files.until_text("annotated-words", "Clip with marks")
    assert link.get_attribute("download") == f"{clip.stem}.annotated.mp4"
    assert files.faults() == []
    files.phone()
    assert files.too_wide() == []


def test_a_file_goes_into_a_subjects_record(files: Page, server: MienLive, portrait_path: Path) -> None:
    with Store(server.folder / "record.sqlite", who="tests") as store:
        subject = store.subjects.add("P-060")
        store.consents.give(
            subject,
            given_by="the person",
            purpose="to talk about it",
            given_at=datetime(2020, 1, 1, tzinfo=UTC),
        )
    send(files, portrait_path)
    shown(files, portrait_path.name)
    files.press("record-room", "summary")
    files.until("return document.querySelector('[data-part=record-subject]').options.length")
    Select(files.part("record-subject")).select_by_value("P-060")
    assert files.part("record-at").get_property("value")  # the file's own date
    files.run("document.querySelector('[data-part=record-at]').value = '2026-05-01T09:30:00'")
    files.press("record-start")
    files.until_text("record-said", "in the record of P-060: 1 of 1 frames")
    assert files.faults() == []
    (kept,) = (each for day in server.ask("subjects/P-060/recordings").values() for each in day)
    assert (kept["kind"], kept["day"]) == ("photograph", "2026-05-01")
    files.press("record-open")
    files.until_text("about", "1 frame read")


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of the portrait."""
    path = tmp_path_factory.mktemp("clip") / "long.mp4"
    with ClipWriter(path, (640, 360)) as writer:
        for index, image in enumerate(images_of("portrait")[: 4 * RATE_HZ : 2]):
            writer.write(image, 2 * index / RATE_HZ)
    return path


AT = """
  const video = document.querySelector('video');
  return !video.seeking && Math.abs(video.currentTime - arguments[0]) < 0.06;
"""


def test_a_summary_of_a_video_leads_to_its_moments(files: Page, long_clip: Path) -> None:
    send(files, long_clip)
    shown(files, long_clip.name)
    files.run("document.querySelector('[data-part=moments-room]').open = true")
    Select(files.part("moments-length")).select_by_value("30%")
    files.press("moments-start")
    files.until("return document.querySelector('[data-part=moments-done]').checkVisibility()")
    buttons = files.run(
        "return [...document.querySelectorAll('.moments button')].map((each) => each.textContent)"
    )
    assert len(buttons) == 1
    assert re.match(r"0:0\d\.\d: ", buttons[0])
    files.run("document.querySelector('.moments button').click()")
    place_s = float(buttons[0].split(": ")[0].removeprefix("0:"))
    files.until(AT, place_s)
    assert files.part("timeline").get_attribute("aria-valuenow") == f"{place_s:.1f}"
    film = httpx.get(files.part("moments-clip").get_property("href"), trust_env=False, timeout=LIMIT_S)
    assert film.raise_for_status().headers["content-type"] == "video/mp4"
    assert "not its replacement" in files.part("moments-room").text
    assert files.faults() == []
    files.phone()
    assert files.too_wide() == []


def test_a_summarys_own_page_jumps_in_summary_and_recording(
    page: Page, long_clip: Path, tmp_path: Path
) -> None:
    summary = mien.summarize(long_clip, "30%", out=tmp_path)
    (piece,) = summary.pieces
    page.browser.get((tmp_path / "summary.html").as_uri())
    try:
        page.until("return document.querySelector('video').readyState > 0")
        page.run("document.querySelector('video').play = () => Promise.resolve()")  # to stand still
        page.run("document.querySelector('video').currentTime = 0.5")
        page.until(AT, 0.5)  # Chromium may drop a jump that comes while another is under way
        page.run(
            "document.querySelector('svg .piece').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
        )
        page.until(AT, 0.0)
        page.run("document.querySelector('video').currentTime = 0.5")
        page.until(AT, 0.5)
        # Another film at the same moment, there and back.
        page.run("document.querySelector('input[value=recording]').click()")
        page.until(AT, piece.start_s + 0.5)
        page.run("document.querySelector('input[value=summary]').click()")
        page.until(AT, 0.5)
        page.run("document.querySelector('input[value=recording]').click()")
        page.run("document.querySelector('ol button').click()")
        page.until(AT, piece.start_s)
        assert page.run("return document.querySelectorAll('ol img').length") == 1
        assert piece.reason in page.run("return document.body.textContent")
    finally:
        page.open("files")
