"""Makes the README's animation: the built-in portrait, read frame by frame, with what was read marked on it.

python docs/animation.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

import mien
from mien.show.draw import Annotator

OUT = Path(__file__).parent / "portrait.webp"
EVERY = 5
SIZE_WH = 480, 270


def main() -> None:
    """Read the portrait, which ends near where it begins, and write every fifth frame."""
    annotator = Annotator()
    readings = [(frame, faces) for frame, faces in mien.stream("portrait", every=EVERY)]
    images = [
        Image.fromarray(annotator.draw(frame.image, faces)).resize(SIZE_WH) for frame, faces in readings
    ]
    step_ms = round(1000 * (readings[1][0].time_s - readings[0][0].time_s))
    images[0].save(
        OUT, save_all=True, append_images=images[1:], duration=step_ms, loop=0, quality=40, method=6
    )
    print(f"{OUT}: {len(images)} frames, {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
