"""docs/ingest.md names every reason that a report can give."""

import re
from pathlib import Path

from iiif.ingest.reasons import CODES

DOCS = Path(__file__).resolve().parents[4] / "docs" / "ingest.md"


def test_every_reason_is_documented_word_for_word() -> None:
    rows = re.findall(r"^\| `([a-z\d-]+)` \| (.+) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == CODES
