"""Takes the pictures of the kiosk and of the notice that docs/venues.md shows, with a real browser.

    python docs/screenshots_venue.py

Needs chromium and chromedriver; nobody is before a camera.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import date
from io import BytesIO
from pathlib import Path

from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from browser.chromium import Page, chromium
from mien.places.notice import Notice, notice_pngs
from mien.store.store import Store
from mien.store.venue_types import Station, Zone
from mien.web.app import build_app
from mien.web.security.access import Records
from mien.web.serve import Server
from screenshots import save
from web.api.test_kiosk import FakeRunning
from web.backend import FakeLiveSession, settings

DOCS = Path(__file__).parent
TABLET_WH = (1180, 820)
TILL = Station("cafe", "till-1", "camera:0", zones=(Zone.parse("ignore 0,0 0.3,0 0.3,1 0,1"),))


def main() -> None:
    """Take the pictures one after the other."""
    take_notice(DOCS / "notice.webp")
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "record.sqlite") as store:
        store.venues.add(TILL)
        live_session, chosen = FakeLiveSession(), settings(port=0)
        app = build_app(
            live_session,  # type: ignore[arg-type]
            chosen,
            records=Records(lambda: store),
            running=FakeRunning(),  # type: ignore[arg-type]
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
        live_session.close()


def take_notice(path: Path) -> None:
    """Save the notice in German as a picture."""
    contact = "Café Sonne, Hauptstr. 1, 10115 Berlin, hello@sonne.example"
    notice = Notice(station=TILL, contact=contact, languages=("de",), place="Café Sonne", elsewhere="Kasse 2")
    (png,) = notice_pngs(notice, date(2026, 12, 2), dots_per_inch=80)
    Image.open(BytesIO(png)).save(path, quality=88)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
