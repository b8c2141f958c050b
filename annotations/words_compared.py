"""Words of statements as they are compared: what is stored stays."""

import unicodedata

MOST_CHARACTERS = 10_000  # of each reading


def folded(text: str, *, loose: bool = False) -> str:
    """As it is compared; `loose` is without case and punctuation."""
    kept = unicodedata.normalize("NFC", text[:MOST_CHARACTERS])
    if loose:
        kept = "".join(" " if unicodedata.category(char)[0] == "P" else char for char in kept.casefold())
    return " ".join(kept.split())
