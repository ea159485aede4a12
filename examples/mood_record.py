"""A record in a file of its own: a subject who agrees to it, and a made-up person with more to tell."""

import sys
from datetime import date, timedelta
from pathlib import Path

import mien
from mien.mood.simulated import simulate
from mien.record.changes import choose_false_alarms
from mien.record.simulated import write_simulated
from mien.store.store import Store

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "mood-record")
folder.mkdir(exist_ok=True)

with Store(folder / "record.sqlite") as store:
    subject = store.subjects.add("P-017", birth_year=1980)
    store.consents.give(subject, given_by="the subject", purpose="following my mood")
    store.self_reports.add(subject, "mood", total=6)

    weeks = 9
    start = date.today() - timedelta(weeks=weeks)
    person = simulate(weeks, 4, start=start, flat_from=49, flat_days=14, flat_size=3)
    write_simulated(store, "SIM-1", person)
    choose_false_alarms(store, days=365)  # no alarm before somebody has chosen how rare a false one must be

with mien.subject("SIM-1", folder / "record.sqlite") as record:
    print(record.days()[["valence_mean", "expressivity", "coverage"]].tail(3))
    for finding in record.changes():
        print(finding.text)
    print(record.report(folder / "report.html"))
