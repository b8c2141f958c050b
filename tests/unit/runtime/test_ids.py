"""Persistent identifiers: the vectors of the specifications, and what the check character finds."""

import hashlib

from hypothesis import assume, given
from hypothesis import strategies as st

from app.runtime import ids

SHOULDERS = (ids.SPECIMEN, ids.MEDIA, ids.ANNOTATION, ids.REGION, ids.RUN, ids.ASSERTION, ids.AGENT, ids.INGEST)
naans = st.from_regex(r"\A[0-9]{5,9}\Z")
names = st.builds(
    lambda shoulder, blade: shoulder + blade, st.sampled_from(SHOULDERS), st.text(ids.ALPHABET, min_size=9, max_size=9)
)


def test_the_noid_vector() -> None:
    """The example of the NOID documentation: 13030/xf93gt2 has the check character q."""
    assert ids.check_character("13030/xf93gt2") == "q"


def test_the_vector_of_rfc_6920_section_8_2() -> None:
    digest = hashlib.sha256(b"Hello World!").hexdigest()
    assert ids.ni(digest) == "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"


@given(naans, st.sampled_from(SHOULDERS))
def test_a_new_key_is_a_key(naan: str, shoulder: str) -> None:
    key = ids.new_key(shoulder, naan)
    assert len(key) == 12
    assert ids.is_key(key, naan)
    assert ids.ark(key, naan) == f"ark:{naan}/{key}"


@given(naans, names, st.integers(0, 11), st.characters(min_codepoint=33, max_codepoint=126))
def test_one_wrong_character_is_noticed(naan: str, name: str, place: int, wrong: str) -> None:
    key = name + ids.check_character(f"{naan}/{name}")
    assume(key[place] != wrong)
    assert not ids.is_key(key[:place] + wrong + key[place + 1 :], naan)


@given(naans, names, st.integers(0, 10))
def test_two_swapped_neighbours_are_noticed(naan: str, name: str, place: int) -> None:
    key = name + ids.check_character(f"{naan}/{name}")
    assume(key[place] != key[place + 1])
    assert not ids.is_key(key[:place] + key[place + 1] + key[place] + key[place + 2 :], naan)


@given(naans, names, st.integers(0, 4), st.sampled_from("0123456789"))
def test_a_naan_with_one_wrong_digit_is_noticed(naan: str, name: str, place: int, wrong: str) -> None:
    assume(naan[place] != wrong)
    key = name + ids.check_character(f"{naan}/{name}")
    assert not ids.is_key(key, naan[:place] + wrong + naan[place + 1 :])


@given(st.text(max_size=20))
def test_other_text_is_no_key_or_is_well_formed(text: str) -> None:
    if ids.is_key(text, "99999"):
        assert len(text) == 12
        assert text.isascii()


def test_keys_do_not_repeat() -> None:
    assert len({ids.new_key(ids.SPECIMEN, "99999") for _ in range(2_000)}) == 2_000
