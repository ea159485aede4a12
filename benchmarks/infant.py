"""States of an infant's film, on made courses whose truth is known; and lying, small faces.

    python benchmarks/infant.py states             # false changes, accuracy, mean average precision
    python benchmarks/infant.py faces SHARED       # London's faces on their sides and heads, and small

A made network's mistakes last, as a real one's do: `rho` is the correlation of its noise from frame to frame.
Seven states last 8 s on average (exponential); 5 frames a second, an hour for each row.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from mien.videos.courses import average_precisions, false_changes
from mien.videos.infant import infant
from mien.videos.states import lasting, learned

LABELS = ("discomfort", "unhappy", "joy", "neutral", "sleep", "pacifier", "covered")
STEP_S, LASTS_S, HOUR = 0.2, 8.0, 18_000


def made(
    random: np.random.Generator, strength: float, rho: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return a course of an hour and what a network says of it."""
    changes = random.random(HOUR) < STEP_S / LASTS_S
    truth = np.zeros(HOUR, np.int64)
    for step in range(1, HOUR):
        other = (truth[step - 1] + random.integers(1, len(LABELS))) % len(LABELS)
        truth[step] = other if changes[step] else truth[step - 1]
    noise = random.normal(0, 1, (HOUR, len(LABELS)))
    for step in range(1, HOUR):
        noise[step] = rho * noise[step - 1] + np.sqrt(1 - rho**2) * noise[step]
    noise[np.arange(HOUR), truth] += strength
    p = np.exp(strength * noise)
    return truth, p / p.sum(axis=1, keepdims=True)


def states() -> None:
    print(
        "| frames right | rho | mAP | states right | false changes an hour | of states | fewer | learned"
        " | false |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    times_s = np.arange(HOUR) * STEP_S
    for strength in (1.3, 1.9, 2.6):
        for rho in (0.0, 0.5, 0.8):
            random = np.random.default_rng(7)
            other, _ = made(random, strength, rho)
            truth, p = made(random, strength, rho)
            frames = p.argmax(axis=1)
            by_default = lasting(LABELS, mean_s=5.0, step_s=STEP_S).decode(p)
            by_courses = learned(LABELS, [other], step_s=STEP_S).decode(p)
            ap = np.mean(list(average_precisions(p, truth, LABELS).values()))
            false = [false_changes(each, truth, times_s) for each in (frames, by_default, by_courses)]
            right = [(each == truth).mean() for each in (frames, by_default, by_courses)]
            fewer = 1 - false[1] / false[0]
            print(
                f"| {100 * right[0]:.0f} % | {rho} | {ap:.3f} | {100 * right[1]:.0f} % | {false[0]}"
                f" | {false[1]} | {100 * fewer:.0f} % | {100 * right[2]:.0f} % | {false[2]} |"
            )


def film(path: Path, photographs: list[Path], quarters: int, side_px: int) -> None:
    """Write a film of faces, one after the other for a second, turned by quarters."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width = stream.height = 640
        stream.pix_fmt = "yuv420p"
        for photograph in photographs:
            small = cv2.resize(cv2.imread(str(photograph)), (side_px, side_px), interpolation=cv2.INTER_AREA)
            canvas = np.full((640, 640, 3), 90, np.uint8)
            corner = (640 - side_px) // 2
            canvas[corner : corner + side_px, corner : corner + side_px] = small
            image = np.ascontiguousarray(np.rot90(canvas, quarters))
            for _ in range(10):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))


def faces(shared: Path) -> None:
    """Print for which share of the time a face is in view, after its first second; of 13 people."""
    people = sorted((shared / "data" / "people" / "london" / "neutral").glob("*.jpg"))[::4]
    print("| picture's side | upright | on the left side | on its head | on the right side |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for side_px in (640, 320, 160, 96, 64):
            shares = []
            for quarters in range(4):
                path = Path(folder) / "film.mp4"
                film(path, people, quarters, side_px)
                rows = infant(path).frame
                second = rows["time_s"] % 2 >= 1
                shares.append(rows["in_view"][second].mean())
            print(f"| {side_px} | " + " | ".join(f"{100 * each:.0f} %" for each in shares) + " |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["faces"]:
        faces(Path(sys.argv[2]))
    else:
        states()
