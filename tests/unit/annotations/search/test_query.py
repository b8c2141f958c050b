"""What people type, as a query tree, and the quotations that it finds."""

import ast
from pathlib import Path

import pytest
import tantivy
import yaml
from hypothesis import given
from hypothesis import strategies as st

from annotations.search import query, snippets
from annotations.search.schema import BY_NAME, FIELDS
from annotations.search.values import NotUnderstood
from annotations.search.vocabulary import CLOSED, KINDS, SOUGHT
from app.runtime.errors import Invalid
from app.runtime.search import columns, elasticsearch_query
from app.runtime.search.port import And, Everything, Fuzzy, InBox, Near, Not, Or, Overlaps, Phrase, Prefix, Range, Term, Words
from app.runtime.search.tantivy_columns import schema
from app.runtime.search.tantivy_query import Translator

ALL_FIELDS = {field.name: field for field in FIELDS}
TRANSLATOR = Translator(schema(FIELDS), ALL_FIELDS, tantivy.Index(schema(FIELDS)).searcher())


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
        ("hasRuler:true", Term("hasRuler", (True,))),
        ("family:*", Range("family")),
        ("scientificName:quercus", Words("name", "quercus")),
        ('recordedBy:"A. Example"', Phrase("collector", "A. Example")),
        ("KIND:Barcode", Term("kind", ("barcode",))),
        ("kind:*", Range("kind")),
        ("has:barcode", Term("kind", ("barcode",))),
        ("has:ruler", Term("kind", ("ruler",))),
        ("has:eventDate", Range("eventDate")),
        ("none:barcode", Term("none", ("barcode",))),
        ("none:ocr", Term("none", ("label",))),
        ("state:Disputed", Term("state", ("disputed",))),
        ("species:*", Range("scientificName")),
        ("year:..", Range("year")),
        ("Det: Smith", And((Words("text", "Det:"), Words("text", "Smith")))),
        ('"nofield:value"', Phrase("text", "nofield:value")),
        ("BR:HERB:12", Phrase("text", "BR:HERB:12")),
        ("https://example.org/1", Phrase("text", "https://example.org/1")),
        ("ark:99999/s1vpbgmz128mk", Term("pid", ("ark:99999/s1vpbgmz128mk",))),
        ("oak OR beech", Or((Words("text", "oak"), Words("text", "beech")))),
        ("a b OR c", Or((And((Words("text", "a"), Words("text", "b"))), Words("text", "c")))),
        ("(oak OR beech) leaf", And((Or((Words("text", "oak"), Words("text", "beech"))), Words("text", "leaf")))),
        ("-(oak OR beech)", Not(Or((Words("text", "oak"), Words("text", "beech"))))),
        ("oak AND -(beech)", And((Words("text", "oak"), Not(Words("text", "beech"))))),
        ("oak or beech", And((Words("text", "oak"), Words("text", "or"), Words("text", "beech")))),
        ("year:(1890 OR 1900)", Or((Range("year", "1890", "1890"), Range("year", "1900", "1900")))),
        ("Quercus(L.)", Phrase("text", "Quercus(L.)")),
        ("(L.)", Words("text", "L.")),
        ("year:>1900", Range("year", "1900.0000000000002")),
        ("year<=1900", Range("year", None, "1900")),
        ("confidence>=0.9", Range("confidence", "0.9")),
        ("length:50mm", Range("length", "50", "50")),
        ("length:5..9cm", Range("length", "50", "90")),
        ("length:5mm..0.9dm", Range("length", "5", "90")),
        ("length>50mm", Range("length", "50.00000000000001")),
        ("area:2cm²", Range("area", "200", "200")),
        ("date:1850..1900", Overlaps("eventDate", "1850", "1900")),
        ("date>1900", Overlaps("eventDate", "1901-01-01")),
        ("date<1900-03", Overlaps("eventDate", None, "1900-02-28")),
        ("date>=1900", Overlaps("eventDate", "1900")),
        ("missing:year", Not(Range("year"))),
        ("missing:barcode", Not(Term("kind", ("barcode",)))),
        ("has:habitat", Term("terms", ("habitat",))),
        ("missing:Habitat", Not(Term("terms", ("habitat",)))),
        ("habitat:Meadow", Term("terms", ("habitat meadow",))),
        ('habitat:"wet meadow"', And((Term("terms", ("habitat wet",)), Term("terms", ("habitat meadow",))))),
        ("order:*", Term("terms", ("order",))),
        ("taxon:Fagaceae", Words("name", "Fagaceae")),
        ('near:"52.1,5.2,20km"', Near("coordinates", 52.1, 5.2, 20_000.0)),
        ("near:-52.1,5.2,300", Near("coordinates", -52.1, 5.2, 300.0)),
        ("box:177,-20,-178,-15", InBox("coordinates", 177.0, -20.0, -178.0, -15.0)),
        ("segment:Stamps", Term("segment", ("stamp",))),
        ("segment:stamp>=2", Term("segment", ("stamp 2",))),
        ("segment:stamp=1", And((Term("segment", ("stamp",)), Not(Term("segment", ("stamp 2",)))))),
        ("segment:stamp<1", Not(Term("segment", ("stamp",)))),
        ("segment:stamp>0", Term("segment", ("stamp",))),
        ("segment:stamp>=0", Everything()),
        ("segment:stamp<0", Not(Everything())),
        ("segment:stamp<=49", Not(Term("segment", ("stamp 50",)))),
        ("segment:stamp>20mm", Term("relation", ("size stamp > 20.0 mm",))),
        ('relation:"stamps inside label"', Term("relation", ("inside stamp label",))),
        ('relation:"stamp within 10mm of label"', Term("relation", ("near stamp label 10.0 mm",))),
        ('-relation:"stamp near label 200px"', Not(Term("relation", ("near stamp label 200.0 px",)))),
        ("created:1890-02", Range("created", "1890-02-01T00:00:00Z", "1890-02-28T23:59:59Z")),
    ],
)
def test_what_is_typed_is_understood(typed: str, meant: object) -> None:
    assert query.parse(typed) == meant


@pytest.mark.parametrize(
    ("typed", "instead"),
    [
        ("length:9..5", "length:5..9"),
        ("quercus -length:9..5 oak", "quercus -length:5..9 oak"),
        ("eventDate:1900..1850", "eventDate:1850..1900"),
        ("created:2027..2026", "created:2026..2027"),
        ("year:abc", ""),
        ("year:1e999", ""),
        ("year:1850-1900", "year:1850..1900"),
        ("year:1900-1850", "year:1850..1900"),
        ("created:2026-13", ""),
        ("eventDate:spring", ""),
        ("famly:Fagaceae oak", "family:Fagaceae oak"),
        ('contry:"United Kingdom"', 'country:"United Kingdom"'),
        ("zzz:1", ""),
        ("family: Fagaceae", "family:Fagaceae"),
        ("kind:barcod", "kind:barcode"),
        ("has:rulr", "has:ruler"),
        ("none:barcodes", "none:barcode"),
        ("layer:robots", ""),
        ("state:acepted", "state:accepted"),
        ("hasRuler:maybe", "hasRuler:true"),
        ('family:""', "family:*"),
        ("family:faga*", ""),
        ("species:…", ""),
        ("coordinates:50,4", "coordinates:*"),
        ("(oak beech", "(oak beech)"),
        ("oak) beech", "oak beech"),
        ("oak OR", "oak"),
        ("OR oak", "oak"),
        ("length:5kg", "length:5"),
        ("family>Fagaceae", "family:Fagaceae"),
        ("habitt:meadow", "habitat:meadow"),
        ("missing:barcod", "missing:barcode"),
        ("habitat:mead*", "habitat:mead"),
        ('near:"52.1,5.2"', 'near:"52.1,5.2,20km"'),
        ("near:here", ""),
        ("box:1,9,2,5", 'box:"1,5,2,9"'),
        ("box:1,2,3", ""),
        ("segment:stmp", "segment:stamp"),
        ("segment:stmp>=2 oak", "segment:stamp>=2 oak"),
        ("segment:stamp>90", "segment:stamp"),
        ("segment:stamp>50", "segment:stamp"),
        ("segment:stamp<=50", "segment:stamp"),
        ("segment:stamp=50", "segment:stamp"),
        ("year:1850...1900", "year:1850..1900"),
        ("confidence:0...5", "confidence:0..5"),
        ("segment:stamp>2kg", ""),
        ("relation:stamp", 'relation:"stamp inside label"'),
        ('relation:"stamp within 2kg of label"', 'relation:"stamp within 10mm of label"'),
    ],
)
def test_what_cannot_be_asked_of_a_field_is_refused_with_what_was_meant(typed: str, instead: str) -> None:
    with pytest.raises(NotUnderstood) as refused:
        query.parse(typed)
    assert (refused.value.instead, refused.value.parameter) == (instead, "q")
    assert str(refused.value).endswith(f"Did you mean {instead}?" if instead else ".")
    query.parse(refused.value.instead)  # what is proposed can be asked


def test_a_refusal_names_what_would_be_understood() -> None:
    for typed, names in (("kind:x", "one of barcode, ruler"), ("zzz:1", "family, genus"), ("length:x", "50..90")):
        with pytest.raises(NotUnderstood, match=names):
            query.parse(typed)


def test_every_kind_that_a_step_finds_is_known_to_the_search() -> None:
    kinds = {
        str(argument.value)
        for path in Path("analytics/steps").glob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Finding"
        for argument in [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "kind")]
        if isinstance(argument, ast.Constant)
    }
    assert {"barcode", "ruler", "label", "quality", "outline"} <= kinds
    assert kinds <= set(KINDS)
    steps = {step["name"] for step in yaml.safe_load(Path("analytics/pipelines/sheet.yaml").read_text(encoding="utf-8"))["steps"]}
    assert {SOUGHT.get(step, step) for step in steps} - {"quality", "embedding"} == set(CLOSED["none"])


def test_a_term_is_meant_in_any_case() -> None:
    asked = query.parse("family:fagaceae")
    assert isinstance(asked, Term)
    assert "Fagaceae" in asked.values


parts = st.sampled_from(
    [
        *BY_NAME,
        *query.SHORT,
        "near",
        "box",
        "segment",
        "habitat",
        "missing",
        "(",
        ")",
        " OR ",
        ">",
        "<=",
        "5cm",
        "stamp",
        "ark",
        "",
        '"',
        ":",
        "..",
        "*",
        "~",
        "-",
        "1890",
        "nan",
        "9" * 400,
        "oak",
        "Ünï",
        "\x00",
        "\ud800",
        " ",
    ]
)


@given(st.lists(parts, max_size=30).map("".join) | st.text(max_size=200))
def test_every_question_is_refused_with_a_sentence_or_can_be_asked(typed: str) -> None:
    try:
        asked = query.parse(typed[: query.LONGEST]) if sum(map(typed.count, ' ("')) < query.MOST_PARTS else query.parse("")
    except NotUnderstood:
        return
    TRANSLATOR.translate(asked)
    elasticsearch_query.translate(asked, ALL_FIELDS)
    snippets.best([("", typed)], snippets.searched_words(asked))


def test_a_part_can_be_taken_off_a_question() -> None:
    parts = query.chips('oak  -(year:1890 OR beech) family:"A B" segment:stamp>=2')
    assert [part for part, _ in parts] == ["oak", "-(year:1890 OR beech)", 'family:"A B"', "segment:stamp>=2"]
    assert parts[1][1] == 'oak family:"A B" segment:stamp>=2'
    assert query.chips("oak OR beech") == (("oak OR beech", ""),)
    assert query.chips("") == ()


def test_too_deep_brackets_are_refused() -> None:
    with pytest.raises(Invalid, match="10 brackets"):
        query.parse("(" * 11 + "oak" + ")" * 11)


def test_too_long_a_question_is_refused() -> None:
    for typed in ("a" * 1001, "a " * 41):
        with pytest.raises(Invalid) as refused:
            query.parse(typed)
        assert refused.value.parameter == "q"


def test_values_that_are_none_are_refused() -> None:
    for given_ in (
        {"year": ["old"]},
        {"year": ["1850", "1850..x"]},
        {"length": ["9..5"]},
        {"hasRuler": ["perhaps"]},
        {"created": ["yesterday"]},
        {"kind": ["barcod"]},
        {"none": ["x"]},
        {"state": ["open"]},
        {"famly": ["Fagaceae"]},
    ):
        with pytest.raises(NotUnderstood) as refused:
            query.filters(given_)
        assert refused.value.parameter == next(iter(given_))


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
