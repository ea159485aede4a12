from __future__ import annotations

import pytest

from needs import program


def test_a_missing_program_skips_a_test_and_in_ci_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_NEED_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no-such-program, .* is not installed"):
        program("no-such-program", "which does not exist")
    monkeypatch.setenv("MIEN_NEED_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        program("no-such-program", "which does not exist")
