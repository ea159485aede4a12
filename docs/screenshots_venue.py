"""Takes the pictures of the pages and of the notice that docs/venues.md shows, with a real browser.

    python docs/screenshots_venue.py

Needs chromium and chromedriver; before the camera is the built-in portrait, in coarse squares.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from browser.chromium import Page, chromium
from mien.places.covering import covered
from mien.places.notice import Notice, notice_pngs
from mien.places.simulated_venue import write_simulated_venue
from mien.places.station import SQUARES
from mien.source.portrait import portrait_path
from mien.store.store import Store
from mien.store.venue_types import Hours, Station, Zone
from mien.types import Faces
from mien.types import Image as Pixels
from mien.web.app import build_app
from mien.web.security.access import Records
from mien.web.serve import Server
from screenshots import save
from web.backend import FakeLiveSession, settings
from web.venues import FakeRunning

DOCS = Path(__file__).parent
TABLET_WH = (1180, 820)
DESKTOP_WH = (1280, 1290)
VENUE = "trattoria"
ZONES = ("count 0.26,0.12 0.92,0.12 0.98,0.98 0.3,0.98", "ignore 0,0 0.2,0 0.22,1 0,1")
TILL = Station(
    "cafe", "till-1", "camera:0", tuple(map(Zone.parse, ZONES)), (Hours.parse("tue-sun 11:30-22:30"),)
)


class Running(FakeRunning):
    """Runs the till; its camera sees the portrait."""

    def snapshot(self, station: Station) -> Pixels:
        """Return what the camera sees, so that nobody is known."""
        with Image.open(portrait_path()) as portrait:
            wide = portrait.convert("RGB").crop((0, 60, portrait.width, 60 + portrait.width * 3 // 4))
            return covered(np.asarray(wide), Faces.empty(), across=SQUARES)


def main() -> None:
    """Take the pictures one after the other."""
    take_notice(DOCS / "notice.webp")
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "record.sqlite") as store:
        store.venues.add(TILL)
        store.venues.confirm_notice(TILL.venue, TILL.name, store.now())
        write_simulated_venue(store, VENUE)
        live_session, chosen = FakeLiveSession(), settings(port=0)
        app = build_app(
            live_session,  # type: ignore[arg-type]
            chosen,
            records=Records(lambda: store),
            running=Running(),  # type: ignore[arg-type]
        )
        with (
            Server(app, chosen) as server,
            chromium(
                str(shutil.which("chromium")), str(shutil.which("chromedriver")), Path("/dev/null")
            ) as browser,
        ):
            page = Page(browser, server.start())
            page.size(*TABLET_WH)
            page.theme("light")
            browser.get(f"{page.address}kiosk/cafe/till-1?language=en,de,fr,es,tr")
            page.until("return !document.querySelector('[data-part=\"sign-box\"]').hidden")
            save(page, DOCS / "kiosk.webp")
            take_pages(page)
        live_session.close()


def take_pages(page: Page) -> None:
    """Save the figures, and a station that is set up."""
    page.size(*DESKTOP_WH)
    page.browser.get(f"{page.address}venue?venue={VENUE}")
    page.until("return document.querySelector('.lanes .line') && document.querySelector('.hours .dot')")
    save(page, DOCS / "venue.webp")
    page.size(DESKTOP_WH[0], 900)
    page.browser.get(f"{page.address}venue/{TILL.venue}/{TILL.name}/setup")
    page.until("return !document.querySelector('[data-part=picture]').hidden")
    save(page, DOCS / "venue-setup.webp")


def take_notice(path: Path) -> None:
    """Save the notice in German as a picture."""
    contact = "Café Sonne, Hauptstr. 1, 10115 Berlin, hello@sonne.example"
    notice = Notice(station=TILL, contact=contact, languages=("de",), place="Café Sonne", elsewhere="Kasse 2")
    (png,) = notice_pngs(notice, date(2026, 12, 2), dots_per_inch=80)
    Image.open(BytesIO(png)).save(path, quality=88)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
