"""What is between page and program: the password, requests, a program that ends and comes back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome

from browser.chromium import Page, chromium
from browser.mien_live import MienLive, mien_live
from needs import program

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def locked(programs: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[MienLive]:
    """`mien live portrait` with a password."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "password.txt").write_text(f"{PASSWORD}\n")
    with mien_live(folder, "portrait", "--password-file", folder / "password.txt") as running:
        yield running


@pytest.fixture
def door(blank: Chrome, locked: MienLive) -> Page:
    return Page(blank, locked.address)


def log_in(door: Page, password: str) -> None:
    field = door.until("return document.getElementById('password')")
    field.clear()
    field.send_keys(password + "\n")


def test_the_page_asks_for_the_password_and_then_shows_the_source(door: Page) -> None:
    door.browser.get(door.address)
    door.until("return location.pathname === '/login'")
    assert door.complaints() == []
    log_in(door, "something else")
    assert door.until("return document.getElementById('problem')?.textContent") == "That is not the password."
    assert all("401" in complaint for complaint in door.complaints())
    log_in(door, PASSWORD)
    door.until("return location.pathname === '/' && window.mien?.stats.readings > 2")
    assert door.run("return document.cookie") == ""  # scripts don't see it
    (cookie,) = door.browser.get_cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["domain"]) == (True, "Strict", "127.0.0.1")
    door.open("files")
    door.open("about")
    assert door.complaints() == []
    door.browser.find_element("css selector", "form[action='/logout'] button").click()
    door.until("return location.pathname === '/login'")
    door.browser.get(door.address)
    door.until("return location.pathname === '/login'")


def test_a_page_whose_session_has_ended_leads_to_the_login(door: Page) -> None:
    door.browser.get(door.address)
    door.until("return location.pathname === '/login'")
    log_in(door, PASSWORD)
    door.until("return location.pathname === '/'")
    door.open("about")
    # As when it ends in another tab: the server knows the cookie no more.
    door.run("return fetch('/logout', {method: 'POST', redirect: 'manual'})")
    door.run("window.dispatchEvent(new Event('online'))")  # which has a page look at once
    door.until("return location.pathname === '/login'")


@pytest.mark.parametrize("width", [360, 640, 700, 1000])
def test_the_header_has_room_for_all_in_one_row(door: Page, width: int) -> None:
    door.browser.get(door.address)
    door.until("return location.pathname === '/login'")
    log_in(door, PASSWORD)
    door.until("return location.pathname === '/'")
    door.size(width, 800, mobile=width < 600)
    door.open("about")
    door.run(
        "const pill = document.getElementById('camera-pill'); pill.hidden = false;"
        "pill.textContent = 'P-017 is being recorded · Camera on: front door'"
    )
    assert door.too_wide() == []
    first, last = (
        door.browser.find_element("css selector", f".mien-header {name}").rect
        for name in (".brand", "form button")
    )
    assert abs(first["y"] + first["height"] / 2 - last["y"] - last["height"] / 2) < 8


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_door_is_for_everybody(door: Page, theme: str) -> None:
    door.theme(theme)
    door.phone()
    door.open("login")
    assert door.run("return document.activeElement.id") == "password"
    assert door.too_wide() == []
    assert door.faults() == []
    log_in(door, "something else")
    door.until("return document.getElementById('problem')")
    assert door.faults() == []


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine that nobody has signed, as on a Raspberry Pi; and its key."""
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(
        [
            program("openssl", "which makes the certificate"), "req", "-x509", *curve, "-subj", "/CN=mien",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.mark.usefixtures("blank")
def test_under_tls_the_camera_runs_and_the_cookie_stays_there(
    programs: tuple[str, str], film: Path, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "password.txt").write_text(f"{PASSWORD}\n")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "purpose.json").write_text('{"purpose": "self"}')
    options = ("--tls-cert", certificate[0], "--tls-key", certificate[1])
    with (
        mien_live(tmp_path, *options, "--password-file", tmp_path / "password.txt") as running,
        chromium(*programs, film, "--ignore-certificate-errors") as browser,
    ):
        assert running.address.startswith("https://127.0.0.1:")
        page = Page(browser, running.address)
        browser.get(page.address)
        page.until("return location.pathname === '/login'")
        log_in(page, PASSWORD)
        page.until("return location.pathname === '/' && window.mien")
        (cookie,) = browser.get_cookies()
        assert cookie["name"].startswith("__Host-")
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
        page.start()
        page.stop()
        assert page.complaints() == []


@pytest.mark.usefixtures("blank")
def test_nothing_is_asked_of_another_host(programs: tuple[str, str], film: Path, server: MienLive) -> None:
    """By what the browser notes of its requests, and by what each page says of its resources."""
    server.choose("self")
    with chromium(*programs, film, log_requests=True) as browser:
        page = Page(browser, server.address)
        loaded: list[str] = []
        for view in ("about", "files", ""):
            page.open(view)
            loaded += page.run("return performance.getEntriesByType('resource').map(({name}) => name)")
        page.start()
        page.stop()
        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        assert page.complaints() == []
    asked = [
        event["params"]["request"]["url"] if "request" in event["params"] else event["params"]["url"]
        for event in events
        if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")
    ]
    assert any(url.startswith("ws:") and "/ws/camera" in url for url in asked)
    assert any("live.js" in url for url in loaded)
    addresses = {
        urlsplit(url).netloc for url in (*asked, *loaded) if urlsplit(url).scheme not in ("data", "blob")
    }
    assert addresses == {urlsplit(server.address).netloc}


def test_a_program_that_ends_is_said_and_its_return_is_noticed(
    blank: Chrome, programs: tuple[str, str], tmp_path: Path
) -> None:
    page = Page(blank, "")
    with mien_live(tmp_path) as first:
        first.choose("self")
        page.address = first.address
        page.open().start()
        first.kill()
        page.until_text("notice", "No connection to the program")
        assert page.part("notice").is_displayed()
        assert page.run("return window.mien.state.trackState") == "live"
    before = page.run("window.isTheSamePage = true; return window.mien.stats.readings")
    with mien_live(tmp_path, port=first.port):
        page.until("return window.mien.stats.readings > arguments[0] + 3", before)
        page.until(
            "const notice = document.querySelector('[data-part=notice]');"
            "return notice.hidden || !notice.textContent.includes('No connection')"
        )
        assert page.run("return window.isTheSamePage"), "a page that loads anew ends the camera"
        page.stop()


def test_a_program_that_is_ended_by_its_user_is_said_as_well(
    blank: Chrome, programs: tuple[str, str], tmp_path: Path
) -> None:
    with mien_live(tmp_path, "portrait") as running:
        page = Page(blank, running.address)
        page.open()
        page.until("return window.mien.stats.drawn > 2")
    page.until_text("notice", "No connection to the program")
    assert running.process.returncode == 0


def test_every_page_says_that_the_program_is_gone_and_finds_it_again(
    blank: Chrome, programs: tuple[str, str], tmp_path: Path
) -> None:
    look = "window.dispatchEvent(new Event('online'))"
    page = Page(blank, "")
    with mien_live(tmp_path) as first:
        page.address = first.address
        page.open("subjects")
        page.until("return document.querySelector('[data-part=adding]').open")
        first.kill()
        page.until(f"{look}; return !document.getElementById('lost').hidden")
        lost = page.browser.find_element("id", "lost")
        assert lost.text == "The program does not answer. Is it still running?"
        page.browser.find_element("name", "code").send_keys("P-017")
    page.run("window.isTheSamePage = true")
    with mien_live(tmp_path, port=first.port):
        page.until(f"{look}; return document.getElementById('lost').hidden")
        assert page.run("return window.isTheSamePage"), "what was typed would be lost"
        page.open("about")
        page.run("window.isTheSamePage = true")
    with mien_live(tmp_path, port=first.port):
        page.until(f"{look}; return !window.isTheSamePage")
        assert page.run("return location.pathname") == "/about"
