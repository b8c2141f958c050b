"""How `make conformance` ends: what was not checked is not called passed."""

import pytest

from tests import conformance


@pytest.mark.parametrize(
    ("ended", "required", "status"),
    [
        ({"image": 0, "protocol": 0}, "", 0),
        ({"image": 0, "protocol": None}, "", 0),
        ({"image": 0, "protocol": None}, "1", 1),
        ({"image": 2, "protocol": None}, "", 1),
    ],
)
def test_a_suite_that_is_skipped_is_told_and_fails_where_all_must_be_there(
    ended: dict[str, int | None], required: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LECTOTYPE_TEST_REQUIRE_SERVICES", required)
    assert conformance.verdict(ended) == status
    told = capsys.readouterr().out
    assert ("SKIPPED, and so not checked: protocol" in told) == (ended["protocol"] is None)
    assert ("failed: image" in told) == (ended["image"] == 2)


def test_without_their_files_the_suites_are_skipped(monkeypatch: pytest.MonkeyPatch, tmp_path: conformance.Path) -> None:
    monkeypatch.setattr(conformance, "SHARED", tmp_path)
    assert (conformance.presentation(), conformance.protocol()) == (None, None)
