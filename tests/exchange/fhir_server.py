"""A reader of FHIR bundles that knows the specification and nothing of Mien.

It loads a transaction and reads a consent by the specification's rules (http.html "transaction", bundle.html,
consent.html, search.html), so that the bundle is read by something else than what wrote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

Resource = dict[str, Any]


class Server:
    """Keeps the resources that transactions bring, each under an id that it gives itself."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}

    def load(self, bundle: Resource) -> None:
        """Take all of a transaction, or raise an AssertionError."""
        assert bundle["type"] == "transaction"
        urls = [entry["fullUrl"] for entry in bundle["entry"]]
        assert len(set(urls)) == len(urls), "bdl-7: a fullUrl stands for one resource"
        places = {entry["fullUrl"]: self._place(entry) for entry in bundle["entry"]}
        assert len(set(places.values())) == len(places), "two entries would write one resource"
        for entry in bundle["entry"]:
            text = json.dumps(entry["resource"])
            for url, place in places.items():
                text = text.replace(f'"{url}"}}', f'"{place}"}}') if _refers(text, url) else text
            self.resources[places[entry["fullUrl"]]] = json.loads(text)
        for resource in self.resources.values():
            for reference in references(resource):
                assert reference in self.resources, f"{reference} leads nowhere"

    def of(self, kind: str) -> list[Resource]:
        """Return the resources of a type."""
        return [each for each in self.resources.values() if each["resourceType"] == kind]

    def _place(self, entry: Resource) -> str:
        """Find what a conditional update (http.html 3.2.0.5.3) writes to: the one match, or a new place."""
        kind, _, query = entry["request"]["url"].partition("?")
        assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", entry["fullUrl"])
        assert (entry["request"]["method"], kind) == ("PUT", entry["resource"]["resourceType"])
        assert _matches(entry["resource"], query), "what is written is not what was asked for"
        found = [
            name for name, each in self.resources.items() if name.startswith(kind) and _matches(each, query)
        ]
        assert len(found) <= 1, "412: several match"
        return found[0] if found else f"{kind}/{entry['fullUrl'][-12:]}"


def references(value: Any) -> Iterator[str]:
    """Return the references in a resource."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def permits(consent: Resource, code: str, at: datetime) -> bool:
    """Return what a consent decides about data of a code at a time, as consent.html says for R5 and R4B."""
    if consent["status"] != "active":
        return False
    if "decision" in consent:
        return _decide(consent.get("provision", []), code, at, allowed=consent["decision"] == "permit")
    root = consent["provision"]
    assert "type" not in root, "R4B: type is not permitted in the root rule"
    allowed: bool = consent["policyRule"]["coding"][0]["code"] == "OPTIN"
    for rule in root.get("provision", []):
        if _applies(rule, code, at):
            allowed = rule["type"] == "permit"  # required in all nested rules
    return allowed


def _decide(provisions: list[Resource], code: str, at: datetime, *, allowed: bool) -> bool:
    """R5: each level of provisions is the negation of the level above."""
    for provision in provisions:
        assert "type" not in provision, "R5: provisions have no type"
        if _applies(provision, code, at):
            return _decide(provision.get("provision", []), code, at, allowed=not allowed)
    return allowed


def _applies(provision: Resource, code: str, at: datetime) -> bool:
    period = provision.get("period", {})
    begun = "start" not in period or datetime.fromisoformat(period["start"]) <= at
    over = "end" in period and datetime.fromisoformat(period["end"]) < at
    codes = {coding["code"] for each in provision.get("code", []) for coding in each["coding"]}
    return begun and not over and (not codes or code in codes)


def _matches(resource: Resource, query: str) -> bool:
    for name, value in parse_qsl(query, strict_parsing=True):
        if name == "identifier":
            system, _, text = value.partition("|")
            if {"system": system, "value": text} not in resource.get("identifier", []):
                return False
        elif resource.get(name) != value:
            return False
    return True


def _refers(text: str, url: str) -> bool:
    return f'"reference": "{url}"' in text
