from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from browser.chromium import Page, chromium
from browser.fake_camera import SLOWLY, images_of, write_film
from browser.mien_live import MienLive, mien_live
from needs import program


@pytest.fixture(scope="session")
def programs() -> tuple[str, str]:
    return program("chromium", "a browser"), program("chromedriver", "which drives it")


@pytest.fixture(scope="session")
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's camera sees: a man who begins to smile; without the shared data, the portrait."""
    try:
        video: str | Path = request.getfixturevalue("shared") / "data" / "video" / "single_face.mp4"
    except pytest.skip.Exception:
        video = "portrait"
    return write_film(tmp_path_factory.mktemp("film") / "camera.mjpeg", images_of(video), each=SLOWLY)


@pytest.fixture(scope="session")
def server(programs: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[MienLive]:
    """`mien live` without a source: it waits for the browser's camera."""
    with mien_live(tmp_path_factory.mktemp("mien")) as running:
        yield running


@pytest.fixture(scope="session")
def browser(programs: tuple[str, str], film: Path) -> Iterator[Chrome]:
    with chromium(*programs, film) as running:
        yield running


@pytest.fixture
def blank(browser: Chrome) -> Iterator[Chrome]:
    """The browser as if it had just been opened; afterwards nothing runs in it any more."""
    yield browser
    browser.get("about:blank")
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.get_log("browser")


@pytest.fixture
def page(blank: Chrome, server: MienLive) -> Iterator[Page]:
    """A page of the server, with a purpose chosen; its console must stay silent."""
    blank.execute_cdp_cmd(
        "Storage.clearDataForOrigin", {"origin": server.address, "storageTypes": "local_storage"}
    )
    server.choose("self")
    page = Page(blank, server.address)
    yield page
    assert page.complaints() == []
