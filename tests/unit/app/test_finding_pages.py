"""The findings of a specimen in pages: each is on one of them, links and forms lead to that one, without script."""

import re
from typing import Any

import pytest

from analytics.steps.model import Finding
from annotations.regions import Region
from app.web.specimens import finding_pages
from iiif.catalogue.model import Specimen
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import Hub, add_sheet
from tests.unit.app.test_pages import say
from tests.unit.app.test_workplace import browser, hub, read

__all__ = ["hub"]


@pytest.fixture
def specimen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Specimen:
    """With five labels, and two findings to a page."""
    monkeypatch.setattr(finding_pages, "SHOWN", 2)
    found, (media,) = add_sheet(hub.runtime)
    for number in range(5):
        box = Region.of_box(100, 100 + 600 * number, 900, 500 + 600 * number)
        say(hub, media, "ocr", Finding("label", f"Carex {number}", box, motivations=("supplementing",)))
    return found


def listed(html: str) -> list[str]:
    return re.findall(r'id="finding-(\w+)"', html)


def send(hub: Hub, who: Person, path: str, **fields: Any) -> Any:
    return browser(hub).post(path, data=fields, headers={**who.cookie, **OUR_PAGE, "Accept": "text/html"})


def test_every_finding_is_on_one_page_and_found_there_by_its_key(hub: Hub, specimen: Specimen) -> None:
    first = read(hub, specimen)
    (following,) = re.findall(rf'href="(/specimens/{specimen.key}\?[^"]*findings=2[^"]*)" rel="next"', first)
    assert following.endswith("#findings")
    by_page = [listed(read(hub, specimen, None, f"?findings={number}")) for number in (1, 2, 3)]
    assert [len(keys) for keys in by_page] == [2, 2, 1]
    assert len({key for keys in by_page for key in keys}) == 5
    assert by_page[0] == listed(first)
    assert listed(read(hub, specimen, None, "?findings=9")) == by_page[2], "the last where there are not so many"
    assert listed(read(hub, specimen, None, f"?finding={by_page[1][0]}")) == by_page[1]
    assert "<h4>Label 3</h4>" in read(hub, specimen, None, "?findings=2"), "segments are counted through"
    own = browser(hub).get(f"/statements/{by_page[1][0]}").text
    assert f'/specimens/{specimen.key}?finding={by_page[1][0]}#finding-{by_page[1][0]}"' in own
    assert browser(hub).get(f"/specimens/{specimen.key}?findings=x").status_code == 400


def test_what_is_answered_or_refused_on_a_page_leads_back_to_it(hub: Hub, specimen: Specimen) -> None:
    ana = add_person(hub.runtime, "ana", "reviewer")
    html = read(hub, specimen, ana, "?findings=2&state=unreviewed&state=accepted")
    key = listed(html)[1]
    (action,) = set(re.findall(r'action="(/specimens/\w+/verdicts\?[^"]*)"', html))
    done = send(hub, ana, action.replace("&amp;", "&"), annotation=key, version="1", verdict="approved")
    assert done.status_code == 303
    back = browser(hub).get(done.headers["Location"].partition("#")[0], headers=ana.cookie).text
    assert key in listed(back)
    assert f'id="undo-{key}"' in back
    long = "a" * 5_001
    path = f"/specimens/{specimen.key}"
    refused = send(hub, ana, f"{path}/comments", about=key, text=long)
    assert refused.status_code == 400
    assert key in listed(refused.text), "though the form did not say which page it was on"
    assert f"{long}</textarea>" in refused.text
    said = send(hub, ana, f"{path}/comments", about=key, text="Nigra?").headers["Location"].rpartition("#comment-")[2]
    again = send(hub, ana, f"{path}/comments", about=said, text=long)
    assert key in listed(again.text), "a reply stands where what it replies to is about"
    assert f"{long}</textarea>" in again.text
