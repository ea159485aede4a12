from __future__ import annotations

import pytest

import marks
from needs import program


@pytest.mark.program
def test_a_missing_program_skips_a_test_and_in_ci_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_NEED_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no-such-program, .* is not installed"):
        program("no-such-program", "which does not exist")
    monkeypatch.setenv("MIEN_NEED_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        program("no-such-program", "which does not exist")


def test_a_test_that_needs_a_program_has_to_say_so() -> None:
    with pytest.raises(pytest.fail.Exception, match="mark this test program"):
        program("no-such-program", "which does not exist")


def test_every_mark_that_is_left_out_is_registered(pytestconfig: pytest.Config) -> None:
    registered = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    assert registered >= {*marks.LEFT_OUT, "main_path"}
