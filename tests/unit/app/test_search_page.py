"""The search page without scripts: chips, views, ranges, columns, and what helps where nothing is found."""

import re
from html import unescape

import pytest
from werkzeug.datastructures import MultiDict

from app import relay
from app.runtime.context import Runtime
from app.web.specimens.search_question import PageQuestion
from tests.sheets import Hub, add_sheet, make_hub

PLACES = {"Belgium": ("50.93", "4.33"), "Norway": ("60.4", "5.3"), "Japan": ("35.7", "139.7")}


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    for number in range(12):
        country = list(PLACES)[number % 3]
        north, east = PLACES[country]
        terms = {"scientificName": f"Quercus {number:02}", "genus": "Quercus", "country": country, "year": str(1850 + 5 * number)}
        add_sheet(runtime, f"N {number}", terms | {"decimalLatitude": north, "decimalLongitude": east})
    while relay.update_index(runtime):
        pass
    return make_hub(runtime)


def page(hub: Hub, address: str) -> str:
    response = hub.client.get(address, headers={"Accept": "text/html"})
    assert response.status_code == 200, response.text
    return unescape(response.text)


def chips(text: str) -> dict[str, str]:
    """Label to address."""
    return {label: href for href, label in re.findall(r'class="chip" href="(.*?)">(.*?) <span', text)}


def test_each_part_of_a_question_can_be_taken_off_by_itself(hub: Hub) -> None:
    found = chips(page(hub, '/?q=quercus+"n+3"+year:1850..1900&country=Norway&view=table'))
    assert found == {
        "quercus": '/?q="n+3"+year:1850..1900&country=Norway&view=table'.replace('"', "%22").replace(":", "%3A"),
        '"n 3"': "/?q=quercus+year%3A1850..1900&country=Norway&view=table",
        "year:1850..1900": "/?q=quercus+%22n+3%22&country=Norway&view=table",
        "Country: Norway": "/?q=quercus+%22n+3%22+year%3A1850..1900&view=table",
    }


def test_brackets_are_one_chip() -> None:
    asked = PageQuestion.of(MultiDict({"q": "(oak OR beech) year:1850"}), 1)
    assert [chip.label for chip in asked.chips()] == ["(oak OR beech) year:1850"]


def test_a_range_in_the_panel_becomes_a_filter_of_the_address(hub: Hub) -> None:
    text = page(hub, "/?q=quercus")
    assert 'name="year_from" min="1850" max="1905" value="1850"' in text
    sent = {"q": "quercus", "year_least": "1850", "year_most": "1905"}
    narrowed = hub.client.get("/", query_string={**sent, "year_from": "1860", "year_to": "1880"})
    assert (narrowed.status_code, narrowed.headers["Location"]) == (303, "/?q=quercus&year=1860..1880")
    assert "Year: 1860 to 1880" in (told := page(hub, narrowed.headers["Location"]))
    assert re.search(r'id="count">5 found', told)
    assert 'name="year_from" min="1850" max="1905" value="1860"' in told
    whole = hub.client.get("/", query_string={**sent, "year": "1860..1880", "year_from": "1850", "year_to": "1905"})
    assert whole.headers["Location"] == "/?q=quercus"
    dates = hub.client.get("/", query_string={"eventDate_from": "1887-06", "eventDate_to": "", "place": "dalby"})
    assert dates.headers["Location"] == "/?place=dalby&eventDate=1887-06.."


def test_the_table_has_the_columns_and_the_order_of_its_address(hub: Hub) -> None:
    text = page(hub, "/?view=table&columns=catalogNumber,year,country&sort=-year")
    assert re.findall(r'<th scope="col"[^>]*>(?:<a [^>]*>)?([^<]+?)\s*<', text) == ["Catalogue number", "Year", "Country"]
    assert 'aria-sort="descending"' in text
    assert re.findall(r"<td>(?:<a [^>]*>)?(\d{4})", text)[:2] == ["1905", "1900"]
    boxes = page(hub, "/?view=table&columns=year&columns=hits")
    assert re.findall(r'value="(\w+)" checked', boxes) == ["year", "hits"]
    assert "There is no column 'yaer'" in unescape(
        hub.client.get("/?view=table&columns=yaer", headers={"Accept": "text/html"}).text
    )
    assert 'href="/api/search.csv?sort=-year&columns=catalogNumber%2Cyear%2Ccountry"' in text


def test_a_table_of_all_types_of_things_is_refused_with_the_reason(hub: Hub) -> None:
    answer = hub.client.get("/?view=table&type=all", headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert "A table has one type of thing" in answer.text


def test_the_map_goes_over_180_degrees(hub: Hub) -> None:
    text = page(hub, "/?view=map&bbox=100,-90,50,90")
    x, _, width, _ = map(float, re.search(r'<svg class="map" viewBox="([^"]*)"', text)[1].split())  # type: ignore[index]  # it is there
    marks = [float(mark) for mark in re.findall(r'<circle cx="([^"]*)"', text)]
    assert len(marks) == 2
    assert all(x <= mark <= x + width for mark in marks)


def test_of_several_boxes_the_first_is_asked_as_it_is_by_the_api(hub: Hub) -> None:
    both = "bbox=130,30,150,40&bbox=-180,-90,180,90"
    total = hub.client.get(f"/api/search?{both}").json["total"]
    assert re.search(rf'id="count">{total} found', page(hub, f"/?{both}"))
    assert total == 4


def test_a_question_is_never_cut(hub: Hub) -> None:
    words = " ".join(f"{'x' * 50}{number}" for number in range(15))
    assert words in page(hub, f"/?q={words}")
    assert hub.client.get(f"/?q={'x' * 1001}", headers={"Accept": "text/html"}).status_code == 400


def test_the_map_counts_by_place_and_leads_closer(hub: Hub) -> None:
    text = page(hub, "/?view=map")
    assert "12 of 12 have coordinates." in text
    marks = dict(re.findall(r'<a href="([^"]*)" aria-label="(\d+ near [^"]*)"', text))
    assert sorted(told.split()[0] for told in marks.values()) == ["4", "8"]  # Belgium and Norway lie in one square
    closer = next(href for href, told in marks.items() if "139.7° E" in told)
    assert re.search(r'id="count">4 found', closer_page := page(hub, closer))
    assert "view=map" in closer
    assert "The whole world" in closer_page


def test_the_timeline_counts_by_year_and_leads_into_it(hub: Hub) -> None:
    text = page(hub, "/?view=timeline")
    steps = re.findall(r'<a href="([^"]*)"><span class="when">([^<]*)</span>.*?class="count">(\d+)<', text)
    assert sum(int(count) for _, _, count in steps) == 12
    href = next(href for href, label, _ in steps if label.startswith("1860"))
    assert re.search(r'id="count">1 found', page(hub, href))


def test_where_nothing_is_found_the_page_says_what_would_be_without_a_part(hub: Hub) -> None:
    text = page(hub, "/?q=quercus+zyzzyva&country=Norway")
    assert re.findall(r'<li><a href="([^"]*)">Without “([^”]*)”</a><span class="count">(\d+) found', text) == [
        ("/?q=quercus&country=Norway", "zyzzyva", "4")
    ]


def test_segments_and_statements_are_listed_too(hub: Hub) -> None:
    for kind in ("segment", "annotation"):
        for view in ("grid", "list", "table", "map", "timeline"):
            assert 'aria-current="page"' in page(hub, f"/?type={kind}&view={view}")
    assert "type is one of" in hub.client.get("/?type=leaf", headers={"Accept": "text/html"}).text
