"""Makes the README's picture of a mild smile, read without and with the person's own neutral face.

    python docs/own_neutral.py LONDON

Args:
    LONDON: the folder of the Face Research Lab London Set with `neutral` and `smiling` (docs/datasets.md).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

PERSON = "137"
GAP_PX = 12
OUT = Path(__file__).parent / "own-neutral.jpg"


def main() -> None:
    """Read three times by `mien analyze --annotate`, and put the pictures side by side."""
    london = Path(sys.argv[1])
    neutral, smiling = (london / name / f"{PERSON}.jpg" for name in ("neutral", "smiling"))
    with tempfile.TemporaryDirectory() as folder:
        asked = [[str(neutral)], [str(smiling)], [str(smiling), "--neutral", str(neutral)]]
        pictures = [annotated(Path(folder) / str(number), given) for number, given in enumerate(asked)]
    gap = np.full((len(pictures[0]), GAP_PX, 3), 255, np.uint8)
    row = np.hstack([pictures[0], gap, pictures[1], gap, pictures[2]])
    small = cv2.resize(row, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(OUT), small, [cv2.IMWRITE_JPEG_QUALITY, 85])
    print(f"{OUT}: {OUT.stat().st_size / 1000:.0f} kB")


def annotated(out: Path, given: list[str]) -> np.ndarray:
    """Return the annotated copy of the one photograph that is read."""
    command = [sys.executable, "-m", "mien", "analyze", *given, "--annotate", "--quiet", "--out", str(out)]
    subprocess.run(command, check=True)
    return np.asarray(cv2.imread(str(out / f"{PERSON}.annotated.jpg")))


if __name__ == "__main__":
    main()
