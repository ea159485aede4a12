"""What tells a cut from motion: how much of the picture changes, and how much of it is found again.

    python benchmarks/cuts.py --shared ../shared

For each shared video, between frames that are 1, 5 and 25 apart; and between pictures of different sources,
as a cut shows them.
"""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from mien.face import cut
from mien.source import open_source
from mien.source.portrait import portrait_path

Pair = tuple[np.ndarray, np.ndarray]
CUTS = {"noface_face.mov": (96, 168)}
"""Frames before which there is a cut; the second is to black."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    data = parser.parse_args().shared / "data"
    print("| pictures | pairs | changed, most (cuts: least) | alike, least (cuts: most) | taken for a cut |")
    print("| --- " * 5 + "|")
    films = {path.name: film(path) for path in sorted((data / "video").iterdir())}
    for name, small in films.items():
        cuts = CUTS.get(name, ())
        for gap in (1, 5, 25):
            ends = [end for end in range(gap, len(small)) if not any(end - gap < c <= end for c in cuts)]
            row(f"{name}, {gap} apart", [(small[end - gap], small[end]) for end in ends], max, min)
    scenes = [[small[0], small[-2]] for name, small in films.items() if name != "noface_face.mov"]
    scenes += [film(path) for path in (*sorted((data / "images").iterdir()), portrait_path())]
    pairs = [(a, b) for one, other in combinations(scenes, 2) for a in one for b in other]
    row("of different sources", pairs, min, max)


def film(path: Path) -> list[np.ndarray]:
    with closing(open_source(path)) as source:
        return [cut._small(frame.image) for frame in source.frames()]


def row(name: str, pairs: list[Pair], worst_change: object, worst_alike: object) -> None:
    changed = [changed_share(*pair) for pair in pairs]
    alike = [correlation(*pair) for pair in pairs]
    taken = sum(c > cut._CHANGED and a < cut._ALIKE for c, a in zip(changed, alike, strict=True))
    print(
        f"| {name} | {len(pairs)} | {worst_change(changed):.2f}"  # type: ignore[operator]
        f" | {worst_alike(alike):.2f} | {taken} |"  # type: ignore[operator]
    )


def changed_share(before: np.ndarray, after: np.ndarray) -> float:
    change = after - before
    return float((np.abs(change - np.median(change)) > cut._CHANGE).mean())


def correlation(before: np.ndarray, after: np.ndarray) -> float:
    right, down = cut._MOVED_WH
    one, other = (grey - cv2.blur(grey, (cut._AROUND, cut._AROUND)) for grey in (before, after))
    return float(cv2.matchTemplate(other, one[down:-down, right:-right], cv2.TM_CCOEFF_NORMED).max())


if __name__ == "__main__":
    main()
