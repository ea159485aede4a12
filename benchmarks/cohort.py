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

from mien.videos.cohort.figures import area
from mien.videos.cohort.made import make_cohort
from mien.videos.cohort.models import LOGISTIC, deal, predict, shuffled_areas
from mien.videos.cohort.study import CohortResult, cohort
from mien.videos.cohort.table import read_cohort
from mien.videos.cohort.words import findings


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=sorted(PARTS))
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--rounds", type=int, default=100, help="simulated cohorts")
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
    print("| people | strength | best AUC | mean AUC | interval holds the model's own | p < 0.05 |")
    print("| --- " * 6 + "|")
    for people, strength in ((100, 0.0), (100, 1.0), (400, 0.0), (400, 1.0)):
        values, held, false, best = [], [], [], 0.5
        for turn in range(options.rounds):
            made = make_cohort(people, seed=options.seed + turn, strength=strength)
            best = made.truth["best_area"]
            read = read_cohort(made.table, "remission")
            folds = deal(read.y, read.subject, 10, turn)
            found = predict(
                read.values, read.y, read.subject, folds=10, repeats=1, seed=turn, models=(LOGISTIC,)
            )
            own = area(read.y, found.odds[LOGISTIC], read.subject)
            assert own is not None
            values.append(own.value)
            interval = own.interval()
            held.append(interval.low <= _elsewhere(found.coefficients, strength, turn) <= interval.high)
            true, chance = shuffled_areas(read.values, read.y, read.subject, folds, rounds=199, seed=turn)
            false.append((1 + (chance >= true).sum()) / 200 < 0.05)
        print(
            f"| {people} | {strength:g} | {best:.2f} | {np.mean(values):.3f} | {100 * np.mean(held):.0f} % |"
            f" {100 * np.mean(false):.0f} % |",
            flush=True,
        )


def _elsewhere(coefficients: np.ndarray, strength: float, turn: int) -> float:
    """Return the mean area of the folds' models on five thousand people of other seeds."""
    new = read_cohort(make_cohort(5000, seed=10**6 + turn, strength=strength).table, "remission")
    z = (new.values - new.values.mean(axis=0)) / new.values.std(axis=0)
    found = [area(new.y, z @ each, new.subject) for each in coefficients]
    return float(np.mean([each.value for each in found if each is not None]))


PARTS = {"smiles": smiles, "planted": planted}

if __name__ == "__main__":
    main()
