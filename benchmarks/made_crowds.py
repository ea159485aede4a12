"""Made crowds: portraits pasted into a picture, of which everything is known.

`crowds.py`, `made_venue.py` and tests use it. The portraits are those of the Face Research Lab London Set
(DeBruine & Jones, CC BY 4.0), each person neutral and smiling, often mildly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

CROP: Final = 0.40
"""Side of a face's crop, as a share of its portrait's; within 4 % over the set."""

MIDDLE: Final = (0.50, 0.51)
"""Where the face is in its portrait."""

_HEAD: Final = (0.14, 0.0, 0.86, 0.93)


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody in a made crowd.

    Attributes:
        portrait: its place in the list of portraits.
        px: side of the face's crop in the picture.
        xy: left and top of the portrait in the picture.
        mirrored: whether it is pasted mirrored.
        light: factor on its brightness.
    """

    portrait: int
    px: float
    xy: tuple[int, int]
    mirrored: bool
    light: float

    @property
    def side(self) -> int:
        """The pasted portrait's, in pixels."""
        return round(self.px / CROP)

    @property
    def middle_xy(self) -> Floats:
        """Where the face is."""
        return np.array(self.xy) + self.side * np.array(MIDDLE)


@cache
def portraits(london: Path, kind: str, every: int = 1) -> list[Image]:
    """Read the set's portraits of a kind, "neutral" or "smiling", in the same order of people."""
    read = (cv2.imread(str(path)) for path in sorted((london / kind).glob("*.jpg"))[::every])
    return [np.asarray(cv2.cvtColor(each, cv2.COLOR_BGR2RGB), np.uint8) for each in read]


def people(
    size_wh: tuple[int, int], count: int, px: tuple[float, float], faces: int, random: np.random.Generator
) -> list[Person]:
    """Place people at random, so that no head hides another.

    Args:
        size_wh: of the picture.
        count: how many, at the most; fewer where there is no room.
        px: the smallest and largest face's size, by their logarithm all as likely.
        faces: how many portraits there are.
        random: what is left to chance.
    """
    found: list[Person] = []
    heads = np.empty((0, 4))
    for _ in range(200 * count):
        size = float(np.exp(random.uniform(*np.log(px))))
        side = size / CROP
        corner = random.uniform(-_HEAD[0], 1, 2) * side + random.uniform(0, 1, 2) * (np.array(size_wh) - side)
        head = np.tile(corner, 2) + side * np.array(_HEAD)
        inside = (head[:2] >= 0).all() and (head[2:] <= size_wh).all()
        apart = (heads[:, 2:] <= head[:2]) | (heads[:, :2] >= head[2:])
        if inside and apart.any(axis=1).all():
            heads = np.vstack([heads, head])
            x, y = np.rint(corner).astype(int).tolist()
            found.append(
                Person(
                    int(random.integers(faces)),
                    size,
                    (x, y),
                    bool(random.random() < 0.5),
                    random.uniform(0.6, 1),
                )
            )
        if len(found) == count:
            break
    return found


def picture(
    size_wh: tuple[int, int],
    crowd: list[Person],
    smiling: NDArray[np.bool_],
    faces: tuple[list[Image], list[Image]],
    seed: int = 0,
) -> Image:
    """Draw a crowd.

    Args:
        size_wh: of the picture.
        crowd: who is in it.
        smiling: (n,) who smiles.
        faces: portraits, neutral and smiling.
        seed: of the background and the camera's noise.
    """
    random, (width, height) = np.random.default_rng(seed), size_wh
    coarse = random.integers(70, 130, (height // 40 + 2, width // 40 + 2, 3)).astype(np.uint8)
    image = cv2.resize(coarse, size_wh, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    for person, smiles in zip(crowd, smiling, strict=True):
        face = faces[int(smiles)][person.portrait]
        face = face[:, ::-1] if person.mirrored else face
        side, (x, y) = person.side, person.xy
        pasted = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA) * np.float32(person.light)
        top, left, bottom, right = max(y, 0), max(x, 0), min(y + side, height), min(x + side, width)
        part = np.s_[top - y : bottom - y, left - x : right - x]
        cover = cover_of(side)[part]
        image[top:bottom, left:right] += cover * (pasted[part] - image[top:bottom, left:right])
    image += random.normal(0, 3, image.shape).astype(np.float32)
    return np.asarray(image.clip(0, 255), np.uint8)


def cover_of(side: int) -> NDArray[np.float32]:
    """(side, side, 1) how much of a portrait of that side is pasted: head and shoulders, soft at the edge."""
    y, x = np.mgrid[0:side, 0:side] / side
    far = ((x - 0.5) / 0.33) ** 2 + ((y - 0.45) / 0.43) ** 2
    return np.clip((1.15 - far) / 0.3, 0, 1).astype(np.float32)[..., None]


def moving_camera(image: Image, size_wh: tuple[int, int], time_s: float) -> Image:
    """Cut what a camera sees that swings over a picture, while the light goes up and down."""
    spare = np.subtract(image.shape[1::-1], size_wh)
    swing = (1 + np.array([np.sin(time_s / 7), np.cos(time_s / 5)])) / 2
    x, y = np.rint(spare * swing).astype(int).tolist()
    light = 1 + 0.12 * np.sin(time_s / 11)
    return np.asarray((image[y : y + size_wh[1], x : x + size_wh[0]] * light).clip(0, 255), np.uint8)


def write_film(
    path: Path, frames: Iterator[Image], rate_hz: int, *, quality: int = 26, preset: str = "medium"
) -> None:
    """Write frames as H.264, as a camera's recorder does; a higher number is a poorer picture."""
    with av.open(str(path), "w") as container:
        stream = None
        for number, image in enumerate(frames):
            if stream is None:
                stream = container.add_stream(
                    "libx264", rate=rate_hz, options={"crf": str(quality), "preset": preset}
                )
                stream.width, stream.height, stream.pix_fmt = image.shape[1], image.shape[0], "yuv420p"
                stream.time_base = Fraction(1, rate_hz)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))
