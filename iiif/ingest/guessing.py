"""Which encoding of one byte a character a text is in, where nothing says so: the one in which its letters make sense."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from iiif.ingest import languages

_SINGLE = ("cp1252", "mac_roman", "cp850", "latin-1")  # in order of trust, where they explain a text equally well
_CYRILLIC = ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac_cyrillic")
_GREEK = ("cp1253", "iso8859-7")
_OFTEN = {**dict.fromkeys(_CYRILLIC, frozenset("оеаинтсрвлкмдіу")), **dict.fromkeys(_GREEK, frozenset("αοιετσνηυρπκμλ"))}
_LONG_RUN = re.compile(rb"[\x80-\xff]{4,}")  # Latin alphabets have no four letters with marks in a row
_HIGH = re.compile(rb"[\x80-\xff]")
ENOUGH = 0.45  # of the letters, among those that are written often
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_OTHERS = ("cp1250", "iso8859-2", "cp1254")  # what may be meant where the letters of the West make little sense
MOST_WORDS = 3_000  # different ones that tell
SOONER = 1.0  # how much more (a logarithm) is written in cp1250 than in ISO 8859-2
DOUBTED = 8.0  # what is likelier by less is asked of people
SURELY = 4.0  # by so much (a logarithm) a text must be likelier so, all its words together
MOSTLY = 0.6  # of the words that are another word in the other encoding: a single `m³de` makes no French text Polish


def guessed(sample: bytes, line_end: bytes = b"\n") -> str:
    """The encoding of a text that is no UTF-8; empty where its alphabet is not Latin and is not known either, as of East Asia."""
    words = [run for run in _LONG_RUN.findall(sample) if len(set(run)) > 2]  # no row of dots or dashes
    if sum(map(len, words)) * 2 > len(_HIGH.findall(sample)):
        shares = {name: _share_of_often(sample, name) for name in _OFTEN}
        best = max(shares, key=lambda name: shares[name])
        return best if shares[best] >= ENOUGH else ""
    return _by_language(sample, best_single(sample, line_end))


def _by_language(sample: bytes, western: str) -> str:
    """The encoding in which the words that it makes another are likelier than in the Western one, by the letters of languages."""
    words = list(dict.fromkeys(word for word in _WORD.findall(sample) if not word.isascii()))[:MOST_WORDS]
    likely = {name: languages.likelihoods(_read(words, name), name) for name in _OTHERS}
    best = max(_OTHERS, key=lambda name: sum(likely[name]) + (SOONER if name == "cp1250" else 0))
    usual = max((languages.likelihoods(_read(words, name), "cp1252") for name in {western, "cp1252"}), key=sum)
    differ = [read != other for read, other in zip(_read(words, best), _read(words, western), strict=True)]
    gains = [new - old for new, old, other in zip(likely[best], usual, differ, strict=True) if other]
    is_other = sum(gains) >= SURELY and sum(gain > 0 for gain in gains) > MOSTLY * len(gains)
    return best if is_other else western


class Doubt(NamedTuple):
    """Another encoding that a text may well be in: a word as it is read, and as it would be in that."""

    encoding: str
    word: str
    otherwise: str


def doubt(sample: bytes, chosen: str) -> Doubt | None:
    """What else the text may be in by its letters, where these hardly tell; None where they do."""
    if chosen not in ("cp1252", *_OTHERS):
        return None
    words = list(dict.fromkeys(word for word in _WORD.findall(sample) if not word.isascii()))[:MOST_WORDS]
    read = _read(words, chosen)
    here = languages.likelihoods(read, chosen)
    found: list[tuple[float, Doubt]] = []
    for name in ("cp1252", *_OTHERS):
        there = _read(words, name)
        differ = [place for place, other in enumerate(there) if other != read[place]]
        if name != chosen and differ:
            likely = languages.likelihoods(there, name)
            first = max(differ, key=lambda place: likely[place] - here[place])
            behind = sum(here[place] - likely[place] for place in differ)
            found.append((behind, Doubt(name, read[first], there[first])))
    behind, nearest = min(found, default=(DOUBTED, None))
    return nearest if behind < DOUBTED else None


def _read(words: Sequence[bytes], encoding: str) -> list[str]:
    return [word.decode(encoding, "replace") for word in words]


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
