"""Which label `mien micro --network` gives to movements of made films, of people it has not learnt from.

    python benchmarks/micro_labels.py CLIPS.csv NETWORK.onnx

The table is of `mien simulate clips --micro --without 0`, the network of `mien train --recipe micro`. A
movement is found where a find covers it with an intersection over union of at least .5, as in `micro.py`;
every movement is labelled by the table's onset and apex, too, which says what the finding costs.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pandas as pd

from micro import iou
from mien.videos.micro import THRESHOLD, spot
from mien.videos.micro_motion import read_motion
from mien.videos.micro_network import label_probabilities, load_micro_network

CLASSES = {"anger": "negative", "happiness": "positive", "surprise": "surprise"}


def main(table: Path, network: Path) -> None:
    """Read the films of a table, and print how often the label is right."""
    pairs: Counter[tuple[str, str]] = Counter()
    counts: Counter[str] = Counter()
    rows, loaded = pd.read_csv(table), load_micro_network(network)
    for _, row in rows.iterrows():
        film, truth = table.parent / row["path"], CLASSES[row["label"]]
        times = tuple(float(row[name]) for name in ("onset_s", "apex_s", "offset_s"))
        read = read_motion(film)
        finds = [(each.onset_s, each.apex_s, each.offset_s) for stretch in read.stretches
                 for each in spot(stretch, THRESHOLD)[0]]  # fmt: skip
        said = label_probabilities(loaded, film, [each[:2] for each in (times, *finds)], read.ways)
        labels = ["none" if each is None else max(each, key=each.__getitem__) for each in said]
        covering = [label for find, label in zip(finds, labels[1:], strict=True) if iou(find, times) >= 0.5]
        pairs[truth, covering[0] if covering else "missed"] += 1
        counts["found"] += bool(covering)
        counts["found and right"] += covering[:1] == [truth]
        counts["false finds"] += len(finds) - len(covering)
        counts["right by the table's times"] += labels[0] == truth
    print(f"{len(rows)} movements of {rows['person'].nunique()} people;", dict(counts))
    print(pd.Series(pairs).unstack(fill_value=0).to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
