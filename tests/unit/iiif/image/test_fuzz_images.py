"""Ten seconds of damaged files; `python -m tests.fuzz_images SECONDS` goes on for longer."""

from tests.fuzz_images import fuzz


def test_damaged_files_are_decoded_or_refused() -> None:
    tally = fuzz(10, seed=4)
    assert tally.files > 50
    assert {"pixels", "truncated-image", "not-an-image"} <= set(tally.outcomes)
    assert tally.grown_mb < 40
