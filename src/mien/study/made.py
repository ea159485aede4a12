"""A made-up experiment whose effects are known, to learn on and to test with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mien.errors import ConfigError
from mien.expression.circumplex import COORDINATES, valence_arousal
from mien.files import check_folder, write_json
from mien.labels import EMOTIONS
from mien.study.epochs import STEP_S, write_csv
from mien.study.tables import Floats
from mien.table import DECIMALS

if TYPE_CHECKING:
    import pandas as pd

EFFECTS: Final = {"neutral": 0.0, "pleasant": 0.15, "unpleasant": -0.1}
"""How far each condition moves valence on average, in the group with the full response, at strength 1."""

GROUPS: Final = {"controls": 1.0, "patients": 0.5}
"""How much of it each group shows."""

RESPONSE_S: Final = (0.5, 3.0)
"""When the response begins and ends; it rises and falls over half a second inside."""

_RAMP_S: Final = 0.5
_EVERY_S: Final = (8.0, 10.0)
_OWN: Final = {"level": 0.06, "response": 0.03, "epoch": 0.05, "noise": 0.04}
_AWAY: Final = 0.06
_HALF_LIFE_S: Final = 0.4


@dataclass(frozen=True, slots=True)
class MadeStudy:
    """An experiment that nobody took part in.

    Attributes:
        table: as `mien analyze` writes it, a recording for each person.
        stimuli: what was shown when.
        truth: the planted effects.
    """

    table: pd.DataFrame
    stimuli: pd.DataFrame
    truth: dict[str, Any]

    def save(self, folder: str | Path) -> list[Path]:
        """Write `readings.csv`, `stimuli.csv` and `truth.json`; earlier ones are replaced.

        Raises:
            OutputError: it can't be written.
        """
        folder = Path(folder)
        check_folder(folder)
        files = [folder / name for name in ("readings.csv", "stimuli.csv", "truth.json")]
        write_csv(self.table, files[0])
        write_csv(self.stimuli, files[1])
        write_json(files[2], self.truth)
        return files


def make_study(
    people: int = 40, *, trials: int = 10, seed: int = 0, strength: float = 1.0, rate_hz: float = 10.0
) -> MadeStudy:
    """Draw people of two groups who see stimuli of three conditions.

    Args:
        people: how many, half of them in each group.
        trials: of each condition.
        seed: another seed draws other people.
        strength: of the planted effects; 0 plants none.
        rate_hz: frames a second.

    Raises:
        ConfigError: a number can't be.
    """
    import pandas as pd

    if people < 2 or trials < 1 or strength < 0 or rate_hz <= 0:
        raise ConfigError(
            "expected at least 2 people, 1 trial, a strength of at least 0 and a rate above 0, received"
            f" {people}, {trials}, {strength:g} and {rate_hz:g}"
        )
    random = np.random.default_rng(seed)
    tables, stimuli = [], []
    for number in range(people):
        person, group = f"SIM-{number + 1:02}", list(GROUPS)[number % 2]
        shown = pd.DataFrame(_shown(random, trials), columns=["onset_s", "condition"])
        shown["name"] = [f"{each}{1 + at % trials:02}.jpg" for at, each in enumerate(shown["condition"])]
        shown = shown.assign(
            recording=f"{person}.mp4", duration_s=RESPONSE_S[1] - RESPONSE_S[0], person=person, group=group,
            simulated=1,
        )  # fmt: skip
        stimuli.append(shown)
        times_s = np.arange(0, shown["onset_s"].max() + _EVERY_S[1], 1 / rate_hz)
        valence = _valence(random, times_s, shown, strength * GROUPS[group], rate_hz)
        tables.append(_rows(random, f"{person}.mp4", times_s, valence))
    columns = ["recording", "onset_s", "duration_s", "name", "condition", "person", "group", "simulated"]
    truth = {
        "people": people, "trials": trials, "seed": seed, "strength": strength,
        "response_s": list(RESPONSE_S), "effects_on_mean_valence": _planted(strength),
    }  # fmt: skip
    return MadeStudy(
        pd.concat(tables, ignore_index=True), pd.concat(stimuli, ignore_index=True)[columns], truth
    )


def response(times_s: Floats) -> Floats:
    """Return the planted response from 0 to 1, by the seconds from the onset."""
    start_s, end_s = RESPONSE_S
    return np.asarray(np.clip(np.minimum(times_s - start_s, end_s - times_s) / _RAMP_S, 0, 1))


def _planted(strength: float) -> dict[str, float]:
    """Return what each effect is on the mean over the response, under the names that the comparison has."""
    start_s, end_s = RESPONSE_S
    grid = np.linspace(start_s, end_s, round((end_s - start_s) / STEP_S) + 1)
    unit = strength * float(response(grid).mean())
    (one, full), (other, part) = GROUPS.items()
    conditions = {f"{each} - neutral": unit * effect for each, effect in EFFECTS.items() if effect}
    middle = (full + part) / 2
    planted = {name: middle * effect for name, effect in conditions.items()}
    planted[f"{other} - {one}"] = (part - full) * unit * float(np.mean(list(EFFECTS.values())))
    crossed = {f"({name}) x ({other} - {one})": (part - full) * each for name, each in conditions.items()}
    return {name: round(each, 4) + 0.0 for name, each in (planted | crossed).items()}


def _shown(random: np.random.Generator, trials: int) -> Iterator[tuple[float, str]]:
    time_s = 3.0
    for condition in random.permutation(np.repeat(list(EFFECTS), trials)):
        yield round(time_s, 3), str(condition)
        time_s += random.uniform(*_EVERY_S)


def _valence(
    random: np.random.Generator, times_s: Floats, shown: pd.DataFrame, strength: float, rate_hz: float
) -> Floats:
    """Return a person's course: their level, their own responses, and noise that lasts."""
    keep = 0.5 ** (1 / (_HALF_LIFE_S * rate_hz))
    noise = random.normal(0, _OWN["noise"] * np.sqrt(1 - keep**2), len(times_s))
    for at in range(1, len(noise)):
        noise[at] += keep * noise[at - 1]
    valence = random.normal(0, _OWN["level"]) + noise
    own = {each: strength * effect + random.normal(0, _OWN["response"]) for each, effect in EFFECTS.items()}
    for onset_s, condition in zip(shown["onset_s"], shown["condition"], strict=True):
        valence = valence + (own[condition] + random.normal(0, _OWN["epoch"])) * response(times_s - onset_s)
    return np.asarray(valence)


def _rows(random: np.random.Generator, source: str, times_s: Floats, valence: Floats) -> pd.DataFrame:
    """Return a table's rows: shares that have this valence, and now and then no face."""
    import pandas as pd

    shares = dict.fromkeys(EMOTIONS, np.zeros(len(times_s)))
    shares["happiness"] = (valence / COORDINATES["happiness"][0]).clip(0, 0.98)
    shares["sadness"] = (valence / COORDINATES["sadness"][0]).clip(0, 0.98)
    shares["neutral"] = 1 - shares["happiness"] - shares["sadness"]
    all_shares = np.stack([shares[each] for each in EMOTIONS], axis=1)
    index = valence_arousal(all_shares).astype(np.float64)
    size_px = random.normal(120, 2, len(times_s))
    table = pd.DataFrame(
        {
            "source": source, "frame": np.arange(len(times_s)), "time_s": times_s, "track": 0,
            "x": 320 - size_px / 2, "y": 240 - size_px / 2, "width": size_px, "height": size_px,
            "detection": 0.99, "quality": 0.9,
            **{f"p_{each}": shares[each] for each in EMOTIONS},
            "expression": np.array(EMOTIONS)[all_shares.argmax(axis=1)], "confidence": all_shares.max(axis=1),
            "valence": index[:, 0], "arousal": index[:, 1],
        }
    )  # fmt: skip
    away = np.zeros(len(table), bool)
    for start_s in random.uniform(0, times_s[-1], random.poisson(_AWAY * times_s[-1] / 2)):
        away |= (times_s >= start_s) & (times_s < start_s + random.uniform(0.5, 4))
    return table[~away].round(dict(DECIMALS))
