"""Takes the picture of the report that docs/report.md shows.

    mien simulate ... --store demo.sqlite
    python docs/screenshots_report.py CODE --store demo.sqlite

The subject should be a simulated one: the page says so then.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mien.report import content
from mien.report.pdf import render_pngs
from mien.store.store import Store
from mien.store.types import Subject

DOCS = Path(__file__).parent


def main() -> None:
    """Open the store and take the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("code", help="the subject's")
    parser.add_argument("--store", required=True, help="where the record lies")
    parser.add_argument("--out", type=Path, default=DOCS / "report.png", help="the picture")
    given = parser.parse_args()
    with Store(given.store, create=False) as store:
        take_report(store, store.subjects.get(given.code), given.out)


def take_report(store: Store, subject: Subject, out: Path) -> None:
    """Save the page of a subject's report as a picture."""
    out.write_bytes(render_pngs(content(store, subject), dots_per_inch=110)[0])


if __name__ == "__main__":
    main()
