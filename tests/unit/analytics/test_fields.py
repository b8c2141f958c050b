"""Labels to Darwin Core: what each parser reads, and what it leaves alone."""

import calendar
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.evaluation import label_fields
from analytics.steps import fields, fields_coordinates, fields_dates, fields_label, fields_names, fields_trust
from analytics.steps.fields_compare import same
from analytics.steps.fields_text import is_garbled
from analytics.steps.model import Finding, SheetImage, StepContext, StepResult
from annotations.regions import Region
from ontology.dates import is_date

SHEET = SheetImage(np.zeros((1000, 1000, 3), np.uint8))
LABEL = """Flora of Belgium
Quercus robur L.
Namur, Han-sur-Lesse, near the river Lesse
alt. 180 m
leg. A. Verhoeven & M. Lindqvist 517
12.VI.1887"""
TRUTH = Path(__file__).parents[2] / "label_fields.json"


def read(text: str) -> dict[str, str]:
    return {one.term: one.value for one in fields_label.read(text)}


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("12.VI.1887", "1887-06-12"),
        ("15.-17.I.1998", "1998-01-15/1998-01-17"),
        ("28.XII.1990 - 3.I.1991", "1990-12-28/1991-01-03"),
        ("9-16 May 1985.", "1985-05-09/1985-05-16"),
        ("Sept 18, 1984", "1984-09-18"),
        ("August 22, 1989", "1989-08-22"),
        ("3. August 2004", "2004-08-03"),
        ("7 de mayo de 1903", "1903-05-07"),
        ("le 4 février 1911", "1911-02-04"),
        ("den 11 augusti 1921", "1921-08-11"),
        ("11 maart 1956", "1956-03-11"),
        ("3 Outubro 1950", "1950-10-03"),
        ("die 4 Octobris 1851", "1851-10-04"),
        ("17. 07. 2008", "2008-07-17"),
        ("7/May/2016", "2016-05-07"),
        ("2013-05-12", "2013-05-12"),
        ("octob. 1874", "1874-10"),
        ("5/9/2015", "2015"),
        ("1907", "1907"),
    ],
)
def test_dates_are_read_as_intervals(text: str, date: str) -> None:
    assert read(f"leg. H. Smith\n{text}")["eventDate"] == date


@pytest.mark.parametrize("text", ["22.vi.75.", "30/11/72", "4 May '03"])
def test_a_year_of_two_digits_stays_as_it_is_written(text: str) -> None:
    found = read(text)
    assert "eventDate" not in found
    assert found["verbatimEventDate"].strip(".") == text.strip(".")


@pytest.mark.parametrize(
    "text", ["31.II.1990", "32 May 1990", "BMNH(E)1950-558", "Coll. B.M. 1947-114.", "12 V 2113", "Hübner, 1818"]
)
def test_what_is_no_date_of_collecting_is_left(text: str) -> None:
    assert "eventDate" not in read(f"Castanea sativa\n{text}" if "Hübner" in text else text)


@given(
    st.dates(),
    st.sampled_from([*fields_dates.NAMES]),
    st.sampled_from(["{d} {m} {y}", "{d}. {m} {y}", "{m} {d}, {y}"]),
    st.data(),
)
def test_every_day_in_every_language_is_read_as_that_day(day, names, form, data) -> None:  # type: ignore[no-untyped-def]  # drawn
    name = data.draw(st.sampled_from(fields_dates.NAMES[day.month - 1].split()))
    year = 1700 + day.year % 320
    if day.day > calendar.monthrange(year, day.month)[1]:
        return
    found = [one.value for one in fields_dates.readings(form.format(d=day.day, m=name, y=year)) if one.term == "eventDate"]
    assert found == [f"{year}-{day.month:02}-{day.day:02}"]


@given(st.text(alphabet="0123456789IVXivx.-–/ ,'MayJuniOktobrde\n", max_size=40))
def test_whatever_is_read_as_a_date_is_one(text: str) -> None:
    for one in fields_dates.readings(text):
        assert one.term == "verbatimEventDate" or is_date(one.value)
        assert 0 <= one.start < one.end <= len(text)


@pytest.mark.parametrize(
    ("text", "north", "east"),
    [
        ("N35° 01.535' W088° 44.316' +/-3m", 35.02558, -88.7386),
        ("35°06.688 N/24°33.644 E", 35.11147, 24.56073),
        ("2°04.8'N, 12°24.4'E", 2.08, 12.4067),
        ("24° 49' 31\" N , 98° 45' 59\" E", 24.8253, 98.7664),
        ("Latitude: 45.62512 Longitude: -74.79219", 45.62512, -74.79219),
        ("Lat: 22.66187°\nLong. 119.89564°", 22.66187, 119.89564),
        ("40.2339, -91.2642", 40.2339, -91.2642),
        ("Lat. 6 28 S Long. 144 40 E", -6.4667, 144.6667),
        ("32°20's Long. 152º16'E", -32.3333, 152.2667),
        ("31U 448251 5411932", 48.8582, 2.2945),
    ],
)
def test_coordinates_are_read_in_their_forms(text: str, north: float, east: float) -> None:
    found = {one.term: one.value for one in fields_coordinates.readings(text)}
    assert float(found["decimalLatitude"]) == pytest.approx(north, abs=0.006)
    assert float(found["decimalLongitude"]) == pytest.approx(east, abs=0.006)


@pytest.mark.parametrize("text", ["95°10'N, 12°24'E", "2°64.8'N, 12°24.4'E", "2°04.8'N", "0.000, 0.000", "p. 12, 45"])
def test_half_a_pair_and_what_is_none_is_left(text: str) -> None:
    assert not [one for one in fields_coordinates.readings(text) if one.term == "decimalLatitude"]


@given(
    st.integers(0, 89),
    st.integers(0, 59),
    st.integers(0, 59),
    st.integers(0, 179),
    st.integers(0, 59),
    st.sampled_from("NS"),
    st.sampled_from("EW"),
)
def test_degrees_minutes_and_seconds_come_back(d: int, m: int, s: int, e: int, f: int, ns: str, ew: str) -> None:
    found = {one.term: one.value for one in fields_coordinates.readings(f"{d}°{m}'{s}\"{ns} {e}°{f}'0\"{ew}")}
    if d + m + s + e + f:
        assert float(found["decimalLatitude"]) == pytest.approx((d + m / 60 + s / 3600) * (1 if ns == "N" else -1), abs=1e-4)
        assert float(found["decimalLongitude"]) == pytest.approx((e + f / 60) * (1 if ew == "E" else -1), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("Elev. 127m", "127", "127"),
        ("Altitude: 1-25 m.", "1", "25"),
        ("Elevation ca. 12350 feet.", "3764", "3764"),
        ("12 V 2013, 24 m", "24", "24"),
        ("1,800 m. alt.", "1800", "1800"),
        ("Höhe 650 m", "650", "650"),
    ],
)
def test_heights_are_in_metres(text: str, low: str, high: str) -> None:
    found = read(text)
    assert (found["minimumElevationInMeters"], found["maximumElevationInMeters"]) == (low, high)


@pytest.mark.parametrize("text", ["tree to 35m tall", "Height ~3.0m, non-reproductive", "2km WSW of Pte"])
def test_the_height_of_a_tree_is_no_elevation(text: str) -> None:
    assert "minimumElevationInMeters" not in read(text)


def test_a_depth_in_fathoms_is_in_metres() -> None:
    assert read("Depth 10-20 fathoms")["minimumDepthInMeters"] == "18"


@pytest.mark.parametrize(
    ("text", "people", "number"),
    [
        ("leg. A. Verhoeven & M. Lindqvist 517", "A. Verhoeven | M. Lindqvist", "517"),
        ("Coll.: Michael J. Oldham Coll. No.: 10039", "Michael J. Oldham", "10039"),
        ("leg.Mey & Samarita", "Mey | Samarita", ""),
        ("R.Kral 81490", "R.Kral", "81490"),
        ("S. & G. Jones 9466", "S. Jones | G. Jones", "9466"),
        ("B.L.Fisher#1648(9)-1", "B.L.Fisher", "1648(9)-1"),
        ("Coll: Egan, Josh; Chew, Uik-Sen; Ghedotti, Michael", "Egan, Josh | Chew, Uik-Sen | Ghedotti, Michael", ""),
        ("Récolté par J. de la Croix", "J. de la Croix", ""),
        ("Collector - R. PAULSON.", "R. PAULSON", ""),
    ],
)
def test_collectors_and_their_numbers_are_read(text: str, people: str, number: str) -> None:
    found = read(text)
    assert found["recordedBy"] == people
    assert found.get("recordNumber", "") == number


@pytest.mark.parametrize(
    "text",
    [
        "HERB. R. PAULSON",
        "Christie Coll.",
        "NHMUK 012539905",
        "Presented by\nDR. ASA GRAY.",
        "INHS 100020",
        "B.M.TYPE 483.\nHYM.",
    ],
)
def test_who_owned_or_gave_it_did_not_collect_it(text: str) -> None:
    assert not {"recordedBy", "recordNumber"} & set(read(text))


def test_who_determined_and_when_is_told_from_who_collected() -> None:
    found = read("leg. H. Smith, 3 May 1901\ndet. L. Borowiec 2013")
    assert (found["recordedBy"], found["eventDate"]) == ("H. Smith", "1901-05-03")
    assert (found["identifiedBy"], found["dateIdentified"]) == ("L. Borowiec", "2013")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Castanea dentata (Marsh.) Borkh.", "Castanea dentata (Marsh.) Borkh."),
        ("Name Habenaria bifolia", "Habenaria bifolia"),
        ("Polyrhachis\narborea\nKohout", "Polyrhachis arborea Kohout"),
        ("UMBILICARIA PUSTULATA\nvar. PAPULOSA Tuckerman", "Umbilicaria pustulata var. papulosa"),
        ("Anticarsia gemmatalis\nHübner, 1818", "Anticarsia gemmatalis Hübner, 1818"),
    ],
)
def test_names_are_read_with_their_authors(text: str, name: str) -> None:
    assert read(text)["scientificName"] == name


@pytest.mark.parametrize(
    "text",
    ["Growing in upland forest", "Duplicate deposited at SWMT", "Open mesic rocky", "Butterfly Orchis", "South side of road"],
)
def test_a_sentence_is_no_name(text: str) -> None:
    assert "scientificName" not in read(text)


def test_a_list_of_several_specimens_has_no_one_name() -> None:
    assert "scientificName" not in read("Abies alba Mill.\nPicea abies Karst.\nPinus mugo Turra\nTaxus baccata L.")


def test_two_spellings_of_a_name_are_the_same_and_two_names_are_not() -> None:
    assert fields_names.canonical("Quercus robur L.") == fields_names.canonical("QUERCUS robur".capitalize())
    assert same("scientificName", "Rosa canina var. alba (L.) Mill.", "Rosa canina alba")
    assert not same("scientificName", "Rosa canina L.", "Rosa gallica L.")
    assert same("recordedBy", "M. J. Oldham", "Michael J. Oldham")
    assert not same("recordedBy", "M. J. Oldham", "R. Kral")


@given(st.text(max_size=200))
def test_any_text_is_borne_and_readings_lie_in_it(text: str) -> None:
    for one in fields_label.read(text):
        assert 0 <= one.start <= one.end <= len(text)
        assert one.value.strip()


def label(text: str, score: float = 0.99, **more: object) -> Finding:
    lines = [{"text": row, "confidence": score, "xywh": f"100,{100 + 50 * n},400,40"} for n, row in enumerate(text.split("\n"))]
    return Finding(
        "label",
        text,
        Region.of_box(100, 100, 500, 400),
        data={"lines": lines},
        iri="https://hub.example/annotations/n1/versions/2",
    )


def run(*labels: Finding, lowest: float = 0.6, **known: object) -> StepResult:
    return fields.run(SHEET, {"lowest_confidence": lowest}, StepContext(earlier={"ocr": labels}, **known))  # type: ignore[arg-type]  # by name


def proposed(result: StepResult) -> dict[str, Finding]:
    return {str(one.data["term"]): one for one in result.findings if one.kind == "proposal"}


def test_what_the_record_lacks_is_proposed_with_its_words_and_place() -> None:
    found = proposed(run(label(LABEL)))
    collector = found["recordedBy"]
    assert (collector.text, collector.data["verbatim"]) == ("A. Verhoeven | M. Lindqvist", "A. Verhoeven & M. Lindqvist")
    assert collector.rests_on == ("https://hub.example/annotations/n1/versions/2",)
    assert collector.box is not None
    assert (collector.box.y0, collector.box.y1) == (300, 340)
    assert found["eventDate"].text == "1887-06-12"
    assert 0 < (collector.confidence or 0) < 1


def test_a_label_without_a_place_gives_values_without_one() -> None:
    bare = Finding("label", LABEL, data={"lines": [{"text": row, "confidence": 0.99} for row in LABEL.split("\n")]})
    collector = proposed(run(bare))["recordedBy"]
    assert collector.region is None
    assert "xywh" not in collector.data


def test_what_agrees_with_the_record_is_told_and_not_proposed() -> None:
    result = run(label(LABEL), record={"recordedBy": "Verhoeven, A. | Lindqvist, M.", "eventDate": "1887-06-21"})
    told = {one["term"]: one["is"] for one in result.findings[0].data["terms"]}
    assert told["recordedBy"] == "agrees"
    assert told["eventDate"] == "differs"
    assert "recordedBy" not in proposed(result)
    assert "eventDate" in proposed(result)


def test_a_date_that_the_record_says_more_exactly_is_not_proposed() -> None:
    assert "eventDate" not in proposed(run(label("leg. H. Smith\nJune 1887"), record={"eventDate": "1887-06-12"}))


def test_what_is_poorly_read_is_not_proposed() -> None:
    result = run(label(LABEL, score=0.7))
    assert not proposed(result)
    assert "Too doubtful" in result.findings[0].text


def test_where_labels_differ_neither_is_proposed() -> None:
    result = run(label("leg. H. Smith"), label("leg. R. Kral"))
    assert "recordedBy" not in proposed(result)
    assert result.findings[0].data["terms"][0]["is"] == "labels differ"


def test_the_label_of_one_of_several_specimens_proposes_nothing() -> None:
    assert not proposed(run(label(LABEL), specimens=3))


def test_a_place_that_is_withheld_is_neither_told_nor_proposed() -> None:
    result = run(label(LABEL), withholds_place=True)
    terms = {one["term"] for one in result.findings[0].data["terms"]}
    assert terms.isdisjoint({"locality", "minimumElevationInMeters", "verbatimLocality"})
    assert "recordedBy" in terms


def test_a_catalogue_number_is_compared_and_never_proposed() -> None:
    result = run(label("NHMUK 012539905"), record={"catalogNumber": "012539905"})
    assert [one["is"] for one in result.findings[0].data["terms"]] == ["agrees"]
    assert not proposed(run(label("NHMUK 012539905"), record={"catalogNumber": "999999"}))


def test_labels_without_fields_say_that_nothing_was_recognised() -> None:
    assert "nothing was recognised" in run(label("two yellow")).nothing_found
    failed = fields.run(SHEET, {}, StepContext(failed=frozenset({"ocr"})))
    assert "ocr failed" in failed.nothing_found


def test_the_truth_of_real_labels_is_of_darwin_core() -> None:
    truth = json.loads(TRUTH.read_text(encoding="utf-8"))
    assert len([one for one in truth if one["fields"]]) >= 25
    for one in truth:
        assert not [date for term, date in one["fields"].items() if term == "eventDate" and not is_date(date)]


@pytest.mark.parametrize(
    ("words", "garbled"),
    [
        (".Swift.Coent Reoewch.St", True),
        ("Rtnpkl Shvnd", True),
        ("Mindoro Mt.Halcon", False),
        ("Rocky Mtns", False),
        ("Brno-Líšeň, Krč", False),
        ("Київська область", False),
        ("Brentwood.Kalmthout heath near the lake", False),
        ("12.5 km", False),
    ],
)
def test_words_that_look_like_none_are_no_place(words: str, garbled: bool) -> None:
    assert is_garbled(words) == garbled
    assert ("locality" in read(f"Locality: {words}\nleg. H. Smith")) != garbled or words == "12.5 km"


def test_what_is_left_of_a_heading_is_no_place() -> None:
    assert "locality" not in read("PLANTS OF ALABAMA\nleg. H. Smith")


def test_drawn_labels_in_eight_languages_are_read() -> None:
    results = list(label_fields.drawn())
    read, right, known = (sum(getattr(one, name) for one in results) for name in ("read", "right", "known"))
    assert right / read > 0.98
    assert right / known > 0.94


def test_rates_let_drawn_labels_not_outweigh_real_ones() -> None:
    drawn = [label_fields.FieldResult("drawn", "drawn", "country", "country", 1, True, True, True)] * 500
    real = [label_fields.FieldResult("plant_a", "printed", "country", "country", 1, True, True, False)] * 5
    assert label_fields.rates([*drawn, *real]) == {"country": (20, 25)}
    assert all(said < 0.95 for said, _, _ in label_fields.reliability([*drawn, *real, *[replace(real[0], source="plant_b")]]))


def test_the_confidence_is_that_of_the_rule_and_of_the_line() -> None:
    assert fields_trust.of_rate(0, 0, 1.0) == 0.5
    assert fields_trust.confidence("country", 1.0) > 0.95 > fields_trust.confidence("country", 0.95) > 0.8
    assert fields_trust.confidence("never seen", 1.0) < 0.6


def test_on_real_labels_the_fields_are_right(shared: Path) -> None:
    results = list(label_fields.real(shared / "data/specimens", TRUTH, read=False))
    printed = [one for one in results if one.kind == "printed"]
    right, read, known = (sum(getattr(one, name) for one in printed) for name in ("right", "read", "known"))
    assert 2 * right / (read + known) >= 0.9


def test_the_sentence_names_the_record() -> None:
    told = [{"term": "stateProvince", "is": "new"}, {"term": "country", "is": "differs"}]
    assert fields._sentence(told) == (
        "Read on the labels. The record lacks state or province. The record says something else of country."
    )


def test_an_institution_in_capitals_is_no_name() -> None:
    assert "scientificName" not in read("REGINA RESEARCH STATION\nAGRICULTURE CANADA\nREGINA, SASKATCHEWAN")
    assert read("CAREX NIGRA\nBonn")["scientificName"] == "Carex nigra"
