"""Takes the picture of the page of a simulated cohort that docs/cohort.md shows.

python docs/screenshots_cohort.py
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from mien.report.pdf import render_pngs
from mien.videos.cohort.made import make_cohort
from mien.videos.cohort.report import report_content
from mien.videos.cohort.study import cohort

DOCS = Path(__file__).parent


def main() -> None:
    """Study the cohort that `mien simulate cohort cohort.csv` writes, and save its page."""
    found = cohort(make_cohort().table, "remission", by=["age"], name="cohort.csv")
    content = report_content(found, datetime.now(UTC).astimezone())
    (DOCS / "cohort.png").write_bytes(render_pngs(content, dots_per_inch=120)[0])


if __name__ == "__main__":
    main()
