"""Takes the pictures of the page that the README, docs/live.md and docs/signals.md show, with a real browser.

    python docs/screenshots.py
    python docs/screenshots.py --only sensors

Needs chromium and chromedriver, and nothing else that is not in the repository: the browser's camera sees the
built-in portrait (Grace Hopper, US Navy, public domain).
"""

from __future__ import annotations

import argparse
import base64
import shutil
import sys
import tempfile
from pathlib import Path
from threading import Event

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from browser.chromium import Page, chromium
from browser.fake_camera import images_of, write_film
from browser.mien_live import mien_live
from mien.record.simulated import write_demonstration
from mien.source.portrait import portrait_path
from mien.store.store import Store
from screenshots_report import take_report

DOCS = Path(__file__).parent
DESKTOP_WH = (1280, 1150)
LIVE_WH = (1400, 900)
SENSORS_S = 100.0
"""Before a minute the body has no figures."""
PHONE_WH = (390, 844)
"""What the live view fits into."""
CODE = "SIMULATED-1"


def main() -> None:
    """Start Mien and a browser, and take the pictures one after another."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=DOCS, help="folder for the pictures")
    parser.add_argument(
        "--seconds", type=float, default=40.0, help="that the camera runs before each picture"
    )
    parser.add_argument("--only", choices=("sensors",), help="the picture with sensors of the body alone")
    given = parser.parse_args()
    found = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in found:
        raise SystemExit("chromium and chromedriver are needed; install them first")
    with tempfile.TemporaryDirectory() as folder:
        take_sensors(Path(folder), [str(each) for each in found], given.out)
        if given.only == "sensors":
            return
        film = write_film(Path(folder) / "camera.mjpeg", images_of("portrait"))
        record = Path(folder) / "record.sqlite"
        with Store(record) as store:
            take_report(store, write_demonstration(store, CODE), given.out / "report.png")
        with (
            mien_live(Path(folder) / "mien", store=record) as server,
            chromium(*map(str, found), film) as browser,
        ):
            server.choose("self")
            page = Page(browser, server.address)
            take_live(page, given.out, given.seconds)
            take_phone(page, given.out, given.seconds)
            take_files(page, given.out)
            take_subject(page, given.out)


def take_live(page: Page, out: Path, seconds: float) -> None:
    """The live view, light and dark, from one run."""
    page.size(*LIVE_WH)
    page.theme("light")
    page.open()
    page.part("span").send_keys("1 minute")
    page.start()
    Event().wait(seconds)
    save(page, out / "live.webp")
    page.theme("dark")
    Event().wait(2.0)  # the timeline is drawn once a second
    save(page, out / "live-dark.webp")
    page.stop()


def take_sensors(folder: Path, programs: list[str], out: Path) -> None:
    """The live view with sensors of the body: a board that makes its numbers up, and the face's pulse."""
    sensors = ("--signals", "board:synthetic", "--signals", "face")
    film = write_film(folder / "none.mjpeg", images_of("portrait")[:2])
    with (
        mien_live(folder / "sensors", "portrait", *sensors, "--purpose", "self") as server,
        chromium(*programs, film) as browser,
    ):
        page = Page(browser, server.address)
        page.size(*LIVE_WH)
        page.theme("light")
        page.open()
        page.part("span").send_keys("3 minutes")
        Event().wait(SENSORS_S)
        page.until("return document.querySelectorAll('[data-part=together] li').length > 0")
        page.run("scrollTo(0, 0); document.activeElement.blur()")
        card = "document.querySelector('[data-part=sensors-card]').getBoundingClientRect()"
        save(page, out / "live-sensors.webp", height=page.run(f"return {card}.bottom + 12"))


def take_phone(page: Page, out: Path, seconds: float) -> None:
    """The live view on a phone."""
    page.size(*PHONE_WH, mobile=True)
    page.theme("light")
    page.open().start()
    Event().wait(seconds / 4)
    save(page, out / "live-phone.webp")
    page.stop()


def take_files(page: Page, out: Path) -> None:
    """The files view with a photograph."""
    page.size(*DESKTOP_WH)
    page.open("files")
    page.part("input").send_keys(str(portrait_path()))
    page.until("return document.querySelectorAll('[data-part=rows] tr').length > 0")
    page.until("const {complete, naturalWidth} = document.querySelector('[data-part=picture]');"
               "return complete && naturalWidth > 0")  # fmt: skip
    save(page, out / "files.webp")


def take_subject(page: Page, out: Path) -> None:
    """A simulated person's twelve weeks."""
    page.size(DESKTOP_WH[0], 1500)
    for theme, name in (("light", "subject.webp"), ("dark", "subject-dark.webp")):
        page.theme(theme)
        page.open(f"subjects/{CODE}")
        page.until(
            "return document.querySelector('[data-part=findings] li')"
        )  # limits of charts take a while
        page.part("measure").send_keys("Expressivity")
        page.until("return document.querySelectorAll('svg circle').length > 50")
        save(page, out / name)


def save(page: Page, path: Path, height: float | None = None) -> None:
    """Save the page as one sees it, or down to a height, as one would scroll.

    The camera's name, which is the film's path here, is made a usual one.
    """
    page.browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    page.run(
        "for (const each of document.querySelectorAll('option[value^=\"browser:\"]')) each.text = 'Camera'"
    )
    part = (
        {}
        if height is None
        else {
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": LIVE_WH[0], "height": height, "scale": 1},
        }
    )
    shot = page.browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 88, **part})
    path.write_bytes(base64.b64decode(shot["data"]))
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
