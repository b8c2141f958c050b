"""How `make conformance` ends: what was not checked is not called passed."""

import pytest

from tests import conformance


@pytest.mark.parametrize(
    ("ended", "status"),
    [({"image": 0, "protocol": 0}, 0), ({"image": 0, "protocol": None}, 0), ({"image": 2, "protocol": None}, 1)],
)
def test_a_suite_that_is_skipped_is_told(ended: dict[str, int | None], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance.verdict(ended) == status
    told = capsys.readouterr().out
    assert ("SKIPPED, and so not checked: protocol" in told) == (ended["protocol"] is None)
    assert ("failed: image" in told) == (ended["image"] == 2)


def test_without_their_files_the_suites_are_skipped(monkeypatch: pytest.MonkeyPatch, tmp_path: conformance.Path) -> None:
    monkeypatch.setattr(conformance, "SHARED", tmp_path)
    assert (conformance.presentation(), conformance.protocol()) == (None, None)
