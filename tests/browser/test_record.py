"""The record's pages in a real browser: from an empty store to a year of days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.support.ui import Select

from browser.chromium import Page
from browser.mien_live import MienLive, mien_live
from mien.mood.simulated import simulate
from mien.record.simulated import write_simulated
from mien.store.schema import SelfReportRow
from mien.store.store import Store
from web import record_people as people

OVERLAPS = """
const texts = [...document.querySelectorAll('.lane text')];
const placed = texts.map((each) => [each.textContent, each.getBoundingClientRect()]);
const beside = (one, other) => one.right <= other.left || other.right <= one.left;
const above = (one, other) => one.bottom <= other.top + 4 || other.bottom <= one.top + 4;
const covers = (one, other) => !beside(one, other) && !above(one, other);
const under = ([, box], i) => placed.slice(i + 1).filter(([, other]) => covers(box, other));
return placed.flatMap((each, i) => under(each, i).map(([other]) => [each[0], other]));
"""

NAMED = (
    "return [...document.querySelectorAll('.lane-name')].some((each) => each.textContent === arguments[0])"
)

LEFT_OUT = """
const left = document.querySelector('.lanes svg').getBoundingClientRect().left;
const texts = [...document.querySelectorAll('.lanes text')];
return texts.filter((each) => each.getBoundingClientRect().left < left).map((each) => each.textContent);
"""

LAST_DAY = date.today() - timedelta(1)
"""Of what is recorded; nothing is of a moment that is yet to come."""
YEAR, ONE = "P-017", "P-001"


@pytest.fixture(scope="module")
def records(programs: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[MienLive]:
    """`mien live` over a record with a year of somebody, and a minute of somebody else."""
    folder = tmp_path_factory.mktemp("record")
    with Store(folder / "record.sqlite", who="tests") as store:
        write_a_year(store)
        one = store.subjects.add(ONE)
        people.record(store, one, that_morning(), series=people.readings(60), kind="camera")
    with mien_live(folder, store=folder / "record.sqlite") as running:
        yield running


def write_a_year(store: Store) -> None:
    first = LAST_DAY - timedelta(364)
    year = store.subjects.add(YEAR)
    store.consents.give(
        year, given_by="the person", purpose="to talk about it",
        given_at=datetime.combine(first, time(), people.BERLIN),
    )  # fmt: skip
    people.fill(store, year, year_of_days(), baseline_days=60)
    for day in range(0, 365, 7):
        at = datetime.combine(first + timedelta(day), datetime.min.time(), people.BERLIN) + timedelta(
            hours=12
        )
        store.self_reports.add(year, "mood", total=5, at=at)
        store.self_reports.add(year, "phq9", items=[1] * 8 + [0], at=at)
    store.annotations.add(year, "medication", "sertraline 50 mg", at=that_morning() - timedelta(100))
    store.texts.set_setting("false_alarm_days", 365)


def year_of_days() -> pd.DataFrame:
    """Return a year that gets flat, with four days in the dark and one with hardly any reading."""
    table = people.figures(365, first=LAST_DAY - timedelta(364), flat_from=270)
    table.loc[table.index[-40:-36], "light_mean"] = 0.05
    table.loc[table.index[-20], "usable_minutes"] = 0.5
    return table


def that_morning() -> datetime:
    return datetime.combine(LAST_DAY, time(9), people.BERLIN)


def opened(records: MienLive) -> Store:
    return Store(records.folder / "record.sqlite", who="tests")


@pytest.fixture
def page(blank: Chrome, records: MienLive) -> Iterator[Page]:
    page = Page(blank, records.address)
    yield page
    unexpected = [line for line in page.complaints() if "404" not in line and "409" not in line]
    assert unexpected == []


def open_year(page: Page) -> None:
    page.open(f"subjects/{YEAR}")
    page.until(
        "return document.querySelector('.lanes .line') && document.querySelectorAll('.finding').length"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(page: Page, theme: str) -> None:
    page.theme(theme)
    page.open("subjects")
    page.until("return document.querySelectorAll('.subject-row').length")
    open_all(page)
    assert page.faults() == []
    open_year(page)
    open_all(page)
    assert page.faults() == []
    page.press("day-list", "a")
    page.until("return document.querySelector('[data-part=moment]')?.textContent.trim()")
    open_all(page)
    assert page.faults() == []


def open_all(page: Page) -> None:
    page.run("for (const each of document.querySelectorAll('details')) each.open = true")


def test_a_phone_scrolls_up_and_down_only(page: Page, records: MienLive) -> None:
    page.phone()
    page.open("subjects")
    page.until("return document.querySelectorAll('.subject-row').length")
    open_all(page)
    assert page.too_wide() == []
    open_year(page)
    open_all(page)
    for scale in ("phq9", "gad7"):
        Select(page.part("scale")).select_by_value(scale)
        assert page.too_wide() == []
    page.open(f"subjects/{ONE}/recordings/{number(records, ONE)}")
    page.until("return document.querySelector('[data-part=moment]')?.textContent.trim()")
    assert page.too_wide() == []


def number(records: MienLive, code: str) -> int:
    days = records.ask(f"subjects/{code}/recordings")
    return int(list(days.values())[-1][0]["id"])


def test_a_year_is_drawn_and_moved_through_by_keys(page: Page) -> None:
    open_year(page)
    assert page.run("return window.mien.subject.drawnMs") >= 0
    lanes = page.part("lanes")
    last = lanes.get_attribute("aria-valuetext")
    lanes.send_keys(Keys.ARROW_LEFT)
    before = page.until("return document.querySelector('[data-part=lanes]').ariaValueText")
    assert before != last
    assert page.text("day-title") in before
    lanes.send_keys(Keys.HOME)
    year = (LAST_DAY - timedelta(364)).year
    assert str(year) in page.text("day-title")
    assert page.run("return document.querySelectorAll('.calendar .chosen').length") == 1


def test_names_and_axes_of_the_lanes_do_not_cover_each_other(page: Page) -> None:
    open_year(page)
    page.until(NAMED, "question 9")
    assert page.run(OVERLAPS) == []
    page.phone()
    page.until(NAMED, "PHQ-9, question 9")
    assert page.run(LEFT_OUT) == []


def test_gaps_stay_gaps(page: Page, records: MienLive) -> None:
    open_year(page)
    drawn = page.run("return document.querySelector('.lanes .curve .line').getAttribute('d')")
    apart = records.ask(f"subjects/{YEAR}/days")["apart"]
    days = [day.toordinal() for day, why in zip(year_of_days().index, apart, strict=True) if why is None]
    expected = 1 + sum(after - before > 1 for before, after in pairwise(days))
    assert drawn.count("M") == expected > 10


def test_days_that_can_not_be_compared_are_grey_and_say_why(page: Page, records: MienLive) -> None:
    open_year(page)
    told = records.ask(f"subjects/{YEAR}/days")
    apart = dict(zip(told["days"], told["apart"], strict=True))
    grey = page.run("return document.querySelectorAll('.lanes .curve .dot.apart').length")
    assert grey == sum(why is not None for why in apart.values()) >= 5
    assert page.part("apart-key").is_displayed()
    # That it was dark is over, and stands unfolded, before everything else.
    assert page.part("conditions").is_displayed()
    assert page.text("conditions", ".finding").startswith("Light")
    lanes = page.part("lanes")
    day = max(day for day, why in apart.items() if why == "too little of it could be read")
    for _ in range(len(told["days"]) - 1 - told["days"].index(day)):
        lanes.send_keys(Keys.ARROW_LEFT)
    assert "This day can't be compared with the others: too little" in page.text("day-words")


def test_a_whole_questionnaire_gets_the_pages_width(page: Page) -> None:
    open_year(page)
    width = "return document.querySelector('[data-part=questions]').offsetWidth"
    narrow = page.run(width)
    Select(page.part("scale")).select_by_value("phq9")
    assert page.run(width) > 2 * narrow
    top = "return document.querySelector(arguments[0]).getBoundingClientRect().top"
    assert page.run(top, "[data-part=questions]") < page.run(top, "[data-part=main]")
    Select(page.part("scale")).select_by_value("mood")
    assert page.run(width) == narrow


def test_words_and_charts_tell_of_the_change(page: Page) -> None:
    open_year(page)
    page.until_text("findings", "usual")
    assert page.run("return document.querySelectorAll('.lanes .chart .limit').length") == 4
    assert page.run("return document.querySelectorAll('.lanes .alarm').length") >= 1
    Select(page.part("false-alarms")).select_by_value("")
    page.until("return !document.querySelector('.lanes .chart')")
    assert page.part("no-alarms").is_displayed()
    Select(page.part("false-alarms")).select_by_value("365")
    page.until("return document.querySelector('.lanes .chart')")


def test_another_measure_and_a_shorter_span(page: Page) -> None:
    open_year(page)
    Select(page.part("measure")).select_by_value("arousal_mean")
    page.until_text("definition", "Arousal")
    days = page.run("return document.querySelectorAll('.day').length")
    Select(page.part("span")).select_by_value("month")
    assert page.run("return document.querySelectorAll('.day').length") == 31 < days


def test_from_a_new_subject_to_consent_and_back(page: Page) -> None:
    page.open("subjects")
    page.until("return document.querySelectorAll('.subject-row').length")
    page.run("document.querySelector('[data-part=adding]').open = true")
    form = page.part("add")
    form.find_element("name", "code").send_keys("P-030")
    form.submit()
    page.until("return location.pathname === '/subjects/P-030'")
    page.until_text("consent-words", "no consent yet")
    page.press("consent-form", ".check input")
    page.press("consent-form", "button[type=submit]")
    page.until_text("consent-words", "Given by the person")
    page.press("withdraw")
    page.press("withdraw-sure", "button.danger")
    page.until_text("consent-words", "withdrawn")


def test_the_safety_text_stands_at_once_and_after_keeping(page: Page) -> None:
    page.open(f"subjects/{ONE}")
    page.until_text("about", "1 recording")
    Select(page.part("scale")).select_by_value("phq9")
    answer = "form[data-scale=phq9] [data-item='{}'] input[value='{}']"
    for item in range(8):
        page.run("document.querySelector(arguments[0]).click()", answer.format(item, 0))
    assert not page.part("safety").is_displayed()
    page.run("document.querySelector(arguments[0]).click()", answer.format(8, 1))
    assert "talk to somebody now" in page.text("safety")
    page.press("questions", "form[data-scale=phq9] button[type=submit]")
    page.until_text("report-said", "Saved: PHQ-9 1")
    assert page.part("safety").is_displayed()
    page.until("return document.querySelectorAll('.lanes .point.alert').length === 2")  # total and ninth
    assert "talk to somebody now" in page.text("safety-record")


def test_questions_may_be_left_open_and_are_there_in_other_languages(page: Page, records: MienLive) -> None:
    with opened(records) as store:
        subject = store.subjects.get(ONE)
        with store.transaction() as session:
            session.add(
                SelfReportRow(subject_id=subject.id, at=store.now(), scale="PHQ-9", total=12, note="")
            )
    page.open(f"subjects/{ONE}")
    page.until_text("safety-record", "is not known")
    Select(page.part("scale")).select_by_value("phq9")
    Select(page.part("language")).select_by_value("de")
    german = "form[data-scale=phq9][data-language=de]"
    assert "lieber tot wären" in page.text("questions", german)
    answer = german + " [data-item='{}'] input[value='{}']"
    page.run("document.querySelector(arguments[0]).click()", answer.format(8, 2))
    assert "talk to somebody now" in page.text("safety")
    page.press("questions", f"{german} button[type=reset]")
    page.until("return document.querySelector('[data-part=safety]').hidden")
    page.run("document.querySelector(arguments[0]).click()", answer.format(0, 1))
    page.press("questions", f"{german} button[type=submit]")
    page.until_text(
        "report-said", "no total, 1 of 9 answers. How the ninth question was answered is not known"
    )
    page.run("document.querySelector('[data-part=marks-room]').open = true")
    page.press("marks", "button:not([aria-label])")
    page.until(
        "return ![...document.querySelectorAll('button')].some((each) => each.textContent === 'It is PHQ-9')"
    )
    with opened(records) as store:
        assert store.self_reports.mistyped() == []


def test_a_new_recording_takes_neither_press_nor_focus_away(page: Page, records: MienLive) -> None:
    """The page looks every few seconds whether there is one, and drew all rows anew."""
    with opened(records) as store:
        subject = store.subjects.add("P-035")
        given = that_morning() - timedelta(7)
        store.consents.give(subject, given_by="the person", purpose="to talk about it", given_at=given)
        store.annotations.add(subject, "event", "tired", at=that_morning())
        page.open("subjects/P-035")
        page.until_text("marks", "tired")
        page.run("document.querySelector('[data-part=marks-room]').open = true")
        remove = page.browser.find_element("css selector", "[data-part=marks] button")
        page.run("arguments[0].focus()", remove)
        people.record(store, subject, that_morning(), series=people.readings(60), kind="camera")
        page.run("window.mien.subject.look()")
        page.until_text("about", "1 recording")
        assert page.browser.switch_to.active_element == remove
        remove.click()
        page.until("return !document.querySelector('[data-part=marks] li')")
        assert store.annotations.of(subject) == []


def test_a_note_is_put_where_the_timeline_was_clicked(page: Page, records: MienLive) -> None:
    page.open(f"subjects/{ONE}/recordings/{number(records, ONE)}")
    page.until("return document.querySelector('[data-part=moment]')?.textContent.trim()")
    tape = page.part("tape")
    ActionChains(page.browser).move_to_element(tape).click().perform()
    chosen = page.run("return window.mien.recording.chart.nowS")
    assert 15 < chosen < 45
    page.part("note-form").find_element("name", "text").send_keys("laughs")
    page.press("note-form", "button[type=submit]")
    page.until_text("marks", "laughs")
    with opened(records) as store:
        (mark,) = [each for each in store.annotations.of(store.subjects.get(ONE)) if each.text == "laughs"]
        recording = store.recordings.of(store.subjects.get(ONE))[-1]
    assert (mark.at - recording.started_at).total_seconds() == pytest.approx(chosen, abs=0.01)


def test_a_short_span_moves_along_with_the_keys(page: Page, records: MienLive) -> None:
    page.open(f"subjects/{ONE}/recordings/{number(records, ONE)}")
    page.until("return document.querySelector('[data-part=moment]')?.textContent.trim()")
    Select(page.part("span")).select_by_value("30")
    page.until("return window.mien.recording.chart.shown[1] < 31")
    page.part("tape").send_keys(Keys.PAGE_UP * 11)
    page.until(
        "const {nowS, shown: [from, to]} = window.mien.recording.chart;"
        "return from > 0 && nowS >= from && nowS <= to"
    )
    assert "no reading" not in page.text("moment")
    page.part("tape").send_keys(Keys.HOME)
    page.until("return window.mien.recording.chart.shown[0] === 0")


def test_a_video_from_the_disk_plays_in_step_and_is_not_sent(
    page: Page, records: MienLive, tmp_path: Path
) -> None:
    import av
    import numpy as np

    film = tmp_path / "session.webm"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libvpx", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(300):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade % 256, np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    page.open(f"subjects/{ONE}/recordings/{number(records, ONE)}")
    page.until("return document.querySelector('[data-part=moment]')?.textContent.trim()")
    page.part("file").send_keys(str(film))
    page.until("return document.querySelector('video').duration > 50")
    page.part("tape").send_keys(Keys.HOME, *[Keys.PAGE_UP] * 5)
    page.until(
        "const {chart} = window.mien.recording;"
        "return Math.abs(document.querySelector('video').currentTime - chart.nowS) < 0.3"
    )
    assert page.run("return window.mien.recording.chart.nowS") == pytest.approx(30, abs=1)
    assert page.run("return document.querySelector('video').src").startswith("blob:")
    sent = page.run(
        "return performance.getEntriesByType('resource').filter((e) => e.name.includes('session')).length"
    )
    assert sent == 0


def test_a_subject_erased_while_its_page_is_open(page: Page, records: MienLive) -> None:
    with opened(records) as store:
        subject = store.subjects.add("P-031")
        page.open("subjects/P-031")
        page.until_text("about", "Nothing is recorded yet")
        store.erase(subject)
    page.run("window.mien.subject.look()")
    page.until("return document.querySelector('[data-part=gone]').checkVisibility()")
    page.until("return location.pathname === '/subjects' && location.search.includes('P-031')")
    page.until_text("gone", "P-031 is no longer in the record")


def test_a_code_that_is_nobodys_says_so(page: Page) -> None:
    page.open("subjects/P-999")
    assert "there is no subject P-999" in page.until_text("trouble", "P-999")
    assert not page.run(
        "return [...document.querySelectorAll('form')].some((each) => each.checkVisibility())"
    )


def test_the_camera_is_recorded_for_a_subject_and_the_page_says_so(page: Page, records: MienLive) -> None:
    with opened(records) as store:
        subject = store.subjects.add("P-032")
        store.consents.give(subject, given_by="the person", purpose="to talk about it")
        write_simulated(store, "SIM-1", simulate(1, 1, start=LAST_DAY - timedelta(14)))
    records.choose("self")
    page.open().start()
    page.run("document.querySelector('[data-part=keep-room]').open = true")
    offered = "return [...document.querySelector('[data-part=keep-subject]').options].map(({value}) => value)"
    page.until("return document.querySelector('[data-part=keep-subject]').options.length")
    assert "SIM-1" not in page.run(offered)
    Select(page.part("keep-subject")).select_by_value("P-032")
    page.until("return !document.querySelector('[data-part=keep-start]').disabled")
    page.press("keep-start")
    page.until_text("keeping-words", "Recording P-032")
    words = "document.querySelector('[data-part=keeping]').textContent"
    page.until(rf"return /[1-9]\d* readings? kept/.test({words})")
    assert "Recording P-032" in page.browser.find_element("id", "camera-pill").text
    assert page.faults() == []
    page.press("keep-stop")
    page.until("return document.querySelector('[data-part=keep-stop]').hidden")
    assert "Recorded for P-03" in page.text("keeping-words")
    assert "/recordings/" in page.part("keep-open").get_property("href")
    page.stop()
    with opened(records) as store:
        (kept,) = store.recordings.of(store.subjects.get("P-032"))
    assert kept.kind == "browser"
    assert kept.frames > 0


def test_record_on_a_subjects_page_records_that_subject(page: Page, records: MienLive) -> None:
    with opened(records) as store:
        for code in ("P-033", "P-034"):
            subject = store.subjects.add(code)
            store.consents.give(subject, given_by="the person", purpose="to talk about it")
    records.choose("self")
    page.open("subjects/P-034")
    page.until_text("first-step", "Consent is given")
    page.press("record-now")
    page.until("return document.querySelector('[data-part=keep-subject]')?.value === 'P-034'")
    page.until_text("keep-help", "the recording of P-034 begins with it")
    page.press("start")
    page.until_text("keeping-words", "Recording P-034")
    page.until_text("keeping-words", "a browser's camera")
    assert page.run("return location.search") == ""
    page.press("keep-stop")
    page.until("return document.querySelector('[data-part=keep-stop]').hidden")
    assert "Recorded for P-03" in page.text("keeping-words")
    assert "/recordings/" in page.part("keep-open").get_property("href")
    page.stop()
    with opened(records) as store:
        assert [len(store.recordings.of(store.subjects.get(code))) for code in ("P-033", "P-034")] == [0, 1]


def test_the_report_is_saved_and_what_is_wrong_is_said(page: Page) -> None:
    open_year(page)
    page.run(
        "const make = URL.createObjectURL.bind(URL);"
        "URL.createObjectURL = (blob) => { window.saved = blob; return make(blob); }"
    )
    page.press("report-room", "[data-report][href$=pdf]")
    assert page.until("return window.saved?.type") == "application/pdf"
    assert page.run("return window.saved.slice(0, 5).text()") == "%PDF-"
