"""How well short movements are spotted, on films made of people on whom nothing was chosen.

    python benchmarks/micro.py PEOPLE [COUNT] [SPLIT]     # people as `mien simulate clips` takes them

Films of 200 frames a second, half of them with a movement of 40 to 200 ms, half with none. The threshold was
chosen on the people of the splits train and validation. A find counts where it covers a true movement with an
intersection over union of at least .5 (as in MEGC); the same films are read at lower rates, too.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from mien.videos.made.people import read_people
from mien.videos.made.plan import Wishes
from mien.videos.made.write import write_clips
from mien.videos.micro import THRESHOLD, spot
from mien.videos.micro_motion import Motion, read_motion

THRESHOLDS = (2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0)
EVERY = {200: 1, 100: 2, 50: 4, 25: 8}


@dataclass
class Score:
    """What was found, missed and made up."""

    found: int = 0
    false: int = 0
    missed: int = 0
    seconds: float = 0.0
    errors_ms: list[tuple[float, float, float]] = field(default_factory=list)
    missed_ms: list[float] = field(default_factory=list)

    def add(self, stretches: list[Motion], row: pd.Series, threshold: float) -> None:
        """Add one film, with its row of CLIPS.csv."""
        self.seconds += sum(each.times_s[-1] - each.times_s[0] for each in stretches)
        wanted = None if pd.isna(row["onset_s"]) else (row["onset_s"], row["apex_s"], row["offset_s"])
        for each in (each for stretch in stretches for each in spot(stretch, threshold)[0]):
            times = each.onset_s, each.apex_s, each.offset_s
            if wanted is not None and iou(times, wanted) >= 0.5:
                self.found += 1
                errors = 1000 * (np.array(times) - wanted)
                self.errors_ms.append(tuple(errors))
                wanted = None
            else:
                self.false += 1
        if wanted is not None:
            self.missed += 1
            self.missed_ms.append(1000 * (wanted[2] - wanted[0]))

    def line(self, name: str) -> str:
        """Return a row of the table."""
        f1 = 2 * self.found / max(1, 2 * self.found + self.false + self.missed)
        errors = np.abs(self.errors_ms) if self.errors_ms else np.full((1, 3), np.nan)
        onset, apex, offset = np.median(errors, axis=0)
        return (
            f"| {name} | {self.found} of {self.found + self.missed} | {self.false}"
            f" ({60 * self.false / self.seconds:.1f} a minute) | {f1:.2f} | {onset:.0f} | {apex:.0f}"
            f" | {offset:.0f} |"
        )


def iou(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Return the share of the time that two intervals (onset first, offset last) have in common."""
    common = min(first[-1], second[-1]) - max(first[0], second[0])
    return common / (max(first[-1], second[-1]) - min(first[0], second[0]))


def thinned(motion: Motion, every: int) -> Motion:
    """Return the motion as a film of a lower rate shows it."""
    return Motion(motion.times_s[::every], motion.moved[::every])


def only(people: Path, splits: list[str], folder: Path) -> Path:
    """Copy the people of some splits into a folder of their own."""
    codes = [each.code for each in read_people(people) if each.split in splits]
    for kind in ("neutral", "smiling"):
        (folder / kind).mkdir(parents=True)
        for code in codes:
            shutil.copy(people / kind / f"{code}.jpg", folder / kind)
    pd.DataFrame({"id": codes}).to_csv(folder / "people.csv", index=False)
    return folder


def main(people: Path, count: int, splits: list[str]) -> None:
    """Make films, read them once, and print what is found at each threshold and each rate."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wishes = Wishes(seconds=(2.0, 3.0), frames_per_second=200.0, micro=True, seed=31)
        write_clips(folder / "films", count, wishes, people=only(people, splits, folder / "people"))
        rows = [row for _, row in pd.read_csv(folder / "films" / "CLIPS.csv").iterrows()]
        read = [read_motion(folder / "films" / row["path"]).stretches for row in rows]
    print("| | found | false | F1 at IoU .5 | onset, ms | apex, ms | offset, ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for threshold in THRESHOLDS:
        score = Score()
        for stretches, row in zip(read, rows, strict=True):
            score.add(stretches, row, threshold)
        print(score.line(f"threshold {threshold:g}"))
    for rate, every in EVERY.items():
        score = Score()
        for stretches, row in zip(read, rows, strict=True):
            score.add([thinned(each, every) for each in stretches], row, THRESHOLD)
        print(score.line(f"{rate} frames a second"), "missed:", np.round(score.missed_ms).tolist())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100, (sys.argv[3:] or ["test"]))
