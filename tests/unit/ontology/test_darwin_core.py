"""Darwin Core: names of columns, dates, coordinates."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology import darwin_core
from ontology.darwin_core import degrees, interpret, label_of, term_of
from ontology.dates import date_of, is_date


@pytest.mark.parametrize(
    "column",
    [
        "catalogNumber",
        "dwc:catalogNumber",
        "CATALOGNUMBER",
        "catalog_number",
        "Catalogue Number",
        "\ufeffcatalogNumber",
        "http://rs.tdwg.org/dwc/terms/catalogNumber",
        " catalogNumber ",
    ],
)
def test_a_column_names_its_term_in_any_spelling(column: str) -> None:
    assert term_of(column) == "catalogNumber"


def test_the_british_licence_is_the_term_license() -> None:
    assert term_of("licence") == term_of("dcterms:license") == "license"


def test_other_columns_name_no_term() -> None:
    assert term_of("px_per_mm") is None
    assert term_of("") is None


def test_a_term_is_called_in_words_as_the_field_has_it() -> None:
    assert (label_of("decimalLatitude"), label_of("catalogNumber")) == ("Decimal latitude", "Catalogue number")


@given(st.sampled_from(sorted(darwin_core.TERMS)), st.sampled_from(["", "dwc:", "http://rs.tdwg.org/dwc/terms/"]))
def test_every_term_is_found_by_its_own_name(term: str, prefix: str) -> None:
    assert term_of(prefix + term) == term_of(prefix + term.upper()) == term
    assert label_of(term)[0].isupper()


@given(st.text(max_size=40))
def test_any_column_name_and_any_value_can_be_read(text: str) -> None:
    reading = interpret({text: text, "eventDate": text, "decimalLatitude": text, "decimalLongitude": text, "countryCode": text})
    assert set(reading.terms) <= darwin_core.TERMS
    assert all(value == value.strip() != "" for value in reading.terms.values())


@given(st.dates())
def test_every_day_month_and_year_is_a_date(day: date) -> None:
    assert all(is_date(day.isoformat()[:length]) for length in (4, 7, 10))
    assert is_date(f"{day.isoformat()}T12:30:00Z")
    assert date_of(f"{day.year:04}/{day.month}/{day.day}") == day.isoformat()


@pytest.mark.parametrize(
    "text",
    [
        "1887-06-12/1887-06-14",
        "1887-06-12/14",
        "1887-06-12/07-02",
        "1887-06/07",
        "1887/1890",
        "188X",
        "18XX",
        "1887-XX-XX",
        "1887~",
        "1887-06?",
        "1887/..",
        "../1887",
        "1887-06-12T08:00+02:00",
        "2020-10-09 10:15:26.335303",
        "2000-02-29",
    ],
)
def test_these_are_dates(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "../..",
        "12 VI 1887",
        "27/11/15",
        "1887-13",
        "1887-02-30",
        "1900-02-29",
        "June 1887",
        "1887-6",
        "18870612",
        "1887-06-12/x",
        "1887-06-12/32",
        "1887-06-12T25:00",
        "1887-06-12T12:60",
        "1887-06-12T12:30+25:00",
        "٢٠٢٠",
    ],
)
def test_these_are_no_dates(text: str) -> None:
    assert not is_date(text)


def test_unknown_parts_written_as_zero_are_left_out() -> None:
    assert (date_of("1998-00-00"), date_of("1998-05-00"), date_of("2007-1-1")) == ("1998", "1998-05", "2007-01-01")
    assert (date_of("5/9/2015"), date_of("0000-00-00"), date_of("0000")) == ("", "", "")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("12.VI.1887", "1887-06-12"),
        ("1887-VI-12", "1887-06-12"),
        ("VI.1887", "1887-06"),
        ("12 June 1887", "1887-06-12"),
        ("June 1887", "1887-06"),
        ("Jun 12, 1887", "1887-06-12"),
        ("1904-1910", "1904/1910"),
        ("1887-06-12 - 1887-06-14", "1887-06-12/1887-06-14"),
        ("3.IX.1911 – 5.IX.1911", "1911-09-03/1911-09-05"),
        ("31.VI.1887", ""),
        ("12.VI.87", ""),
        ("1910-1904", ""),
        ("1890/1887", ""),
        ("Jun-87", ""),
        ("41234", ""),
        ("Sommer 1887", ""),
    ],
)
def test_a_month_in_roman_numerals_or_in_words_and_a_range_of_years_leave_no_doubt(text: str, date: str) -> None:
    assert date_of(text) == date


@pytest.mark.parametrize(
    ("parts", "date", "is_doubtful"),
    [
        (("1887", "VI", "12"), "1887-06-12", False),
        (("1887", "June", "12"), "1887-06-12", False),
        (("1887", "6", "0"), "1887-06", False),
        (("1887", "00", "00"), "1887", False),
        (("1887.0", "6.0", "12.0"), "1887-06-12", False),
        (("1887-1890", "", ""), "1887/1890", False),
        (("1887", "13", "1"), "1887", True),
        (("1887", "6", "31"), "1887-06", True),
        (("1887", "", "12"), None, True),
        (("87", "6", "12"), None, True),
        (("0087", "6", "12"), None, True),
        (("0000", "0", "0"), None, True),
    ],
)
def test_parts_make_a_date_as_far_as_understood(parts: tuple[str, str, str], date: str | None, is_doubtful: bool) -> None:
    reading = interpret(dict(zip(("year", "month", "day"), parts, strict=True)))
    assert reading.terms.get("eventDate") == date
    assert [note.code for note in reading.notes] == ["bad-date"] * is_doubtful


def test_a_date_before_collecting_began_is_a_padded_year() -> None:
    reading = interpret({"eventDate": "0087-06-12"})
    assert "eventDate" not in reading.terms
    assert (reading.notes[0].code, reading.notes[0].term, reading.notes[0].value) == ("bad-date", "eventDate", "0087-06-12")


def test_a_date_and_a_year_that_contradict_are_named() -> None:
    assert [note.code for note in interpret({"eventDate": "1887-06-12", "year": "1888"}).notes] == ["date-contradiction"]
    assert not interpret({"eventDate": "1887/1890", "year": "1888"}).notes


@given(st.text(max_size=30))
def test_what_is_read_as_a_date_is_one(text: str) -> None:
    assert date_of(text) == "" or is_date(date_of(text))


@given(st.floats(-180, 180))
def test_degrees_are_read_with_point_or_comma(value: float) -> None:
    text = f"{value:.6f}"
    assert degrees(text, 180) == degrees(text.replace(".", ","), 180) == float(text)
    assert degrees(text, 90) == (float(text) if abs(float(text)) <= 90 else None)


@pytest.mark.parametrize("text", ["", "51°30'N", "nan", "inf", "1e3", "51.5N", "1,234.5", "--5", "٥"])
def test_these_are_no_degrees(text: str) -> None:
    assert degrees(text, 180) is None


def test_zero_coordinates_are_flagged_and_not_interpreted() -> None:
    reading = interpret({"decimalLatitude": "0.0", "decimalLongitude": "0", "country": "Ghana"})
    assert dict(reading.terms) == {"country": "Ghana"}
    assert [note.code for note in reading.notes] == ["zero-coordinates"]


def test_a_latitude_without_longitude_is_no_place() -> None:
    reading = interpret({"decimalLatitude": "51.5"})
    assert not reading.terms
    assert [note.code for note in reading.notes] == ["bad-coordinates"]


def test_a_point_on_the_equator_is_a_place() -> None:
    assert dict(interpret({"decimalLatitude": "0", "decimalLongitude": "-9,5"}).terms) == {
        "decimalLatitude": "0",
        "decimalLongitude": "-9.5",
    }


def test_the_date_follows_from_year_month_and_day() -> None:
    assert interpret({"year": "1887", "month": "6", "day": "12"}).terms["eventDate"] == "1887-06-12"
    assert interpret({"year": "1887", "month": "6"}).terms["eventDate"] == "1887-06"
    assert interpret({"year": "1887", "day": "6"}).terms.get("eventDate") is None


def test_a_date_that_cannot_be_read_is_left_out_and_named() -> None:
    reading = interpret({"eventDate": "27/11/15"})
    assert "eventDate" not in reading.terms
    assert "27/11/15" in reading.notes[0].sentence


def test_values_that_stand_for_nothing_are_nothing() -> None:
    assert not interpret({"country": " ", "locality": "\\N", "habitat": "NULL"}).terms


def test_a_country_code_is_two_letters() -> None:
    assert interpret({"countryCode": "be"}).terms["countryCode"] == "BE"
    assert interpret({"countryCode": "Belgium"}).notes[0].code == "bad-country-code"
