"""Ten seconds of damaged files; `python -m tests.fuzz_images SECONDS` goes on for longer."""

from tests.fuzz_images import fuzz

OF_FILES = {"truncated-image", "not-an-image", "too-many-pixels", "several-pages", "unsupported-pixels"}
KNOWN = {"pixels"} | OF_FILES | {"too-much-memory", "too-long", "decoder-died"}


def test_damaged_files_are_decoded_or_refused() -> None:
    tally = fuzz(10, seed=4)
    assert tally.files > 0
    assert set(tally.outcomes) <= KNOWN
    assert tally.grown_mb < 40
