"""Dates and intervals as the search index compares them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.runtime.search.dates import EVER, moment, span
from ontology.dates import is_date


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1887", "1887-01-01T00:00:00", "1887-12-31T23:59:59.999"),
        ("1888-02", "1888-02-01T00:00:00", "1888-02-29T23:59:59.999"),
        ("1887-06-12", "1887-06-12T00:00:00", "1887-06-12T23:59:59.999"),
        ("1887-06-12T10:00:00+02:00", "1887-06-12T08:00:00", "1887-06-12T08:00:00"),
        ("1887-06-12/14", "1887-06-12T00:00:00", "1887-06-14T23:59:59.999"),
        ("1887-06-12/07-14", "1887-06-12T00:00:00", "1887-07-14T23:59:59.999"),
        ("1887-06/08", "1887-06-01T00:00:00", "1887-08-31T23:59:59.999"),
        ("1899-05/1901", "1899-05-01T00:00:00", "1901-12-31T23:59:59.999"),
        ("188X", "1880-01-01T00:00:00", "1889-12-31T23:59:59.999"),
        ("18XX", "1800-01-01T00:00:00", "1899-12-31T23:59:59.999"),
        ("1887-XX-XX", "1887-01-01T00:00:00", "1887-12-31T23:59:59.999"),
        ("1887-02-XX~", "1887-02-01T00:00:00", "1887-02-28T23:59:59.999"),
        ("0001/9999", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999"),
    ],
)
def test_a_date_lasts_from_its_first_to_its_last_millisecond(text: str, first: str, last: str) -> None:
    assert span(text) == (moment(first), moment(last))


def test_an_open_end_reaches_for_ever() -> None:
    assert span("1900/..") == span("1900/") == (moment("1900-01-01"), EVER)
    assert span("../1900") == (-EVER, moment("1900-12-31T23:59:59.999"))


@pytest.mark.parametrize(
    "text",
    ["", "/", "..", "../..", "1901/1899", "1887-13", "1887-02-30", "0000", "12.vi.1887", "1900/05", "1887/88", "1887-06/08-03",
     "1887-6-1", "spring", "1887-06-12T25:00", "18871", "1887-06-XX-01"],
)  # fmt: skip
def test_what_is_no_date_has_no_span(text: str) -> None:
    assert span(text) is None


@given(st.text("0123456789-/.XT:Z~ ", max_size=24))
def test_a_span_ends_after_it_begins_and_nothing_raises(text: str) -> None:
    found = span(text)
    assert found is None or found[0] <= found[1]


days = st.dates().map(str)


@given(days, days)
def test_an_interval_of_days_holds_both(one: str, other: str) -> None:
    begin, end = sorted((one, other))
    found = span(f"{begin}/{end}")
    assert found is not None
    assert found[0] == moment(begin)
    assert found[1] - (moment(end) or 0) == timedelta(days=1) // timedelta(milliseconds=1) - 1
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=found[0])


@pytest.mark.parametrize("text", ["1887-06-12", "188X", "1887-06/07", "1887/..", "1887-06-12/14", "1887?", "1887-06-12 10:30"])
def test_every_form_that_a_record_keeps_has_a_span(text: str) -> None:
    assert is_date(text)
    assert span(text) is not None
