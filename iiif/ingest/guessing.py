"""Which encoding of one byte a character a text is in, where nothing says so: the one in which its letters make sense."""

import re
from collections.abc import Sequence

_SINGLE = ("cp1252", "mac_roman", "cp850", "latin-1")  # in order of trust, where they explain a text equally well
_CYRILLIC = ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac_cyrillic")
_GREEK = ("cp1253", "iso8859-7")
_OFTEN = {**dict.fromkeys(_CYRILLIC, frozenset("оеаинтсрвлкмдіу")), **dict.fromkeys(_GREEK, frozenset("αοιετσνηυρπκμλ"))}
_LONG_RUN = re.compile(rb"[\x80-\xff]{4,}")  # Latin alphabets have no four letters with marks in a row
_HIGH = re.compile(rb"[\x80-\xff]")
ENOUGH = 0.45  # of the letters, among those that are written often
ENOUGH_MISPLACED = 50  # one of so many characters beyond ASCII: a single `m³de` makes no French text Polish


def guessed(sample: bytes, line_end: bytes = b"\n") -> str:
    """The encoding of a text that is no UTF-8; empty where its alphabet is not Latin and is not known either, as of East Asia."""
    words = [run for run in _LONG_RUN.findall(sample) if len(set(run)) > 2]  # no row of dots or dashes
    if sum(map(len, words)) * 2 > len(_HIGH.findall(sample)):
        shares = {name: _share_of_often(sample, name) for name in _OFTEN}
        best = max(shares, key=lambda name: shares[name])
        return best if shares[best] >= ENOUGH else ""
    best = best_single(sample, line_end)
    western, eastern = sample.decode("cp1252", "replace"), sample.decode("cp1250", "replace")
    misplaced = _misplaced(western)
    is_eastern = misplaced * ENOUGH_MISPLACED >= len(_HIGH.findall(sample)) and misplaced >= 10 * _misplaced(eastern)
    return "cp1250" if is_eastern and _sense_of(eastern) > _sense_of(sample.decode(best, "replace")) else best


def best_single(sample: bytes, line_end: bytes = b"\n", among: Sequence[str] = _SINGLE) -> str:
    """The encoding of one byte a character in which the bytes make the most sense; the first of them where nothing tells."""
    scores = {name: _sense_of(sample.decode(name, "replace")) for name in among}
    if line_end == b"\r" and "mac_roman" in scores:
        scores["mac_roman"] += 1  # lines of the old Mac
    return max(among, key=lambda name: scores[name])


def _sense_of(text: str) -> int:
    """Letters where letters belong count for it; what stands in the midst of words, undefined and control characters against."""
    score = 0
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if char.isascii():
            continue
        if char == "\ufffd" or "\x80" <= char <= "\x9f":
            score -= 4 if char == "\ufffd" else 3
        elif char.islower() and char.isalpha():
            score += 2 if before.isalpha() or after.isalpha() else 0
        elif char.isupper():
            score += -2 if before.islower() else 1
        elif before.isalpha() and after.isalpha() and char not in "’‑–":
            score -= 2
    return score


def _share_of_often(sample: bytes, encoding: str) -> float:
    """How many of the characters beyond ASCII are letters that its languages write often, less what is misplaced."""
    text = sample.decode(encoding, "replace")
    beyond = [char for char in text if not char.isascii()]
    return (sum(char.lower() in _OFTEN[encoding] for char in beyond) - 2 * _misplaced(text)) / max(1, len(beyond))


def _misplaced(text: str) -> int:
    """How many signs stand between letters, and capitals after small letters: `Bia³ystok` of Białystok."""
    count = 0
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if not char.isascii() and before.isalpha():
            count += (char.isupper() and before.islower()) or (not char.isalpha() and after.isalpha() and char not in "’‑–")
    return count
