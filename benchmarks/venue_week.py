"""A station's week in fast time: whether memory stays flat, and how fast a week goes by.

    python benchmarks/venue_week.py
    python benchmarks/venue_week.py --days 2 --guests 40

Frames with and without a face go through the whole station: tracking, visits, cells, store. The network is
one of a few lines, as it is not what could grow. Memory is what is resident (VmRSS of /proc, Linux), at the
end of each day. Ends with 1 where it grew by more than 5 MB after the first day.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.remove(str(Path(__file__).parent))  # whose live.py is another
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mien.places.venue_runner import VenueRunner
from mien.store.store import Store
from mien.store.venue_types import Hours, Station
from places.station_fakes import START, Till, Times, equipment, until

OPEN_HOURS = 12
MOST_MB = 5.0


def resident_mb() -> float:
    """Return what of this process is resident."""
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) / 1024


def main() -> int:
    """Run the week, print a line a day, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--guests", type=int, default=20, help="an hour")
    options = parser.parse_args()
    times = Times(START.replace(hour=8))
    tills: list[Till] = []

    def opened(*_: object) -> Till:
        tills.append(Till())
        return tills[-1]

    station = Station(
        "corner", "till-1", "camera:0", hours=(Hours.parse("8:00-20:00"),),
        notice_at=START - timedelta(days=1),
    )  # fmt: skip
    found: list[float] = []
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/record.sqlite") as store:
        store.venues.add(station)
        with VenueRunner(
            store, equipment(opened, times), watch_every_s=None, purpose=lambda: "venue"
        ) as runner:
            for day in range(options.days):
                until(lambda day=day: runner.watch() or len(tills) > day)
                for _ in range(OPEN_HOURS * options.guests):
                    tills[-1].guests(1)
                    tills[-1].settled()
                    times.go(seconds=3600 / options.guests)
                    runner.watch()
                times.go(hours=24 - OPEN_HOURS)
                found.append(resident_mb())
                visits = sum(each.visits for each in store.venues.cells("corner"))
                took_s = time.monotonic() - began_s
                print(f"day {day + 1}: {visits} visits kept, {found[-1]:.1f} MB, {took_s:.0f} s", flush=True)
    grown = found[-1] - found[0]
    print(f"grown by {grown:+.1f} MB after the first day")
    return int(grown > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
