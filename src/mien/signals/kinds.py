"""What a channel is, by its name, its unit and what the file says of it."""

from __future__ import annotations

import re
from typing import Final

from mien.signals.types import Kind, plain_unit

# An electrode's place by the 10-10 system, perhaps with its reference: Fp1, AF7, Cz, EEG F3-A2, TP9.
_PLACE: Final = r"(?:(?:fp|af|fc|ft|cp|tp|po|f|c|t|p|o|i|n)(?:z|\d{1,2})|a[12]|m[12])"
# Whole words, or beginnings that no other word has: "temp" is in contempt and attempt, "resp" in respond.
_BY_NAME: Final[tuple[tuple[Kind, str], ...]] = (
    ("other", r"\btrig(?:ger\w*)?\d*\b|\b(?:markers?|counter|battery|status|time ?stamps?)\b"),
    ("eog", r"\b(?:[hv]?eog|veo|heo|loc|roc)\b"),
    ("emg", r"\b(?:[a-z]?emg|zyg|corrug|masseter|trapez)|\b(?:corr|chin)\b"),
    ("ecg", r"\b[a-z]?(?:ecg|ekg)|\bml?(?:i{1,3}|v\d)\b|^(?:i{1,3}|av[rlf]|v[1-6]?)$"),
    ("intervals", r"\b(?:ibi|rri?|rr[_ ]?intervals?|nn)\b"),
    ("rate", r"\b(?:hr|pulse ?rate|heart ?rate|bpm|pr)\b"),
    ("ppg", r"\b(?:[a-z]{0,2}ppg|bvp|plethys)|photopleth|\bpleth\b|\b(?:blood ?volume|pulse)\b"),
    ("eda", r"\b(?:eda|gsr|skin ?cond|electroderm|hautleit)|\b(?:scr|scl)\b"),
    (
        "respiration",
        r"\b(?:resp(?:i\w*|belt|rate)?|atem(?:gurt|zug|fluss|kurve)?)\d*\b|\brsp\b"
        r"|\b(?:breath|thora|abdom|airflow|atmung)",
    ),
    ("temperature", r"\b(?:skin|body|wrist|finger|hand|core)?temp\d*\b|temperatur"),
    ("acceleration", r"\bacc(?:[xyz]|mag)?\d*\b|acceler|\baccel\b"),
    ("eeg", rf"\beeg|^(?:raw[_ ]?)?{_PLACE}(?:[-_ ](?:{_PLACE}|ref|le|avg|cz))?$"),
)
_BY_TYPE: Final[dict[str, Kind]] = {
    "eeg": "eeg", "ecg": "ecg", "ekg": "ecg", "emg": "emg", "eog": "eog", "ppg": "ppg", "bvp": "ppg",
    "pleth": "ppg", "gsr": "eda", "eda": "eda", "resp": "respiration", "respiration": "respiration",
    "temp": "temperature", "temperature": "temperature", "acc": "acceleration",
    "accelerometer": "acceleration", "hr": "rate", "heartrate": "rate", "rr": "intervals",
}  # fmt: skip
_BY_UNIT: Final[dict[str, Kind]] = {"uS": "eda", "degC": "temperature", "1/min": "rate"}


def kind_of(name: str, unit: str = "", said: str = "") -> Kind:
    """Return what a channel is.

    Args:
        name: of the channel.
        unit: of its values.
        said: what the file calls it or its device, such as a stream's type.

    Returns:
        The kind; "other" where nothing tells.
    """
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    forms = [re.sub(r"[_\s]+", " ", each).strip().lower() for each in (name, apart)]
    for kind, pattern in _BY_NAME:
        if any(re.search(pattern, each) for each in forms):
            return kind
    return _BY_TYPE.get(said.strip().lower(), _BY_UNIT.get(plain_unit(unit), "other"))
