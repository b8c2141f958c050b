"""A researcher, from an empty box to a table to take home: each row's number of hits is right."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.hub import ROOT, Hub

pytestmark = pytest.mark.e2e
AXE = ROOT / "app/web/frontend/node_modules/axe-core/axe.min.js"
WIDER = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


def test_from_an_empty_box_to_a_table_in_which_each_number_is_right(page: Page, hub: Hub) -> None:
    page.goto(hub.address)
    page.keyboard.press("/")
    page.keyboard.type("herb")
    proposed = page.get_by_role("listbox", name="Words that begin so").get_by_role("option")
    expect(proposed.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    word = str(proposed.first.evaluate("(option) => option.firstChild.textContent"))
    page.keyboard.press("Enter")
    expect(page.locator("#q")).to_have_value(f"{word} ")
    page.keyboard.press("Enter")
    expect(page.locator("#results .chip")).to_have_text([f"{word} ×remove"])
    page.get_by_role("navigation", name="View").get_by_role("link", name="Table").click()
    page.locator("#columns-of > summary").click()
    for name in ("Collector", "Date", "Country"):
        page.get_by_role("checkbox", name=name, exact=True).uncheck()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader")).to_have_text(
        ["Picture", "Catalogue number", "Scientific name", "Statements that answer"]
    )
    shown = page.locator(".rows tbody tr").count()
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(started.value.path()).read_text("utf-8"))))
    assert len(rows) == shown > 0
    assert list(rows[0]) == ["thumbnail", "catalogNumber", "scientificName", "hits"]
    known = {item["catalogNumber"]: item["key"] for item in hub.json(f"/api/search?q={word}&limit=100")["items"]}
    for row in rows:
        total = hub.json(f"/api/search?type=annotation&q={word}&specimen={known[row['catalogNumber']]}")["total"]
        assert int(row["hits"]) == total
    assert any(int(row["hits"]) for row in rows)
    page.goto(f"{hub.address}/?view=table")
    expect(page.get_by_role("columnheader")).to_have_count(4)  # the choice is kept


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_fits_a_phone_and_is_open_to_all(browser: Browser, hub: Hub, scheme: Any) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    views = [f"/?view={name}" for name in ("list", "table", "map", "timeline")]
    for address in (*views, "/?type=segment", "/?type=annotation&view=list"):
        page.goto(hub.address + address)
        assert not page.evaluate(WIDER), address
        page.add_script_tag(path=AXE)
        found = page.evaluate("async () => (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)")
        assert found == [], address
    context.close()
