"""How text becomes words, and where they stand in it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.runtime.search import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Quercus robur L.", ["quercus", "robur", "l"]),
        ("S-M-12", ["s", "m", "12"]),
        ("BM001128287_sheet.jpg", ["bm001128287", "sheet", "jpg"]),
        ("Bétula péndula", ["betula", "pendula"]),
        ("Be\u0301tula", ["betula"]),
        ("Straße, ŒUVRE, Øresund, Łódź", ["strasse", "oeuvre", "oresund", "lodz"]),
        ("12.vi.1887", ["12", "vi", "1887"]),
        ("O'Brien don’t", ["o", "brien", "don", "t"]),
        ("橡樹 oak", ["橡", "樹", "oak"]),
        ("ΑΘΗΝΑΙ Москва", ["αθηναι", "москва"]),
        ("ﬁlum ½", ["filum", "12"]),
        ("  … \x00 _ ", []),
    ],
)
def test_text_is_split_and_folded(text: str, expected: list[str]) -> None:
    assert words.split(text) == expected


@given(st.text())
def test_words_are_plain_and_stay_as_they_are(text: str) -> None:
    split = words.split(text)
    assert all(word.isalnum() and len(word) <= words.LONGEST for word in split)
    assert [again for word in split for again in words.split(word)] == words.split(" ".join(split))
    stems = words.stems(split)
    assert len(stems) == len(split)
    assert all(stem and not any(char.isspace() for char in stem) for stem in stems)


@given(st.text())
def test_spans_lie_in_the_text_in_order(text: str) -> None:
    spans = list(words.spans(text))
    assert all(0 <= start < end <= len(text) for start, end, _ in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert all(words.fold(text[start:end]) == word for start, end, word in spans)


def test_endings_of_english_words_share_a_stem() -> None:
    assert len(set(words.stems(["label", "labels", "labelled"]))) == 1
    assert words.stems(["bm001128287"]) == ["bm001128287"]


@given(st.text(st.characters(max_codepoint=127)) | st.text())
def test_the_words_are_those_of_the_spans(text: str) -> None:
    assert words.split(text) == [word for _, _, word in words.spans(text)]
