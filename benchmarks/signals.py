"""Body signals on real bodies: beats, rates, arousal and muscles, on the shared data.

    python benchmarks/signals.py            # all tables, some fifteen minutes on one core
    python benchmarks/signals.py --only beats rates camera muscles breath drift files
    python benchmarks/signals.py --learn    # writes the weights of the arousal index anew

It needs `mien[signals]` and `signals` in the shared data: MIT-BIH 100 and a103l (PhysioNet, ODC-By), Welltory
(CC0), Stress-Predict (Iqbal et al. 2022, MIT), face-emg (Nilsonne et al., CC0), xdf-modules' files (MIT).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.remove(str(Path(__file__).parent))  # this file would hide the tests of its name
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # made hearts

import mien.signals.arousal as index
from mien.signals.alignment import RateCourse, pulse_drift
from mien.signals.body import muscle_activity
from mien.signals.breath import breath_of_beats
from mien.signals.figures import figures
from mien.signals.files import read_signals
from mien.signals.heart import find_beats
from mien.signals.rate import heart_rate, rate_of_beats
from mien.signals.types import Signal
from signals.bodies import breathing, ecg, pulse
from signals.test_alignment import wandering
from signals.test_drift import BEGIN_S, drifting

BEATS = set("NLRBAaJSVrFejnE/fQ")
"""MIT-BIH's codes of beats; its other marks are of rhythm and noise."""
WEIGHTS = Path(__file__).parents[1] / "src" / "mien" / "signals" / "arousal.json"


def beats(data: Path) -> None:
    read = read_signals(data / "100.hea")
    true = np.array([mark.time_s for mark in read.marks if mark.text in BEATS])
    for signal in read.signals:
        found = find_beats(signal).times_s
        hits = len({int(i) for at in found if abs(true[i := np.argmin(np.abs(true - at))] - at) <= 0.05})
        recall, precision = hits / len(true), hits / len(found)
        f1 = 2 * recall * precision / (recall + precision)
        print(
            f"100 {signal.name:5} F1 {f1:.4f}, recall {recall:.4f}, precision {precision:.4f},"
            f" {len(true)} beats"
        )


def rates(data: Path) -> None:
    read = read_signals(data / "a103l.hea")
    ecg, pulse = read.signals[0], read.of("ppg")[0]
    found = find_beats(ecg)
    for window in (10, 30, 60):
        starts = np.arange(0, read.span_s[1] - window, window / 2)
        both = [(rate_of_beats(found, at, at + window), heart_rate(pulse, at, at + window)) for at in starts]
        good = [abs(a.per_min - b.per_min) for a, b in both if a.per_min and b.per_min]
        print(
            f"a103l {window} s: {len(good)} of {len(starts)} windows good in both,"
            f" {np.mean(np.array(good) <= 2):.0%} within 2 bpm, worst {max(good):.2f}"
        )


def camera(data: Path) -> None:
    errors = []
    folders = sorted((data / "welltory").glob("subject_*"))
    for folder in folders:
        read = read_signals(folder / "PPG.csv")
        true = 60000 / np.array((folder / "RR.txt").read_text().split(), float).mean()
        told = max((heart_rate(each, *read.span_s) for each in read.signals), key=lambda each: each.quality)
        if told.per_min is not None:
            errors.append(abs(told.per_min - true))
            print(
                f"{folder.name}: {told.per_min:.1f} by {told.by}, strap {true:.1f},"
                f" quality {told.quality:.2f}"
            )
        else:
            print(f"{folder.name}: no reading, strap {true:.1f}, quality {told.quality:.2f}")
    print(
        f"welltory: {len(errors)} of {len(folders)} read, mean error {np.mean(errors):.2f} bpm,"
        f" worst {max(errors):.2f}"
    )


def stressed(data: Path) -> pd.DataFrame:
    """Return a row a window of each person, with the parts of the index and whether it was a task."""
    labels = pd.read_csv(data / "stress-predict" / "labels.csv.gz")
    rows: list[dict[str, Any]] = []
    for person in range(1, 21):
        read = read_signals(data / "stress-predict" / f"S{person:02}")
        assert read.start is not None
        if person == 1:  # who has no labels, but tags at each task's beginning and end
            tags = [mark.time_s for mark in read.marks]
            tasks, limits = [(tags[0], tags[1]), (tags[3], tags[4]), (tags[5], tags[6])], read.span_s
        else:
            own = labels[labels.Participant == person]
            at, task = own["Time(sec)"].to_numpy() - read.start.timestamp(), own.Label.to_numpy()
            on = np.flatnonzero(np.diff(np.r_[0, task]) == 1), np.flatnonzero(np.diff(np.r_[task, 0]) == -1)
            tasks, limits = [(at[a], at[b]) for a, b in zip(*on, strict=True)], (at[0], at[-1])
        for (start, end), parts in index.parts_of(figures(read, 60)).items():
            if start < limits[0] or end > limits[1]:
                continue
            within = [min(end, b) - max(start, a) for a, b in tasks]
            share = sum(max(0, each) for each in within)
            about = {"person": person, "task": 1 if share >= 50 else 0 if share <= 10 else -1}
            rows.append(about | {"which": int(np.argmax(within)), "opening": end <= tasks[0][0], **parts})
        print(f"S{person:02}: {sum(each['person'] == person for each in rows)} windows", flush=True)
    return pd.DataFrame(rows)


def arousal(data: Path, learn: bool) -> None:
    table = stressed(data)
    known = table[list(index.PARTS)].astype(object)
    rows = known.where(known.notna(), None).to_dict("records")
    parts = np.array([index._row(row) for row in rows])
    references = {
        "the whole recording": np.ones(len(table), bool),
        "all rest": (table.task == 0).to_numpy(),
        "the opening rest alone": table.opening.to_numpy(),
    }
    for name, resting in references.items():
        tested = (table.task >= 0).to_numpy() & ~(
            table.opening.to_numpy() & (name == "the opening rest alone")
        )
        for used in (("heart_rate",), index.PARTS[:4], index.PARTS):
            compared(name, table, parts, resting, tested, used)
        blind = parts.copy()
        blind[:, index.PARTS.index("skin_temperature")] = np.nan
        print("the same weights, from a device without temperature:", end=" ")
        compared(name, table, parts, resting, tested, index.PARTS, seen=blind)
    told = index.PARTS[:4]
    both = pd.DataFrame(parts).groupby(table.person.to_numpy()).rolling(2, min_periods=1).mean().to_numpy()
    compared("the whole recording", table, both, references["the whole recording"], labelled(table), told)
    print("the last: each part is the mean of its window and the one before")
    if learn:
        write_weights(table, parts)


def labelled(table: pd.DataFrame) -> NDArray[np.bool_]:
    return np.asarray(table.task >= 0)


def compared(
    name: str,
    table: pd.DataFrame,
    parts: NDArray[np.float64],
    resting: NDArray[np.bool_],
    tested: NDArray[np.bool_],
    used: tuple[str, ...],
    seen: NDArray[np.float64] | None = None,
) -> None:
    """Print how well left-out people's tasks are told from rest, with the 90 % interval over people.

    Args:
        name: what their rest is.
        table: their windows, with the person and the task of each.
        parts: what is known in each, by which others' weights are fitted.
        resting: which windows are rest.
        tested: which windows count.
        used: the parts that are fitted.
        seen: what is known of the person who is left out; as `parts` if not given.
    """
    from sklearn.metrics import roc_auc_score

    columns = [index.PARTS.index(each) for each in used]
    people = table.person.to_numpy()
    scores = np.full(len(table), np.nan)
    for person in np.unique(people):
        others, own = people != person, people == person
        floors = floors_of(parts[others], people[others])
        relative = relative_parts(parts, people, resting, floors)[:, columns]
        weights = fitted(relative[others & tested], table.task.to_numpy()[others & tested])
        known = np.isfinite(relative[:, [0] if len(columns) == 1 else [0, 1]]).all(axis=1)
        if seen is not None:
            relative = relative_parts(seen, people, resting, floors)[:, columns]
        scores[own & known] = (np.c_[np.ones(len(relative)), np.nan_to_num(relative)] @ weights)[own & known]
    judged = tested & np.isfinite(scores)
    truth = table.task.to_numpy()
    each = [
        roc_auc_score(truth[own], scores[own])
        for person in np.unique(people)
        if len(set(truth[own := judged & (people == person)])) == 2
    ]
    tasks = [
        roc_auc_score(truth[part], scores[part])
        for which in range(3)
        if (part := judged & ((truth == 0) | (table.which.to_numpy() == which))).any()
    ]
    random, rows = (
        np.random.default_rng(0),
        [np.flatnonzero(judged & (people == who)) for who in range(1, 21)],
    )
    draws = [np.concatenate([rows[who] for who in random.integers(0, 20, 20)]) for _ in range(2000)]
    low, high = np.quantile([roc_auc_score(truth[drawn], scores[drawn]) for drawn in draws], (0.05, 0.95))
    print(
        f"against {name}, {' + '.join(used)}: AUC {roc_auc_score(truth[judged], scores[judged]):.3f}"
        f" [{low:.3f}, {high:.3f}]"
        f" (mean of people {np.mean(each):.3f}, of {len(each)}; Stroop, interview, hyperventilation"
        f" {', '.join(f'{auc:.2f}' for auc in tasks)}), {judged.sum()} of {tested.sum()} windows read",
        flush=True,
    )


def floors_of(parts: NDArray[np.float64], people: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return half the usual spread of each part within people: a calmer rest isn't made to look wild."""
    return 0.5 * np.nanmedian(
        [np.nanstd(parts[people == each], axis=0) for each in np.unique(people)], axis=0
    )


def relative_parts(
    parts: NDArray[np.float64],
    people: NDArray[np.int64],
    resting: NDArray[np.bool_],
    floors: NDArray[np.float64],
) -> NDArray[np.float64]:
    relative = np.full(parts.shape, np.nan)
    for person in np.unique(people):
        own = people == person
        relative[own] = index.against_rest(parts[own], parts[own & resting], floors)
    return relative


def fitted(relative: NDArray[np.float64], task: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return bias and weights of a logistic regression in which tasks and rest count the same."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=0.1, class_weight="balanced").fit(np.nan_to_num(relative), task)
    return np.r_[model.intercept_, model.coef_[0]]


def write_weights(table: pd.DataFrame, parts: NDArray[np.float64]) -> None:
    """Write weights, and by leaving one person out at a time, how sure they are (jackknife)."""
    people, task = table.person.to_numpy(), table.task.to_numpy()
    floors = floors_of(parts, people)
    relative = relative_parts(parts, people, np.ones(len(table), bool), floors)
    tested = task >= 0
    weights = fitted(relative[tested], task[tested])
    left = [
        fitted(relative[kept], task[kept])
        for each in np.unique(people)
        if (kept := tested & (people != each)).any()
    ]
    apart = np.array(left) - np.mean(left, axis=0)
    covariance = (len(left) - 1) / len(left) * apart.T @ apart
    learned = {
        "parts": list(index.PARTS),
        "weights": np.round(weights, 4).tolist(),
        "covariance": np.round(covariance, 5).tolist(),
        "floors": np.round(floors, 4).tolist(),
        "people": len(left),
        "windows": int(tested.sum()),
        "window_s": 60,
        "data": "Stress-Predict, S01-S20 (Iqbal et al. 2022, MIT)",
    }
    WEIGHTS.write_text(json.dumps(learned, indent=1) + "\n")
    print(f"wrote {WEIGHTS}: {dict(zip(('bias', *index.PARTS), np.round(weights, 2).tolist(), strict=True))}")


def muscles(data: Path) -> None:
    rows = []
    for file in sorted((data / "face-emg").glob("*.npz")):
        with np.load(file) as read:
            rate = float(read["fs"])
            onsets, shown = read["onset_sample"] / rate, read["onset_label"]
            for muscle, key in (("smile", "emg_zyg_rect_mV"), ("frown", "emg_corr_rect_mV")):
                signal = Signal(key, "emg", "mV", read[key], np.arange(len(read[key])) / rate, str(file))
                for at, label in zip(onsets, shown, strict=True):
                    before, during = muscle_activity(signal, at - 2, at), muscle_activity(signal, at, at + 6)
                    if before.value and during.value:
                        rows.append((file.stem, muscle, str(label), np.log(during.value / before.value)))
    means = pd.DataFrame(rows, columns=["person", "muscle", "shown", "change"]).groupby(
        ["person", "muscle", "shown"]
    )
    wide = means["change"].mean().unstack()
    for muscle, (more, less) in (("smile", ("happy", "angry")), ("frown", ("angry", "happy"))):
        part = wide.xs(muscle, level="muscle")
        apart = part[more] - part[less]
        apart = apart.dropna()
        mean, size = apart.mean(), apart.mean() / apart.std()
        error = apart.std() / np.sqrt(len(apart))
        print(
            f"{muscle} muscle, {more} above {less} faces: {np.expm1(mean):+.0%}"
            f" [{np.expm1(mean - 1.96 * error):+.0%}, {np.expm1(mean + 1.96 * error):+.0%}], dz {size:.2f},"
            f" {(apart > 0).sum()} of {len(apart)} people"
        )


def breath(data: Path) -> None:
    """Print how near the breath in the beats is in made hearts, and how often it is given."""
    for kind in ("ecg", "ppg"):
        for lost in (-1, 0, 1, 2):
            errors = []
            for seed in range(40):
                per_min = float(np.random.default_rng(seed).uniform(8, 24))
                signal, true = breathing(per_min, 62, kind, noise=0.05, seed=seed, lost=lost)
                told = breath_of_beats(signal, find_beats(signal), 1, 61).value
                if told is not None:
                    errors.append(abs(told - true))
            what = "all three show" if lost < 0 else f"without the {('rate', 'height', 'line')[lost]}"
            worst = f", mean error {np.mean(errors):.2f} a minute, worst {max(errors):.2f}" if errors else ""
            print(f"made {kind}, {what}: given in {len(errors)} of 40 minutes{worst}", flush=True)
        still = 0
        for seed in range(40):
            random = np.random.default_rng(seed)
            beats = np.cumsum(0.8 + 0.03 * random.normal(size=76)) + 0.3
            made = pulse(beats, 62, noise=0.05, seed=seed) if kind == "ppg" else ecg(beats, 62, noise=0.05)
            wander = 0.1 * np.sin(2 * np.pi * 0.2 * made.times_s) if kind == "ecg" else 0.0
            made = Signal(made.name, made.kind, "", made.values - wander, made.times_s)
            still += breath_of_beats(made, find_beats(made), 1, 61).value is not None
        print(f"made {kind}, no breath at all: given in {still} of 40 minutes", flush=True)
    read = read_signals(data / "a103l.hea")
    for name in ("II", "PLETH"):
        signal = next(each for each in read.signals if each.name == name)
        found = find_beats(signal)
        told = [breath_of_beats(signal, found, at, at + 60) for at in np.arange(0, read.span_s[1] - 60, 30)]
        known = [each.value for each in told if each.value is not None]
        print(f"a103l {name}: given in {len(known)} of {len(told)} windows: {np.round(known, 1).tolist()}")


def drift(data: Path) -> None:
    """Print how a drift of the clocks is found by made hearts, whose readings are off by 0.7 bpm."""
    for minutes in (20, 30, 60):
        for ppm in (-200, -50, 0, 50, 200):
            off, inside, known = [], 0, 0
            for seed in range(20):
                course = RateCourse(0.0, wandering(60 * minutes + 200, 900 + seed))
                found = pulse_drift(drifting(course, ppm, 60 * minutes, seed=seed), course, BEGIN_S)
                if found is None:
                    continue
                off.append(found[2].ppm - ppm)
                inside += found[2].low <= ppm <= found[2].high
                known += found[2].known
            print(
                f"{minutes} min, {ppm:+} ppm: off by {np.mean(np.abs(off)):.0f} ppm on average, interval"
                f" holds in {inside} of {len(off)}, corrected in {known}",
                flush=True,
            )


def samples(data: Path) -> None:
    for file in sorted((data / "xdf").glob("*.xdf")):
        read = read_signals(file)
        print(f"{file.name}: {len(read.signals)} signals, {len(read.marks)} marks; {'; '.join(read.notes)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Body signals on real bodies.")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--learn", action="store_true", help="write the weights of the arousal index anew")
    tables = {
        "beats": beats, "rates": rates, "camera": camera, "muscles": muscles, "breath": breath,
        "drift": drift, "files": samples,
    }  # fmt: skip
    parser.add_argument("--only", nargs="+", choices=[*tables, "arousal"], default=[*tables, "arousal"])
    chosen = parser.parse_args()
    data = chosen.shared / "data" / "signals"
    for name, run in tables.items():
        if name in chosen.only and not chosen.learn:
            run(data)
    if chosen.learn or "arousal" in chosen.only:
        arousal(data, chosen.learn)


if __name__ == "__main__":
    main()
