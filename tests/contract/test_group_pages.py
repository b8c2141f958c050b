"""The pages of groups of like segments: the largest of a class, the crops of one, a name for all; as forms, without script."""

import re
from typing import Any

import pytest
from sqlalchemy import event
from werkzeug.test import Client

from annotations.groups import service
from app.runtime.principal import NOBODY, Principal
from app.web.segments import like as pages
from iiif.catalogue import service as catalogue
from tests.contract.test_groups import segment_of, sheet
from tests.contract.test_queue import plans
from tests.contract.test_segments import find, hub, settings
from tests.databases import on_both
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import Hub

__all__ = ["hub", "on_both", "settings"]  # fixtures
WORDS = "Leg. A. v. Humboldt, <b>Berlin</b>"


def ask(hub: Hub, who: Person | None, address: str, form: dict[str, str] | None = None) -> Any:
    client = Client(hub.client.application, use_cookies=False)
    headers = {**(who.cookie if who else {}), **OUR_PAGE, "Accept": "text/html"}
    return client.open(address, method="GET" if form is None else "POST", data=form, headers=headers)


def groups_of(answer: Any) -> list[tuple[str, int]]:
    """Key and size of each group that the page lists."""
    assert answer.status_code == 200, answer.text
    found = re.findall(r'<a href="/segments/(\w+)/like">.*?([\d,]+) alike', answer.text)
    return [(key, int(number.replace(",", ""))) for key, number in found]


def test_the_largest_groups_come_first_in_pages_and_what_is_closed_is_not_counted(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "GROUPS_SHOWN", 1)
    media = [sheet(hub, f"G {number}") for number in range(7)]
    for one in media[:2]:
        find(hub, one, "10,10,300,200", text="Herbarium Bonpland")
    for one in media[2:5]:
        find(hub, one, "10,10,300,200", text=WORDS)
    find(hub, media[5], "10,10,300,200", text="nobody else writes this")
    find(hub, media[6], "10,10,300,200", text=WORDS, kind="barcode")
    ana = add_person(hub.runtime, "ana", "reviewer", "of no sheet here")
    first = ask(hub, ana, "/review/groups")
    ((key, size),) = groups_of(first)
    assert size == 3, "of the class alone"
    assert key in {segment_of(hub, one) for one in media[2:5]}
    assert "Leg. A. v. Humboldt, &lt;b&gt;Berlin" in first.text
    (following,) = re.findall(r'href="(/review/groups\?[^"]*)" rel="next"', first.text)
    second = ask(hub, ana, following.replace("&amp;", "&"))
    assert [size for _, size in groups_of(second)] == [2]
    assert 'rel="next"' not in second.text, "one that is alone is no group"
    assert "No two barcodes that you see read the same" in ask(hub, ana, "/review/groups?class=barcode").text
    for bad in ("class=odd", "after=9", "after=x.y", "after=99999999999.00"):
        assert ask(hub, ana, f"/review/groups?{bad}").status_code == 400, bad
    assert ask(hub, None, "/review/groups").status_code == 401
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, media[2].key, "closed", by=Principal.of_system(), at=hub.runtime.clock())
    assert [size for _, size in groups_of(ask(hub, ana, "/review/groups"))] == [2]


def test_a_reviewer_sees_who_would_get_a_name_gives_it_and_takes_it_back_by_forms_alone(hub: Hub) -> None:
    media = [sheet(hub, f"G {number}", institutionCode="BR" if number < 3 else "P") for number in range(4)]
    for one in media:
        find(hub, one, "10,10,300,200", text=WORDS)
    key = segment_of(hub, media[0])
    ana, ben = add_person(hub.runtime, "ana", "reviewer", "BR"), add_person(hub.runtime, "ben", "annotator")
    path = f"/segments/{key}/like"
    assert f'href="{path}"' in ask(hub, ana, f"/segments/{key}").text
    assert 'href="/review/groups"' in ask(hub, ana, "/review").text
    for who in (None, ben):
        text = ask(hub, who, path).text
        assert text.count("<li><a href=") == 4
        assert 'id="name"' not in text, "what nobody may do is not offered"
    value = 'A. "v." Humboldt'
    looked = ask(hub, ana, f"{path}?by=words&term=recordedBy&value={value}").text
    assert re.search(r"<strong>3</strong> records in your collections would get .*, from 4 segments\.", looked)
    assert hub.get("/api/proposals?term=recordedBy").json["items"] == []
    form = {"by": "words", "term": "recordedBy", "value": value, "do": "propose"}
    assert "<strong>3</strong> proposals were made" in ask(hub, ana, f"{path}/proposals", form).text
    assert {one["proposal"]["value"] for one in hub.get("/api/proposals?term=recordedBy").json["items"]} == {value}
    again = ask(hub, ana, f"{path}/proposals", form).text
    assert "<strong>0</strong> proposals were made; 3 were there before" in again
    back = ask(hub, ana, f"{path}/proposals", {**form, "do": "take back"})
    assert "<strong>3</strong> of your proposals are taken back" in back.text
    assert hub.get("/api/proposals?term=recordedBy").json["items"] == []
    assert ask(hub, ben, f"{path}/proposals", form).status_code == 403
    refused = ask(hub, ana, f"{path}/proposals", {**form, "term": "nonsense"})
    assert refused.status_code == 400
    assert 'value="A. &#34;v.&#34; Humboldt"' in refused.text, "what was typed is kept"
    assert ask(hub, ana, f"{path}?by=colour").status_code == 400


def test_a_large_group_is_paged_and_gone_on_with(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "CROPS_SHOWN", 2)
    monkeypatch.setattr(service, "MOST", 2)
    media = [sheet(hub, f"G {number}") for number in range(3)]
    for one in media:
        find(hub, one, "10,10,300,200", text=WORDS)
    key, ana = segment_of(hub, media[0]), add_person(hub.runtime, "ana", "reviewer")
    first = ask(hub, ana, f"/segments/{key}/like")
    (following,) = re.findall(r'href="(/segments/[^"]*)" rel="next"', first.text)
    second = ask(hub, ana, following.replace("&amp;", "&"))
    assert (first.text.count("<li><a href="), second.text.count("<li><a href=")) == (2, 1)
    form = {"by": "words", "term": "recordedBy", "value": "Humboldt", "do": "propose"}
    done = ask(hub, ana, f"/segments/{key}/like/proposals", form)
    (after,) = re.findall(r'name="after" value="(\w+)"', done.text)
    assert (
        "<strong>1</strong> proposal was made" in ask(hub, ana, f"/segments/{key}/like/proposals", {**form, "after": after}).text
    )
    assert len(hub.get("/api/proposals?term=recordedBy").json["items"]) == 3


def test_groups_are_counted_from_an_index(hub: Hub) -> None:
    for number in range(2):
        find(hub, sheet(hub, f"G {number}"), "10,10,300,200", text=WORDS)
    asked = list[Any]()
    event.listen(hub.runtime.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    with hub.runtime.reads.begin() as session:
        assert len(service.largest(session, "label", by=NOBODY, after="", limit=10)[0]) == 1
    questions = {said: given for said, given in asked if "GROUP BY segments.words" in said}
    assert len(questions) == 2
    for said, plan in plans(hub, questions):
        assert not re.search(r"SCAN segments(?! USING)|Seq Scan on segments", plan), (said, plan)
