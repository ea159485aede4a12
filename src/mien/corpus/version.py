"""One version of a corpus: its inputs, and of each what was read, committed as a whole or not at all.

    CORPUS/current.json               the version that was written last, once it has a table
    CORPUS/VERSION/version.json       network, settings and columns that it was read with
    CORPUS/VERSION/inputs.json        the inputs asked for, in the order of the tables
    CORPUS/VERSION/table/KEY.parquet  an input's readings, a row for each face in each frame
    CORPUS/VERSION/summary/KEY.parquet
    CORPUS/VERSION/error/KEY.parquet
    CORPUS/VERSION/done/KEY.json      written last: the input's table and summary are whole
    CORPUS/VERSION/failed/KEY.json    the same of its error
    CORPUS/VERSION/parts/KEY.json     where a long film is parted, while it is read by parts
    CORPUS/VERSION/parts/KEY-0.zip    the faces in its first part, until the parts are joined

Nobody reads a part without its mark. What stands under a mark depends on the input and the version alone, so
that it does not matter by whom, or how often, it was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from mien.analysis.summary import describe_models
from mien.config import Settings
from mien.corpus.storage import Found, Storage, shown, write_json_to
from mien.errors import SourceError
from mien.expression.network import built_in_networks
from mien.files import natural_key
from mien.table import Columns, plain_name

TABLE: Final = 2
"""Raised when the same input, network and settings give another table: it makes new versions."""

_IRRELEVANT: Final = frozenset({"network", "detector_model", "smooth_half_life_s"})
"""Settings that no table depends on, or that stand in a version by what is in their file."""

KEY_LENGTH: Final = 24
CURRENT: Final = "current.json"
_MARKS: Final = ("done", "failed")
KINDS: Final = ("table", "summary", "error")
PARTS: Final = "parts"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a corpus.

    Attributes:
        key: a digest of the rest but `where`; what its files are called.
        name: what stands in the table's `source` column; no two inputs of a version share it.
        address: its path, or its address without secrets.
        size: in bytes; -1 where not known.
        stamp: its ETag, or when it was last changed.
        where: the path or address to open.
    """

    key: str
    name: str
    address: str
    size: int
    stamp: str
    where: str = field(compare=False)

    @classmethod
    def of(cls, found: Found, name: str) -> Self:
        """Return what was found as an input under a name."""
        what = [name, found.address, found.size, found.stamp]
        key = hashlib.sha256(json.dumps(what).encode(errors="surrogateescape")).hexdigest()[:KEY_LENGTH]
        return cls(key, name, found.address, found.size, found.stamp, found.where)


def prepared_settings(settings: Settings) -> Settings:
    """Return settings with which every worker gives the same table: one thread, and a path from the root."""
    network = settings.network
    if network not in built_in_networks():
        network = str(Path(network).absolute())
    return settings.model_copy(update={"threads": settings.threads or 1, "network": network})


def describe_version(settings: Settings, columns: Columns) -> dict[str, Any]:
    """Return what the tables of a version depend on, beside the inputs; its "key" is a digest of it.

    Raises:
        ModelError: the network's file or its sidecar is missing.
    """
    models = describe_models(settings)
    network = models["network"]
    decides = {
        "network": {each: network[each] for each in ("sha256", "labels", "readings")},
        "detector": models["detector"],
        "settings": settings.model_dump(mode="json", exclude=set(_IRRELEVANT)),
        "columns": asdict(columns),
        "table": TABLE,
    }
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:12]
    return {
        "key": f"{network['name']}-{digest}",
        **decides,
        "network_name": network["name"],
        "asked": settings.model_dump(mode="json", exclude_none=True),
    }


@dataclass(frozen=True)
class Version:
    """One version of a corpus.

    Attributes:
        storage: the corpus.
        key: the version's name.
    """

    storage: Storage
    key: str

    @classmethod
    def current(cls, storage: Storage) -> Self:
        """Return the version that was written last.

        Raises:
            SourceError: it is no corpus.
        """
        (told,) = storage.read([CURRENT])
        if told is None:
            raise SourceError(f"{shown(storage.address)}: no corpus there; mien corpus analyze makes one")
        return cls(storage, json.loads(told)["version"])

    def read_json(self, name: str) -> Any:
        """Return one of its JSON files; None where there is none."""
        (content,) = self.storage.read([f"{self.key}/{name}"])
        return None if content is None else json.loads(content)

    def inputs(self) -> list[Input]:
        """Return the inputs asked for, in the tables' order."""
        return [Input(**each, where=each["address"]) for each in self.read_json("inputs.json") or ()]

    def ask_for(self, found: Iterable[Found]) -> list[Input]:
        """Add inputs to those asked for, or put them in the place of earlier states, and return them.

        A name that another input has already gives way to the whole address.
        """
        before = self.inputs()
        asked = {each.address: each for each in before}
        taken = {each.name: each.address for each in before}
        added: dict[str, Input] = {}
        for each in found:
            if each.address in asked:
                name = asked[each.address].name
            else:
                free = taken.setdefault(each.name, each.address) == each.address
                name = each.name if free else plain_name(each.address)
            added[each.address] = Input.of(each, name)
        everything = sorted((asked | added).values(), key=lambda each: (natural_key(each.name), each.name))
        if everything != before:
            kept = [
                {key: cell for key, cell in asdict(each).items() if key != "where"} for each in everything
            ]
            write_json_to(self.storage, f"{self.key}/inputs.json", kept)
        return list(added.values())

    def states(self) -> dict[str, bool]:
        """Return by key which inputs were read (True), or could not be (False); the others are left."""
        read, failed, errors = (
            _keys(self.storage.names(f"{self.key}/{each}")) for each in ("done", "failed", "error")
        )
        return dict.fromkeys(failed & errors, False) | dict.fromkeys(read, True)

    def marks(self, inputs: Sequence[Input]) -> list[tuple[Input, dict[str, Any]]]:
        """Return the inputs that are read or failed, in order, and of each its mark."""
        states = self.states()
        there = [each for each in inputs if each.key in states]
        names = [f"{self.key}/{'done' if states[each.key] else 'failed'}/{each.key}.json" for each in there]
        marks = self.storage.read(names)
        return [(each, json.loads(mark)) for each, mark in zip(there, marks, strict=True) if mark is not None]

    def parts(self, kind: str) -> list[str]:
        """Return the names of the parts that are committed, in the order of the inputs: of `KINDS`."""
        states = self.states()
        wanted = kind != "error"
        return [self.part(kind, each.key) for each in self.inputs() if states.get(each.key) is wanted]

    def part(self, kind: str, key: str) -> str:
        """Return the name of one part in the storage."""
        return f"{self.key}/{kind}/{key}.parquet"

    def commit(self, key: str, parts: Mapping[str, Path], mark: dict[str, Any]) -> None:
        """Put what an input gave, and its mark last.

        Args:
            key: the input's.
            parts: the files, by kind: "table" and "summary", or "error".
            mark: what the mark says.
        """
        failed = "error" in parts
        if not failed:
            # One that reads after all, whose error another has put: what was read counts.
            self.storage.remove([f"{self.key}/failed/{key}.json", self.part("error", key)])
        for kind, file in parts.items():
            self.storage.put(self.part(kind, key), file)
        write_json_to(self.storage, f"{self.key}/{'failed' if failed else 'done'}/{key}.json", mark)

    def forget_failures(self) -> None:
        """Remove the errors, so that their inputs are left to be read."""
        for key in [key for key, read in self.states().items() if not read]:
            self.storage.remove([f"{self.key}/failed/{key}.json", self.part("error", key)])

    def forget_parts(self) -> None:
        """Remove the parts of films that are read, or could not be."""
        if there := self.storage.names(f"{self.key}/{PARTS}"):
            states = self.states()
            self.storage.remove(f"{self.key}/{PARTS}/{each}" for each in there if each[:KEY_LENGTH] in states)

    def begin(self, about: dict[str, Any]) -> bool:
        """Write what this version is, and return whether it is new beside others; see `make_current`."""
        self.storage.sweep([""], start=".current")
        self.storage.sweep([self.key, *(f"{self.key}/{each}" for each in (*KINDS, *_MARKS, PARTS))])
        self.forget_parts()
        new = self.read_json("version.json") is None
        if new:
            write_json_to(self.storage, f"{self.key}/version.json", about)
        (told,) = self.storage.read([CURRENT])
        if told is None:
            self.make_current()
        return new and told is not None

    def make_current(self) -> None:
        """Make this version the one that is shown: once it has a table, so that a mistake hides none."""
        (told,) = self.storage.read([CURRENT])
        if told is None or json.loads(told)["version"] != self.key:
            write_json_to(self.storage, CURRENT, {"version": self.key})


def _keys(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}
