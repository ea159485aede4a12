"""How `mien happy` tells happy clips from others: four variants, two baselines, by turning and by strength.

    mien simulate clips clips --people shared/data/people/london
    mien train clips/CLIPS.csv --recipe happy-video
    python benchmarks/happy_video.py runs/happy-video/test.csv runs/happy-video/figures.json

Everything is measured on the test people, whom neither the network nor a threshold has seen.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from mien.train.clips.figures import ClipFigures, auc
from mien.train.clips.run import figures_table

TURNED_DEG = ((0, 10), (10, 20), (20, 30), (30, 90))
STRENGTHS = ((0, 0.4), (0.4, 0.7), (0.7, 1.01))


def main() -> None:
    """Print the tables of docs/happy-video.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("test", type=Path, help="test.csv of a run")
    parser.add_argument("figures", type=Path, help="figures.json of the run")
    parser.add_argument("--answer", default="features", help="the answer that counts")
    chosen = parser.parse_args()
    clips, threshold = (
        pd.read_csv(chosen.test, dtype={"person": str}),
        json.loads(chosen.figures.read_text())["threshold"],
    )
    print("\n".join(figures_table(measured(clips, threshold), chosen.answer)))
    by_turning(clips, threshold)
    by_strength(clips)


def measured(clips: pd.DataFrame, threshold: dict[str, float]) -> dict[str, ClipFigures]:
    truth, person = clips["truth"].to_numpy(bool), clips["person"].to_numpy(str)
    return {
        name: ClipFigures.of(clips[name].to_numpy(), truth, person, limit)
        for name, limit in threshold.items()
    }


def by_turning(clips: pd.DataFrame, threshold: dict[str, float]) -> None:
    """Print AUC and accuracy of clips whose heads turn by so much at most."""
    print("\n| turned by | clips |", " | ".join(threshold), "|")
    print("| --- |" + " --- |" * (len(threshold) + 1))
    for low, high in TURNED_DEG:
        part = clips[clips["yaw_deg"].between(low, high, inclusive="left")]
        if part["truth"].nunique() < 2:
            continue
        figures = measured(part, threshold)
        cells = [f"{each.auc:.2f} / {each.accuracy:.0%}" for each in figures.values()]
        print(f"| {low} to {high} degrees | {len(part)} |", " | ".join(cells), "|")


def by_strength(clips: pd.DataFrame) -> None:
    """Print the AUC of smiles of one strength against all clips without one."""
    truth, names = clips["truth"].to_numpy(bool), list(clips.columns[clips.columns.get_loc("truth") + 1 :])
    print("\n| strength | smiles |", " | ".join(names), "|")
    print("| --- |" + " --- |" * (len(names) + 1))
    for low, high in STRENGTHS:
        smiles = truth & clips["strength"].between(low, high, inclusive="left").to_numpy()
        if not smiles.any():
            continue
        chosen = smiles | ~truth
        cells = [f"{auc(clips[name].to_numpy()[chosen], truth[chosen]):.2f}" for name in names]
        print(f"| {low:.1f} to {min(high, 1):.1f} | {np.count_nonzero(smiles)} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
