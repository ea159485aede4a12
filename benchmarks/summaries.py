"""What `mien summarize` may promise: planted moments found, expressions covered, chance beaten, memory.

    python benchmarks/summaries.py covered     # by how much presence falls when a face is partly covered
    python benchmarks/summaries.py planted     # made films of London's people: moments found, and chance
    python benchmarks/summaries.py grief       # what of grief.mp4 is in a fifth of it
    python benchmarks/summaries.py memory      # peak memory and time for films of 5 and 40 minutes
    python benchmarks/summaries.py storyboard  # draws docs/summaries.webp
    python benchmarks/summaries.py tvsum FOLDER [VIDEOS]
    python benchmarks/summaries.py summe FOLDER [VIDEOS]

The first five need `people/london` (Face Research Lab London Set, DeBruine & Jones, CC BY 4.0) or
`video/grief.mp4` in the shared data. TVSum and SumMe are fetched by whoever has agreed to their terms;
without the VIDEOS it prints what people and chance reach.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.stats import kendalltau, spearmanr

import mien
from mien.files import natural_key
from mien.show.video import ClipWriter
from mien.videos.summary.course import STEP_S
from mien.videos.summary.moments import COVERED, COVERED_BY
from mien.videos.summary.pages import storyboard
from mien.videos.summary.protocol import Annotated, agreement, chance, people_agree, read_summe, read_tvsum
from mien.videos.summary.types import Summary

Picture = NDArray[np.uint8]
Event = tuple[str, float, float]
"""What happens, from when, for how long: "smile" or "hand"."""

RATE_HZ = 10
SIDE_PX = 320
FADE_S = 0.4
DRAWS = 200
MEASURED = """
import mien, resource
mien.summarize({path!r}, "60s", out={out!r})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=sorted(COMMANDS))
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--people", type=int, default=12)
    given = parser.parse_args()
    COMMANDS[given.what](given)


# What happens in a made film


def pair_of(shared: Path, person: str) -> tuple[Picture, Picture]:
    """A person's neutral and smiling photograph, laid over each other by eyes and mouth."""
    plain, smiling = (
        np.asarray(Pillow.open(shared / "data/people/london" / kind / f"{person}.jpg").convert("RGB"))
        for kind in ("neutral", "smiling")
    )
    places = [mien.read(image).landmarks[0][[36, 45, 30, 8]] for image in (smiling, plain)]
    matrix, _ = cv2.estimateAffinePartial2D(*places)
    laid = cv2.warpAffine(smiling, matrix, plain.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    size = (SIDE_PX, SIDE_PX)
    return (
        np.asarray(cv2.resize(plain, size, interpolation=cv2.INTER_AREA)),
        np.asarray(cv2.resize(laid, size, interpolation=cv2.INTER_AREA)),
    )


def people(shared: Path) -> list[str]:
    found = (shared / "data/people/london/smiling").glob("*.jpg")
    return [path.stem for path in sorted(found, key=natural_key)]


def hand_over(image: Picture) -> Picture:
    """Lay something of the skin's colour, with soft edges, over mouth and chin."""
    points = mien.read(image).landmarks[0]
    left, right, top = points[4, 0], points[12, 0], points[33, 1] + 2
    mask = np.zeros(image.shape[:2], np.float32)
    cv2.rectangle(mask, (int(left), int(top)), (int(right), int(points[8, 1]) + 12), 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 4)[..., None]
    skin = np.median(
        image[
            int(points[30, 1]) - 8 : int(points[30, 1]) + 8, int(points[30, 0]) - 20 : int(points[30, 0]) + 20
        ].reshape(-1, 3),
        axis=0,
    )
    random = np.random.default_rng(0)
    grain = cv2.GaussianBlur(random.normal(0, 14, image.shape).astype(np.float32), (0, 0), 2)
    return np.asarray((image * (1 - mask) + (skin * 0.9 + grain) * mask).clip(0, 255), np.uint8)


def shown(events: list[Event], time_s: float) -> tuple[float, bool]:
    """How much of the smile is there at a moment, and whether the hand is."""
    smile, hand = 0.0, False
    for what, start_s, length_s in events:
        end_s = start_s + length_s
        if what == "smile":
            rise = (time_s - start_s) / FADE_S, (end_s - time_s) / FADE_S
            smile = max(smile, min(1.0, *rise))
        else:
            hand = hand or start_s <= time_s < end_s
    return max(0.0, smile), hand


def write_made(path: Path, pair: tuple[Picture, Picture], events: list[Event], seconds: float) -> None:
    """A head that moves a little and smiles now and then, as H.264."""
    covered = hand_over(pair[0])
    with ClipWriter(path, (SIDE_PX, SIDE_PX)) as clip:
        for index in range(round(seconds * RATE_HZ)):
            time_s = index / RATE_HZ
            smile, hand = shown(events, time_s)
            image = covered if hand else cv2.addWeighted(pair[0], 1 - smile, pair[1], smile, 0)
            sway = 5 * np.sin(time_s * 0.9), 3 * np.cos(time_s * 1.3)
            matrix = cv2.getRotationMatrix2D((SIDE_PX / 2, SIDE_PX / 2), 2 * np.sin(time_s * 0.7), 1.0)
            matrix[:, 2] += sway
            clip.write(
                cv2.warpAffine(image, matrix, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE), time_s
            )


def planted(random: np.random.Generator, seconds: float) -> list[Event]:
    """Three smiles and a covered face, at random, apart."""
    slots = 1 + random.permutation(int(seconds // 10) - 1)[:4]  # the first seconds are the face at rest
    kinds = ["smile", "smile", "smile", "hand"]
    return sorted(
        (
            (kind, 10.0 * slot + float(random.uniform(1, 5)), float(random.uniform(2, 4)))
            for kind, slot in zip(kinds, slots, strict=True)
        ),
        key=lambda event: event[1],
    )


# The commands


def run_covered(given: argparse.Namespace) -> None:
    changes: dict[str, list[float]] = {"mouth covered": [], "smile": [], "blurred, sigma 3": []}
    for person in people(given.shared)[1::2]:
        pair = pair_of(given.shared, person)
        own = presence(pair[0])
        changes["mouth covered"].append(presence(hand_over(pair[0])) - own)
        changes["smile"].append(presence(pair[1]) - own)
        changes["blurred, sigma 3"].append(presence(cv2.GaussianBlur(pair[0], (0, 0), 3)) - own)
    print(
        "| change of presence, log odds | faces | 5 % | median | 95 % | taken for covered |\n|" + " --- |" * 6
    )
    for name, values in changes.items():
        low, middle, high = np.percentile(values, [5, 50, 95])
        below = np.mean(np.array(values) < -COVERED_BY)
        print(f"| {name} | {len(values)} | {low:.2f} | {middle:.2f} | {high:.2f} | {below:.0%} |")


def presence(image: Picture) -> float:
    found = mien.read(image).presence
    share = float(found[0]) if len(found) else 1e-4
    return float(np.log(share / (1 - share)))


def run_planted(given: argparse.Namespace) -> None:
    random, seconds = np.random.default_rng(7), 60.0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for person in people(given.shared)[: given.people]:
            events = planted(random, seconds)
            path = Path(folder, f"{person}.mp4")
            write_made(path, pair_of(given.shared, person), events, seconds)
            rows.append(judged(mien.summarize(path, "20%", neutral="first:5s"), events, random))
    table = np.array(rows)
    names = (
        "tau",
        "rho",
        "tau of chance, sd",
        "rho of chance, sd",
        "events shown",
        "states shown",
        "planted time in it",
    )
    print("| measure | mean | least | most |\n| --- | --- | --- | --- |")
    for name, column in zip(names, table.T, strict=True):
        print(f"| {name} | {column.mean():.3f} | {column.min():.3f} | {column.max():.3f} |")


def judged(summary: Summary, events: list[Event], random: np.random.Generator) -> tuple[float, ...]:
    """Ranks by stretches of a second, and chance's spread; which events and states are in; and how much."""
    cells = len(summary.score)
    time_s = (np.arange(cells) + 0.5) * STEP_S
    truth = np.zeros(cells)
    for _, start_s, length_s in events:
        truth[(time_s >= start_s) & (time_s < start_s + length_s)] = 1
    whole = cells // 10 * 10
    ours, real = (line[:whole].reshape(-1, 10).mean(axis=1) for line in (summary.score, truth))
    drawn = [random.random(len(real)) for _ in range(DRAWS)]
    spread = [np.std([rank(each, real).statistic for each in drawn]) for rank in (kendalltau, spearmanr)]
    inside = np.zeros(cells, bool)
    for piece in summary.pieces:
        inside |= (time_s >= piece.start_s) & (time_s < piece.end_s)
    in_event = [inside[(time_s >= start) & (time_s < start + length)].any() for _, start, length in events]
    states = {piece.state for piece in summary.pieces}
    wanted = {"happiness", COVERED}
    return (
        kendalltau(ours, real).statistic, spearmanr(ours, real).statistic, *spread,
        float(np.mean(in_event)), len(wanted & states) / len(wanted), float(truth[inside].mean()),
    )  # fmt: skip


def run_grief(given: argparse.Namespace) -> None:
    for length in ("10%", "20%", "40%"):
        summary = mien.summarize(given.shared / "data/video/grief.mp4", length)
        print(length, summary, "missing:", ", ".join(summary.missing) or "none")
        for piece in summary.pieces:
            print(f"   {piece.start_s:5.1f}-{piece.end_s:4.1f} s  {piece.reason}")


def run_memory(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        short = Path(folder, "short.mp4")
        events: list[Event] = [("smile", 10, 3), ("hand", 30, 3), ("smile", 45, 4)]
        write_made(short, pair_of(given.shared, people(given.shared)[0]), events, 60)
        print("| minutes | file, MB | peak memory, MB | seconds |\n| --- | --- | --- | --- |")
        for minutes in (5, 40):
            long = Path(folder, f"{minutes}.mkv")
            repeat(short, long, minutes)
            before_s = perf_counter()
            code = MEASURED.format(path=str(long), out=f"{folder}/out")
            run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            size_mb, peak_mb = long.stat().st_size / 1e6, int(run.stdout) / 1024
            print(f"| {minutes} | {size_mb:.0f} | {peak_mb:.0f} | {perf_counter() - before_s:.0f} |")


def repeat(path: Path, to: Path, times: int) -> None:
    """Put a film behind itself, packet by packet."""
    with av.open(str(to), "w") as out:
        stream, offset = None, 0
        for _ in range(times):
            with av.open(str(path)) as film:
                video = film.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                last = 0
                for packet in film.demux(video):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    last = packet.pts + packet.duration
                    packet.stream = stream
                    out.mux(packet)
            offset = last


def run_storyboard(given: argparse.Namespace) -> None:
    events: list[Event] = [("smile", 6, 3.5), ("hand", 17, 3), ("smile", 25, 3)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "session.mp4")
        write_made(path, pair_of(given.shared, "013"), events, 32)
        summary = mien.summarize(path, "25%", out=Path(folder, "out"), neutral="first:5s")
        target = Path(__file__).parents[1] / "docs/summaries.webp"
        storyboard(summary).save(target, quality=82)
        print(target, summary)


def run_tvsum(given: argparse.Namespace) -> None:
    report(read_tvsum(given.folders[0]), given.folders[1:])


def run_summe(given: argparse.Namespace) -> None:
    report(read_summe(given.folders[0]), given.folders[1:])


def report(videos: list[Annotated], folders: list[Path]) -> None:
    """Print the protocol's figures: people with each other, chance, and ours where the videos are there."""
    rows: dict[str, list[tuple[float, ...]]] = {"people": [], "chance": []}
    for video in videos:
        said = {"people": people_agree(video), "chance": chance(video, 20)}
        for film in film_of(video, folders):
            said["mien summarize"] = agreement(np.nan_to_num(mien.summarize(film).score), video)
        for name, each in said.items():
            rows.setdefault(name, []).append((each.f1_mean, each.f1_max, each.tau, each.rho))
    print("| | videos | F1, mean of people | F1, best of people | tau | rho |\n|" + " --- |" * 6)
    for name, values in rows.items():
        means = np.nanmean(values, axis=0)
        print(f"| {name} | {len(values)} | " + " | ".join(f"{each:.3f}" for each in means) + " |")


def film_of(video: Annotated, folders: list[Path]) -> Iterator[Path]:
    found = [path for folder in folders for path in folder.rglob(f"{video.name}.*")]
    yield from found[:1]


COMMANDS = {
    "covered": run_covered, "planted": run_planted, "grief": run_grief, "memory": run_memory,
    "storyboard": run_storyboard, "tvsum": run_tvsum, "summe": run_summe,
}  # fmt: skip

if __name__ == "__main__":
    main()
