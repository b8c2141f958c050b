"""The words of a label: what a parser reads from them, and where it stands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_VOWELS = "aeiouyàáâãäåæèéêëìíîïòóôõöøœùúûüýāēīōūăěőűąęįų"
_NO_WORD = re.compile(rf"(?i)[^\W\d_]{{5}}\.[^\W\d_]|(?<![^\W\d_])(?![a-zà-ž]*[{_VOWELS}])[a-zà-ž]{{5}}")
BLANK = "\x00"  # stands for characters that another parser has taken; no pattern matches it


@dataclass(frozen=True, slots=True)
class Reading:
    """A Darwin Core term, read from characters `start` to `end` of a label's text.

    `value` is what a record would say, `verbatim` what stands there; `rule` names how it was recognised, which tells how often
    readings of its kind are right (`fields_trust.py`).
    """

    term: str
    value: str
    verbatim: str
    start: int
    end: int
    rule: str


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with these spans taken out, at the same length and with the same line ends."""
    characters = list(text)
    for start, end in spans:
        characters[start:end] = [char if char == "\n" else BLANK for char in characters[start:end]]
    return "".join(characters)


def row_start(text: str, at: int) -> int:
    """Where the row begins in which the character stands."""
    return text.rfind("\n", 0, at) + 1


def row_end(text: str, at: int) -> int:
    """Where that row ends."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def tidy(text: str) -> str:
    """One line, single spaces, no marks at the ends that belong to none of its words."""
    return " ".join(text.replace(BLANK, " ").split()).strip(" ,;:·-–—")


def is_garbled(text: str) -> bool:
    """Whether half of the words look like none: they run on behind a full stop, or have five letters and no vowel.

    An abbreviation may run on (`Mt.Halcon`) or have no vowel (`Mtns`). Words of other scripts look like words.
    """
    words = [word for word in text.split() if re.search(r"[^\W\d_]{4,}", word)]
    return 2 * sum(_NO_WORD.search(word) is not None for word in words) >= max(1, len(words))


def words_of(text: str) -> tuple[str, ...]:
    """Letters and digits in lower case, by word: what two spellings of one value have in common."""
    return tuple(re.findall(r"[^\W_]+", text.casefold()))
