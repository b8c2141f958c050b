"""What people type, as a query tree, and the quotations that it finds."""

import pytest
import tantivy
from hypothesis import given
from hypothesis import strategies as st

from annotations.search import query, snippets
from annotations.search.schema import BY_NAME, FIELDS
from app.runtime.errors import Invalid
from app.runtime.search import columns, elasticsearch_query
from app.runtime.search.port import And, Everything, Fuzzy, Not, Phrase, Prefix, Range, Term, Words
from app.runtime.search.tantivy_columns import schema
from app.runtime.search.tantivy_query import Translator

TRANSLATOR = Translator(schema(FIELDS), BY_NAME, tantivy.Index(schema(FIELDS)).searcher())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", Everything()),
        ("  … -  ", Everything()),
        ("quercus", Words("text", "quercus")),
        ("quercus robur", And((Words("text", "quercus"), Words("text", "robur")))),
        ('"quercus robur"', Phrase("text", "quercus robur")),
        ('"quercus robur', Phrase("text", "quercus robur")),
        ("S-M-12", Phrase("text", "S-M-12")),
        ("querc*", Prefix("text", "querc*")),
        ("quercis~", Fuzzy("text", "quercis~")),
        ("-fagus", Not(Words("text", "fagus"))),
        ("year:1890", Range("year", "1890", "1890")),
        ("year:1850..1900", Range("year", "1850", "1900")),
        ("length:50..", Range("length", "50", None)),
        ("length:..90", Range("length", None, "90")),
        ("year:old", Words("text", "old")),
        ("hasRuler:true", Term("hasRuler", (True,))),
        ("family:*", Range("family")),
        ("scientificName:quercus", Words("name", "quercus")),
        ('recordedBy:"A. Example"', Phrase("collector", "A. Example")),
        ("nofield:value", Phrase("text", "nofield:value")),
        ("ark:99999/s1vpbgmz128mk", Term("pid", ("ark:99999/s1vpbgmz128mk",))),
        ("created:1890-02", Range("created", "1890-02-01T00:00:00Z", "1890-02-28T23:59:59Z")),
    ],
)
def test_what_is_typed_is_understood(typed: str, meant: object) -> None:
    assert query.parse(typed) == meant


def test_a_term_is_meant_in_any_case() -> None:
    asked = query.parse("family:fagaceae")
    assert isinstance(asked, Term)
    assert "Fagaceae" in asked.values


parts = st.sampled_from(
    [*BY_NAME, "ark", "", '"', ":", "..", "*", "~", "-", "1890", "nan", "9" * 400, "oak", "Ünï", "\x00", "\ud800", " "]
)


@given(st.lists(parts, max_size=30).map("".join) | st.text(max_size=200))
def test_no_question_fails_or_cannot_be_asked(typed: str) -> None:
    asked = query.parse(typed[: query.LONGEST]) if typed.count(" ") < query.MOST_PARTS else query.parse("")
    TRANSLATOR.translate(asked)
    elasticsearch_query.translate(asked, BY_NAME)
    snippets.best([("", typed)], snippets.searched_words(asked))


def test_too_long_a_question_is_refused() -> None:
    for typed in ("a" * 1001, "a " * 41):
        with pytest.raises(Invalid) as refused:
            query.parse(typed)
        assert refused.value.parameter == "q"


def test_values_that_are_none_are_refused() -> None:
    for given_ in ({"year": ["old"]}, {"year": ["1850..x"]}, {"hasRuler": ["perhaps"]}, {"created": ["yesterday"]}):
        with pytest.raises(Invalid):
            query.filters(given_)


def test_several_values_of_one_field_are_alternatives() -> None:
    assert query.filters({"family": ["Fagaceae", "Betulaceae"], "kind": []}) == Term("family", ("Fagaceae", "Betulaceae"))


def test_the_digest_changes_with_the_fields() -> None:
    assert columns.digest(FIELDS) == columns.digest(tuple(reversed(FIELDS))) != columns.digest(FIELDS[1:])


def test_a_quotation_shows_the_words_as_they_stand() -> None:
    text = "HERBARIUM HORTI BOTANICI\nQuércus robur L.\nLeg. A. Example 12.vi.1887 " + "and so on " * 20
    (quote,) = snippets.quotes(text, snippets.searched_words(query.parse("quercus robur")))
    assert quote.match == "Quércus robur"
    assert quote.before == "HERBARIUM HORTI BOTANICI\n"
    assert quote.after.startswith(" L.\nLeg. A.")
    assert quote.after.endswith("…")
    assert (
        str(snippets.quotes("<b>oak</b>", snippets.searched_words(query.parse("oaks")))[0].markup())
        == "&lt;b&gt;<mark>oak</mark>&lt;/b&gt;"
    )


def test_what_is_excluded_is_not_quoted() -> None:
    assert not snippets.searched_words(query.parse("-oak family:Fagaceae year:1890"))
