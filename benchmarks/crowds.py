"""What `mien crowd` may promise: shares, intervals, sizes, made scenes, a turn found, and speed.

    python benchmarks/crowds.py mix       # shares of PublicTest, re-mixed at random, against plain counting
    python benchmarks/crowds.py sizes     # the same of faces shrunk to 12 ... 48 pixels, and London's smiles
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
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as Pillow

import made_crowds as made
from mien.config import load_settings
from mien.expression.decision import Decider, features
from mien.expression.network import load_network
from mien.labels import EMOTIONS, FER2013
from mien.pipeline import Pipeline
from mien.places.alarm import BASELINE, find_turns
from mien.places.crowd import read_crowd
from mien.places.quantification import Quantifier, interval
from mien.processors import usable_cores
from mien.types import Faces, Image

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

SIZES_PX = (12, 16, 20, 24, 32, 48)
BATCH = 256
KINDS = ("neutral", "smiling")
HAPPINESS = EMOTIONS.index("happiness")
YUNET = "face_detection_yunet_2026may.onnx"
SPREAD = 0.06
"""Standard deviation of valence from one interval to the next, as crowds of about 30 faces have it."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=sorted(PARTS))
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--network", default="mien")
    parser.add_argument("--detector", choices=("yunet", "mtcnn"), default="yunet")
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


def sizes(options: argparse.Namespace) -> None:
    faces = PublicTest(options)
    prior = np.full(len(FER2013), 1 / len(FER2013))
    guess = -float(np.log(prior[0]))
    print(f"PublicTest; knowing nothing, the surprise is {guess:.2f} nats a face\n")
    print(
        "| size, px | labels right, balanced | surprise, nats | shares of 300: em | plain | knowing nothing |"
    )
    print("| --- " * 6 + "|")
    for px in SIZES_PX:
        evidence, labels = faces.read(px)
        random, errors = np.random.default_rng(options.seed), []
        for _ in range(options.rounds):
            chosen, true = faces.mixed(300, random)
            shares, _ = faces.quantifier.shares(evidence[chosen], np.full(300, px))
            plain = np.bincount(labels[chosen][labels[chosen] >= 0], minlength=len(true)) / 300
            errors.append([100 * np.abs(each - true).mean() for each in (shares, plain, prior)])
        em, counted, nothing = np.mean(errors, axis=0)
        right = np.mean([(labels[each] == faces.truth[each]).mean() for each in faces.by_label])
        own = np.take_along_axis(evidence, faces.truth[:, None], axis=1)[:, 0].clip(1e-12)
        surprise = np.mean([-np.log(own[each]).mean() for each in faces.by_label])
        print(
            f"| {px} | {100 * right:.0f} % | {surprise:.2f} | {em:.1f} | {counted:.1f} | {nothing:.1f} |",
            flush=True,
        )
    london_sizes(options)


def london_sizes(options: argparse.Namespace) -> None:
    """Read London's portraits shrunk so that their faces have so many pixels, and enlarged again."""
    print("\n| size, px | found | London: smiles apart from neutral faces, AUC |\n" + "| --- " * 3 + "|")
    settings = load_settings(min_face_px=100, threads=1)
    kinds = [made.portraits(options.shared / "data" / "people" / "london", kind) for kind in KINDS]
    with Pipeline(settings, network=load_network(options.network, 1)) as pipeline:
        for px in (*SIZES_PX, None):
            happy: list[list[float]] = []
            for portraits in kinds:
                read = [
                    pipeline.read(portrait if px is None else shrunk(portrait, px)) for portrait in portraits
                ]
                happy.append([float(each.shares[0, HAPPINESS]) for each in read if len(each)])
            neutral, smiling = (np.array(each) for each in happy)
            above = (smiling[:, None] > neutral).mean() + (smiling[:, None] == neutral).mean() / 2
            found = len(neutral) + len(smiling)
            print(
                f"| {px or 'as it is'} | {found} of {sum(map(len, kinds))} | {100 * above:.0f} % |",
                flush=True,
            )


def shrunk(portrait: Image, px: int) -> Image:
    """Shrink a portrait until its face has so many pixels, and enlarge it again."""
    side = round(px / made.CROP)
    there = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(there, portrait.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def clear(options: argparse.Namespace) -> tuple[list[Image], list[Image]]:
    """Return portraits, neutral and smiling, of those whose smile is read as happiness at full size.

    The others' smiles are mild, and pass for neutral at any size (README): not what is measured here.
    """
    neutral, smiling = (made.portraits(options.shared / "data" / "people" / "london", kind) for kind in KINDS)
    with Pipeline(load_settings(min_face_px=150, threads=1)) as pipeline:
        kept = [
            place
            for place, pair in enumerate(zip(neutral, smiling, strict=True))
            if [pipeline.read(each).labels for each in pair] == [["neutral"], ["happiness"]]
        ]
    print(f"{len(kept)} of {len(neutral)} people, whose smile is read as happiness at full size\n")
    return [neutral[place] for place in kept], [smiling[place] for place in kept]


def scenes(options: argparse.Namespace) -> None:
    faces, held = clear(options), []
    seen: dict[str, Floats] = {}
    false = 0
    for number in range(max(1, options.rounds // 30)):
        random = np.random.default_rng([options.seed, number])
        crowd = made.people((3840, 2160), int(random.integers(60, 301)), (16, 80), len(faces[0]), random)
        smiling = random.random(len(crowd)) < random.random()
        image = made.picture((3840, 2160), crowd, smiling, faces, number)
        kept: list[Faces] = []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "crowd.jpg"
            Pillow.fromarray(image).save(path, quality=90)
            read = read_crowd(
                path, shown=lambda frame, found, moment, kept=kept: kept.append(found), **detector(options)
            )
        true, whole = smiling.mean(), read.moments[0].whole
        if whole is not None:
            share = whole.shares["happiness"]
            held.append(share.low <= true <= share.high)
            print(
                f"{len(crowd)} faces, {true:.0%} smile: {share.value:.0%} ({share.low:.0%}-{share.high:.0%})"
            )
        hits, missed = matched(kept[0], crowd)
        false += missed
        px = np.array([person.px for person in crowd])
        for name, low, high in ((f"{a}-{b}", a, b) for a, b in pairwise((16, 18, 20, 24, 32, 48, 80))):
            inside = (px >= low) & (px < high)
            seen[name] = seen.get(name, np.zeros(2)) + np.array([hits[inside].sum(), inside.sum()])
    print(f"\nshare within its 90 % interval in {sum(held)} of {len(held)}; boxes without a face: {false}\n")
    print("| size, px | faces | found |\n" + "| --- " * 3 + "|")
    for name, (hit, there) in seen.items():
        print(f"| {name} | {there:.0f} | {100 * hit / max(there, 1):.1f} % |")


def matched(found: Faces, crowd: list[made.Person]) -> tuple[NDArray[np.bool_], int]:
    """Return who was found, and how many boxes show nobody."""
    middles = (found.xyxy[:, :2] + found.xyxy[:, 2:]) / 2
    far = np.array([np.hypot(*(middles - person.middle_xy).T) / person.px for person in crowd])
    near = far.reshape(len(crowd), len(found)) < 0.5
    return near.any(axis=1), int((~near.any(axis=0)).sum())


def turn(options: argparse.Namespace) -> None:
    """Film a crowd that smiles less from the sixth minute on, with its true share drawn anew every 10 s."""
    faces, random = clear(options), np.random.default_rng(options.seed)
    world, seen_wh, rate_hz, turn_s, end_s = (1280, 720), (960, 540), 2, 360, 540
    crowd = made.people(world, 40, (20, 60), len(faces[0]), random)

    def frames() -> Iterator[Image]:
        for place in range(end_s // 10):
            smiling = random.random(len(crowd)) < (0.6 if 10 * place < turn_s else 0.25)
            image = made.picture(world, crowd, smiling, faces, place)
            for frame in range(10 * rate_hz):
                yield made.moving_camera(image, seen_wh, 10 * place + frame / rate_hz)

    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        made.write_film(film, frames(), rate_hz)
        read = read_crowd(film, interval_s=5, **detector(options))
    print(f"{len(crowd)} people, 60 % smile until {turn_s} s, then 25 %; one false alarm an hour is allowed")
    for each in read.turns:
        told, since = read.moments[each.told], read.moments[each.since]
        way = "rises" if each.rises else "falls"
        print(f"{each.measure} {way}: since about {since.start_s:.0f} s, told at {told.end_s:.0f} s")
    if not read.turns:
        print("nothing was told")


def alarms(options: argparse.Namespace) -> None:
    """Draw the figures of calm crowds, and of some whose valence falls, and watch them."""
    hours, per_hour = 3, 360
    print(f"{options.rounds} calm crowds of {hours} h; then falls after one hour\n")
    print("| ups and downs carry over | false alarms, one in | asked for | fall | found | median delay |")
    print("| --- " * 6 + "|")
    for carry in (0.0, 0.4, 0.8):
        random, told = np.random.default_rng(options.seed), 0
        for _ in range(options.rounds):
            told += len(
                find_turns("valence", range(hours * per_hour), calm(random, hours, carry), 2 * per_hour)
            )
        watched = options.rounds * (hours - BASELINE / per_hour)
        for fall_sd in (1.0, 2.0):
            delays = []
            for _ in range(options.rounds // 3):
                values = calm(random, 2, carry)
                values[per_hour:] -= fall_sd * SPREAD
                found = find_turns("valence", range(2 * per_hour), values, 2 * per_hour)
                delays += [each.told - per_hour for each in found if each.told >= per_hour][:1]
            share = len(delays) / max(1, options.rounds // 3)
            print(
                f"| {carry} | {watched / max(told, 1):.1f} h | 2 h | {fall_sd:g} SD | {share:.0%} |"
                f" {10 * np.median(delays):.0f} s |",
                flush=True,
            )


def calm(random: np.random.Generator, hours: int, carry: float) -> Floats:
    """Draw a crowd's valence every 10 s, while nothing changes: a first-order autoregression."""
    noise = random.standard_normal(360 * hours)
    for place in range(1, len(noise)):
        noise[place] = carry * noise[place - 1] + np.sqrt(1 - carry**2) * noise[place]
    return np.asarray(0.2 + SPREAD * noise)


def speed(options: argparse.Namespace) -> None:
    """Time both; a busy machine's clock says little, so the processors' time stands beside it."""
    london = options.shared / "data" / "people" / "london"
    faces = (made.portraits(london, "neutral"), made.portraits(london, "smiling"))
    random = np.random.default_rng(options.seed)
    print(f"load {os.getloadavg()[0]:.1f}, {usable_cores()} cores; yardstick {yardstick():.0f} ms")
    with tempfile.TemporaryDirectory() as folder:
        photo, film = Path(folder) / "photo.jpg", Path(folder) / "film.mp4"
        crowd = made.people((3840, 2160), 200, (20, 80), len(faces[0]), random)
        Pillow.fromarray(made.picture((3840, 2160), crowd, np.zeros(200, bool)[: len(crowd)], faces)).save(
            photo
        )
        few = made.people((2100, 1200), 50, (20, 80), len(faces[0]), random)
        image = made.picture((2100, 1200), few, np.zeros(len(few), bool), faces)
        count = 100
        made.write_film(film, (made.moving_camera(image, (1920, 1080), n / 25) for n in range(count)), 25)
        read_crowd(photo, **detector(options))  # so that everything is loaded
        for name, path, frames, choices in (
            (f"4K photograph, {len(crowd)} faces", photo, 1, {}),
            (f"1080p film, {len(few)} faces, every frame", film, count, {"every": 1}),
            (f"1080p film, {len(few)} faces, 5 a second", film, count // 5, {}),
        ):
            clock_s, busy_s = perf_counter(), process_time()
            read = read_crowd(path, **detector(options), **choices)
            clock_s, busy_s = perf_counter() - clock_s, process_time() - busy_s
            print(
                f"{name} ({read.settings['detector']}, {read.moments[0].seen} seen): {clock_s:.2f} s by the"
                f" clock, {busy_s:.2f} s of processors; {frames / clock_s:.1f} frames a second,"
                f" {2 * frames / busy_s:.1f} were two cores used without rest"
            )


def yardstick() -> float:
    """Return what the network takes for 50 faces on one core, in ms of processor, the best of five."""
    network, crops, spent = load_network("mien", 1), np.zeros((50, 48, 48), np.uint8), []
    for _ in range(5):
        start = process_time()
        network.answer(crops)
        spent.append(process_time() - start)
    return 1000 * min(spent)


def detector(options: argparse.Namespace) -> dict[str, Any]:
    """Return the choices that name the detector: YuNet's file out of the shared models, or MTCNN."""
    if options.detector == "mtcnn":
        return {"detector": "mtcnn"}
    return {"detector": "yunet", "detector_model": options.shared / "models" / YUNET}


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    part.__name__: part for part in (mix, sizes, scenes, turn, alarms, speed)
}

if __name__ == "__main__":
    main()
