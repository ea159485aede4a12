"""How `mien happy` tells happy clips from others: four variants, two baselines, by turning and by strength.

    mien simulate clips smiles --people shared/data/people/london --count 918 --seed 19
    python benchmarks/happy_video.py --clips smiles/CLIPS.csv
    mien train smiles/CLIPS.csv --recipe happy-video
    python benchmarks/happy_video.py --run runs/happy-video
    python benchmarks/happy_video.py --network runs/happy-video/happy-video.onnx --clips other/CLIPS.csv

The first measures the two baselines on all clips: the frame network has seen none of these people. The second
measures a run's own test people; the third a network on clips of another making, all of them, with the
thresholds of the run. Do not trust the second without the third.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from mien.train.clip_recipe import ClipData
from mien.train.clips.faces import read_faces
from mien.train.clips.figures import ClipFigures, auc
from mien.train.clips.run import figures_table, truth_of
from mien.train.clips.table import read_clip_table
from mien.videos.clip_network import load_clip_network
from mien.videos.happy import THRESHOLD

BASELINES = ("mean", "maximum")
TURNED_DEG = ((0, 10), (10, 20), (20, 30), (30, 90))
STRENGTHS = ((0, 0.4), (0.4, 0.7), (0.7, 1.01))


def main() -> None:
    """Print the tables of docs/happy-video.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, help="the folder of a run, with test.csv and figures.json")
    parser.add_argument("--network", type=Path, help="the .onnx file of a run")
    parser.add_argument("--clips", type=Path, help="a table of other clips")
    parser.add_argument("--split", help="of these clips only this split, such as validation")
    chosen = parser.parse_args()
    if (chosen.run is None) == (chosen.clips is None) or (chosen.run and chosen.network):
        parser.error("expected --run, or --clips with or without --network")
    if chosen.run or chosen.network:
        run = chosen.run or chosen.network.parent
        threshold = json.loads((run / "figures.json").read_text())["threshold"]
    else:
        threshold = dict.fromkeys(BASELINES, THRESHOLD)
    clips = pd.read_csv(run / "test.csv", dtype={"person": str}) if chosen.run else other(chosen)
    clips["yaw_deg"] = clips["yaw_deg"].abs()
    print("\n".join(figures_table(measured(clips, threshold), "features")))
    by_turning(clips, threshold)
    by_strength(clips)


def other(chosen: argparse.Namespace) -> pd.DataFrame:
    """Read other clips, once, and return what the network, if any, and the baselines say of them."""
    network = load_clip_network(chosen.network) if chosen.network else None
    facts = network.sidecar if network else ClipData()
    data = ClipData(label=facts.label, frames=facts.frames, frames_per_second=facts.frames_per_second)
    path = part_of(chosen.clips, chosen.split) if chosen.split else chosen.clips
    table = read_clip_table(path, label=facts.label)
    faces = read_faces(table, data, path.with_suffix(".npz"))
    said = network.probabilities(faces.crops, faces.distances) if network else {}
    truth = truth_of(table, faces, facts.label)
    return table.iloc[faces.rows].assign(truth=truth, **said, mean=faces.mean, maximum=faces.maximum)


def part_of(clips: Path, split: str) -> Path:
    """Write the clips of one split beside their table, as a table of its own."""
    table = pd.read_csv(clips, dtype={"person": str})
    path = clips.with_name(f"{clips.stem}-{split}.csv")
    table[table["split"] == split].drop(columns="split").to_csv(path, index=False)
    return path


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
