"""What `mien crowd` may promise: shares, intervals, sizes, made scenes, a turn found, and speed.

    python benchmarks/crowds.py mix       # shares of PublicTest, re-mixed at random, against plain counting
    python benchmarks/crowds.py sizes     # the same with faces shrunk to 12 ... 48 pixels, and London's smiles
    python benchmarks/crowds.py scenes    # faces found in made photographs by size, and the share that smiles
    python benchmarks/crowds.py turn      # a made crowd stops smiling, in an H.264 film by a moving camera
    python benchmarks/crowds.py alarms    # how often nothing is told for a change, and how soon a change is
    python benchmarks/crowds.py speed     # 1080p with 50 faces, and a photograph of 4K with 200

`mix` and `sizes` need `faces/fer2013.parquet`, the others `people/london` in the shared data
(Face Research Lab London Set, DeBruine & Jones, CC BY 4.0). PublicTest has fitted nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mien.expression.decision import Decider, features
from mien.expression.network import load_network
from mien.labels import EMOTIONS, FER2013
from mien.places.quantification import Quantifier, interval

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

SIZES_PX = (12, 16, 20, 24, 32, 48)
BATCH = 256


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=sorted(PARTS))
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--network", default="mien")
    parser.add_argument("--rounds", type=int, default=300, help="random mixes, crowds or looks of each line")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    PARTS[options.what](options)


class PublicTest:
    """Faces with labels, read at each size."""

    def __init__(self, options: argparse.Namespace) -> None:
        table = pd.read_parquet(options.shared / "data" / "faces" / "fer2013.parquet")
        table = table.loc[table.usage == "PublicTest"]
        self.network = load_network(options.network, 1)
        self.quantifier = Quantifier(self.network.sidecar)
        names = np.array(FER2013)[table.emotion.to_numpy()]
        self.truth = np.array([self.quantifier.labels.index(name) for name in names])
        raw = [np.frombuffer(each["bytes"], np.uint8) for each in table.image]
        self.images = np.stack([cv2.imdecode(each, cv2.IMREAD_GRAYSCALE) for each in raw])
        self.by_label = [np.flatnonzero(self.truth == place) for place in range(len(FER2013))]

    def read(self, px: int) -> tuple[Floats, Index]:
        """Read the faces shrunk to so many pixels and back: evidence, and the labels of `mien analyze`.

        The labels are places in those of the quantifier; -1 is contempt, which PublicTest has not.
        """
        crops = np.stack([small(each, px) for each in self.images])
        answers = [self.network.answer(crops[at : at + BATCH]) for at in range(0, len(crops), BATCH)]
        decider, ones = Decider(self.network.sidecar), np.ones(BATCH, np.float32)
        labels = [decider.decide(each, ones[: len(each.logits)]).leading for each in answers]
        own = [
            self.quantifier.labels.index(name) if name in self.quantifier.labels else -1 for name in EMOTIONS
        ]
        evidence = self.quantifier.evidence(
            np.concatenate([*map(features, answers)]), np.full(len(crops), px)
        )
        return evidence, np.array(own)[np.concatenate(labels)]

    def mixed(self, count: int, random: np.random.Generator) -> tuple[Index, Floats]:
        """Draw a mix, all as likely (Dirichlet), and faces by it, each once; give them and their true shares.

        A mix that wants more faces of a label than there are is drawn again.
        """
        while True:
            wanted = random.multinomial(count, random.dirichlet(np.ones(len(FER2013))))
            if all(n <= len(there) for n, there in zip(wanted, self.by_label, strict=True)):
                chosen = [
                    random.choice(there, n, replace=False)
                    for n, there in zip(wanted, self.by_label, strict=True)
                ]
                return np.concatenate(chosen), wanted / count


def small(image: NDArray[np.uint8], px: int) -> NDArray[np.uint8]:
    """Shrink a crop to so many pixels and enlarge it again."""
    side = image.shape[0]
    if px >= side:
        return image
    there = cv2.resize(image, (px, px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(there, (side, side), interpolation=cv2.INTER_LINEAR))


def mix(options: argparse.Namespace) -> None:
    faces = PublicTest(options)
    read = {px: faces.read(px) for px in (16, 24, 48)}
    print("| faces | their size, px | plain counting | em | ratio | adjusted counts | 90 % interval holds |")
    print("| --- " * 7 + "|")
    for count in (50, 100, 200, 400, 800):
        for sizes in ((48,), (16, 24, 48)):
            shown = compare(faces, read, count, sizes, options)
            print(f"| {count} | {' '.join(map(str, sizes))} | {shown}", flush=True)


def compare(
    faces: PublicTest,
    known: dict[int, tuple[Floats, Index]],
    count: int,
    sizes: tuple[int, ...],
    options: argparse.Namespace,
) -> str:
    random = np.random.default_rng(options.seed)
    errors: dict[str, list[Floats]] = {"plain": [], "em": [], "adjusted": []}
    held = []
    for number in range(options.rounds):
        chosen, true = faces.mixed(count, random)
        px = random.choice(sizes, count)
        pairs = list(zip(px, chosen, strict=True))
        read = np.stack([known[size][0][face] for size, face in pairs])
        labels = np.array([known[size][1][face] for size, face in pairs])
        plain = np.bincount(labels[labels >= 0], minlength=len(true)) / count
        shares, samples = faces.quantifier.shares(read, px, seed=number)
        others, _ = faces.quantifier.shares(read, px, seed=number, method="adjusted")
        for name, found in (("plain", plain), ("em", shares), ("adjusted", others)):
            errors[name].append(np.abs(found - true))
        ends = [interval(share, each) for share, each in zip(shares, samples.T, strict=True)]
        held.append([e.low - 1e-9 <= t <= e.high + 1e-9 for e, t in zip(ends, true, strict=True)])
    means = {name: 100 * float(np.mean(each)) for name, each in errors.items()}
    return (
        f"{means['plain']:.1f} | {means['em']:.1f} | {means['em'] / means['plain']:.2f}"
        f" | {means['adjusted']:.1f} | {100 * np.mean(held):.0f} % |"
    )


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {"mix": mix}

if __name__ == "__main__":
    main()
