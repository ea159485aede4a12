"""What `mien cohort` can promise: on simulated cohorts whose truth is known, and on webcam smiles.

    python benchmarks/cohort.py smiles     # people with and without Parkinson's disease; not depression
    python benchmarks/cohort.py planted    # a planted effect recovered, nothing found where there is none

`smiles` needs `cohort/smiles` in the shared data (UFNet, ROC-HCI, MIT): features of webcam smiles.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from mien.videos.cohort.figures import area, chance_error, wilson
from mien.videos.cohort.made import make_cohort
from mien.videos.cohort.models import LOGISTIC, predict, rank_area, shuffled_areas
from mien.videos.cohort.study import FEW, CohortResult, cohort
from mien.videos.cohort.table import Cohort, read_cohort
from mien.videos.cohort.words import findings


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=sorted(PARTS))
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--rounds", type=int, default=200, help="simulated cohorts of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None, help="folder for the pages")
    options = parser.parse_args()
    PARTS[options.what](options)


def smiles_table(shared: Path) -> pd.DataFrame:
    """Return the smiles as a table of a cohort: subject, label, site, age, and the features."""
    frame = pd.read_csv(shared / "data" / "cohort" / "smiles" / "features.csv")
    kept = [each for each in frame if each.startswith("smile_")]
    table = frame[kept].rename(columns=lambda each: each.removeprefix("smile_"))
    table.insert(0, "subject", frame["Participant_ID"])
    table.insert(1, "parkinsons", np.where(frame["Diagnosis"] == 1, "yes", "no"))
    table.insert(2, "site", frame["Protocol"])
    table.insert(3, "age", frame["age"])
    return table


def smiles(options: argparse.Namespace) -> None:
    """Study the smiles: with all measures, without the strongest one, and inside the largest site."""
    table = smiles_table(options.shared)
    largest = table["site"].mode().iloc[0]
    cases = {
        "all": table,
        "without AU12_mean": table.drop(columns="AU12_mean"),
        f"only {largest}": table[table["site"] == largest],
    }
    for name, part in cases.items():
        begun = time.monotonic()
        found = cohort(part, "parkinsons", by=["age"], seed=options.seed, name="webcam smiles")
        print(f"\n## {name} ({time.monotonic() - begun:.0f} s)\n")
        _print(found)
        if options.out:
            found.save(options.out / name.replace(" ", "-"), overwrite=True)


def _print(found: CohortResult) -> None:
    for line in findings(found):
        print(f"- {line}")
    print("\n| model | AUC | mean error | in tenths (by chance) | slope |\n| --- | --- | --- | --- | --- |")
    for each in found.models:
        own = each.calibration
        tenths = f"{100 * own.binned_error:.1f} % ({100 * own.binned_by_chance:.1f} %)"
        print(f"| {each.name} | {each.area} | {100 * own.mean_error:.1f} % | {tenths} | {own.slope} |")
    print("\n| circumstance | alone | measures among people alike in it |\n| --- | --- | --- |")
    for each in found.circumstances:
        print(f"| {each.name} | {each.alone} | {each.within} |")
    print("\n| age | people | with it | AUC | predicted | observed |\n| --- | --- | --- | --- | --- | --- |")
    for each in found.groups:
        shares = f"{100 * each.predicted:.0f} % | {100 * each.observed:.0f} %"
        print(f"| {each.value} | {each.people} | {each.with_label} | {each.area} | {shares} |")
    print("\n| people learnt from | AUC |\n| --- | --- |")
    for each in found.learning:
        print(f"| {each.people} | {each.area} |")
    print("\n| answered | right | always the larger class |\n| --- | --- | --- |")
    for each in found.models[0].withheld:
        print(f"| {100 * each.coverage:.0f} % | {each.right} | {each.larger_class:.2f} |")
    print("\n| measure | difference | alone | chosen | lost without |\n| --- | --- | --- | --- | --- |")
    for each in found.measures[:6]:
        print(
            f"| {each.name} | {each.difference} | {each.alone} | {100 * each.selected:.0f} % |"
            f" {each.importance:.3f} |"
        )


def planted(options: argparse.Namespace) -> None:
    """Count how often intervals hold the truth, and how often chance is taken for an effect."""
    print("| people | cohorts | best AUC | mean AUC, its error | interval holds the model's own | p < 0.05 |")
    print("| --- " * 6 + "|")
    cohorts = options.rounds
    for people, strength in ((100, 0.0), (100, 1.0), (400, 0.0), (400, 1.0)):
        others = read_cohort(make_cohort(5000, seed=10**6, strength=strength).table, "remission")
        turns = np.array([_planted(people, strength, options.seed + turn, others) for turn in range(cohorts)])
        best = make_cohort(4, strength=strength).truth["best_area"]
        error = turns[:, 0].std(ddof=1) / np.sqrt(cohorts)
        print(
            f"| {people} | {cohorts} | {best:.2f} | {turns[:, 0].mean():.3f} ± {error:.3f} |"
            f" {_share(turns[:, 1])} | {_share(turns[:, 2])} |",
            flush=True,
        )


def _planted(people: int, strength: float, seed: int, others: Cohort) -> tuple[float, bool, bool]:
    """Return the AUC, whether its interval holds that on other people, and whether labels beat chance."""
    read = read_cohort(make_cohort(people, seed=seed, strength=strength).table, "remission")
    repeats = 3 if people < FEW else 1  # as a study does
    found = predict(
        read.values, read.y, read.subject, folds=10, repeats=repeats, seed=seed, models=(LOGISTIC,)
    )
    own = area(read.y, found.odds[LOGISTIC], read.subject, found.fold)
    assert own is not None
    z = (others.values - others.values.mean(axis=0)) / others.values.std(axis=0)
    elsewhere = np.mean([rank_area(z @ each, others.y) for each in found.coefficients])
    true, chance = shuffled_areas(read.values, read.y, read.subject, found.fold[0], rounds=199, seed=seed)
    interval = own.interval(least_error=chance_error(true, chance))
    p = (1 + (chance >= true).sum()) / 200
    return own.value, interval.low <= elsewhere <= interval.high, p < 0.05


def _share(hits: np.ndarray) -> str:
    found = wilson(int(hits.sum()), len(hits))
    return f"{100 * found.value:.0f} % [{100 * found.low:.0f}, {100 * found.high:.0f}]"


PARTS = {"smiles": smiles, "planted": planted}

if __name__ == "__main__":
    main()
