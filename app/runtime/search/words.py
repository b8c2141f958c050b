"""How text becomes words, once, for both engines: they receive words separated by spaces and split nothing.

A word is a run of letters and digits in any script, folded: decomposed (NFKD), without marks, in lower case, with the
Latin letters that do not decompose (ß, æ, ø, ł…) written out. A Chinese, Japanese or Korean sign is a word of its own.
So `S-M-12` is the three words s m 12, found again as a phrase, and `BM001128287` is one. Stems are tantivy's English
(Porter 2) stems, for Elasticsearch too.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

import tantivy

EDITION = 1  # of the splitting and stemming; raise it when words come out differently, and every index is made anew
LONGEST = 100  # characters of a word; what is longer is no word, and is cut
_MARK = (
    r"[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    r"\u0900-\u0903\u093a-\u094f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_SIGN = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_WORD = re.compile(rf"{_SIGN}|(?:(?!{_SIGN})[^\W_])(?:(?!{_SIGN})[^\W_]|{_MARK})*")
_ASCII_WORD = re.compile(r"[a-z0-9]+")  # the same words, five times as fast
_WRITTEN_OUT = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "ŋ": "n"}
)


def fold(word: str) -> str:
    """The word as it is indexed; empty where nothing of it is a letter or a digit."""
    if word.isascii():
        return "".join(filter(str.isalnum, word.lower()))[:LONGEST]
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold()).translate(_WRITTEN_OUT)
    return "".join(char for char in plain if char.isalnum())[:LONGEST]


def spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and folded form of each word, in order; positions are characters of the text as given."""
    for match in _WORD.finditer(text):
        word = fold(match[0])
        if word:
            yield match.start(), match.end(), word


def split(text: str) -> list[str]:
    """The folded words of the text, in order."""
    if text.isascii():
        return [word[:LONGEST] for word in _ASCII_WORD.findall(text.lower())]
    return [word for _, _, word in spans(text)]


def stems(words: list[str]) -> list[str]:
    """The English stem of each word, one for one."""
    return [_stem(word) for word in words]


@cache
def _stemmer() -> tantivy.TextAnalyzer:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw()).filter(tantivy.Filter.stemmer("english")).build()


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    found = _stemmer().analyze(word)
    return found[0] if found and found[0] else word
