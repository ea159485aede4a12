"""What a visitor of the repository finds: how to cite it, and how to report something."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml

import mien

ROOT = Path(__file__).parents[2]


def test_the_citation_is_of_this_version_and_licence() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (citation["version"], citation["license"]) == (mien.__version__, project["license"])
    # What Citation File Format 1.2 asks for.
    assert {"cff-version", "message", "title", "authors"} <= set(citation)


@pytest.mark.parametrize("template", ["bug.yml", "wish.yml"])
def test_each_issue_template_is_a_form(template: str) -> None:
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / template).read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert fields
    assert all(field["id"] and field["attributes"]["label"] for field in fields)
