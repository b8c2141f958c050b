"""IIIF Change Discovery 1.0: a client that follows the specification's algorithm keeps a true copy, whatever happens here."""

from typing import Any

import pytest

from analytics import service as runs
from annotations import service as annotations
from app import relay
from app.discovery import activities as discovery
from app.runtime import activities
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.web.discovery import changes
from iiif.catalogue import service as catalogue
from tests.databases import on_both
from tests.sheets import Hub, add_sheet, comment, make_hub

settings = on_both
SYSTEM = Principal.of_system()


@pytest.fixture
def hub(prepared: Runtime) -> Hub:
    return make_hub(prepared)


def told(hub: Hub) -> None:
    while relay.tell(hub.runtime):
        pass


class Copy:
    """Change Discovery 1.0, section 4.4 (activity processing), for things by their addresses."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.last_crawl, self.have = hub, "", dict[str, str]()

    def crawl(self) -> None:
        collection = self.hub.get("/activity/changes").json
        page, processed, newest = collection["last"]["id"], set[str](), ""
        while page:
            document = self.hub.get(page).json
            assert document["partOf"]["id"] == collection["id"]
            for item in reversed(document["orderedItems"]):
                newest = newest or item["endTime"]
                if item["endTime"] < self.last_crawl:
                    page = ""
                    break
                iri = item["object"]["id"]
                if iri in processed:
                    continue
                processed.add(iri)
                if item["type"] in ("Create", "Update"):
                    self.have[iri] = item["object"]["type"]
                else:
                    self.have.pop(iri, None)
                    if item["type"] == "Move" and item["target"]["id"] not in processed:
                        self.have[item["target"]["id"]] = item["target"]["type"]
            else:
                page = document.get("prev", {}).get("id", "")
        self.last_crawl = newest or self.last_crawl

    def of(self, kind: str) -> set[str]:
        return {iri for iri, one in self.have.items() if one == kind}


def items(hub: Hub) -> list[dict[str, Any]]:
    """All activities, from the first page on."""
    found: list[dict[str, Any]] = []
    page = hub.get("/activity/changes").json["first"]["id"]
    while page:
        document = hub.get(page).json
        found += document["orderedItems"]
        page = document.get("next", {}).get("id", "")
    return found


def say(hub: Hub, canvas: str, text: str) -> str:
    iri: str = hub.post(comment(canvas, text)).json["id"]
    return iri


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "PAGE", 3)


def test_a_copy_stays_true_through_a_day(hub: Hub) -> None:
    runtime, addresses = hub.runtime, hub.addresses
    first, (media,) = add_sheet(runtime, "A 1")
    second, (other,) = add_sheet(runtime, "A 2")
    canvas = addresses.canvas(first.key, media.key)
    said = [say(hub, canvas, f"word {number}") for number in range(5)]
    told(hub)
    copy = Copy(hub)
    copy.crawl()
    assert copy.of("Manifest") == {addresses.manifest(one.key) for one in (first, second)}
    assert copy.of("Annotation") == set(said)

    hub.write("DELETE", said[0])
    document = hub.get(said[1]).json
    hub.write("PUT", said[1], {**document, "body": {"type": "TextualBody", "value": "changed"}})
    said.append(say(hub, addresses.canvas(second.key, other.key), "on the other"))
    told(hub)
    copy.crawl()
    assert copy.of("Annotation") == set(said[1:])

    with runtime.db.begin() as session:
        catalogue.set_access(session, media.key, "closed", by=Principal.of_system(), at=runtime.clock())
    told(hub)
    hidden = hub.write("POST", "/annotations/", comment(canvas, "behind the door"))
    assert hidden.status_code == 201
    told(hub)
    copy.crawl()
    assert copy.of("Annotation") == {said[5]}
    assert hidden.json["id"] not in {item["object"]["id"] for item in items(hub)}

    with runtime.db.begin() as session:
        catalogue.set_access(session, media.key, "open", by=Principal.of_system(), at=runtime.clock())
    told(hub)
    copy.crawl()
    assert copy.of("Annotation") == {*said[1:], hidden.json["id"]}
    fresh = Copy(hub)
    fresh.crawl()
    assert fresh.have == copy.have


def test_pages_are_in_order_linked_and_counted(hub: Hub) -> None:
    empty = hub.get("/activity/changes").json
    assert (empty["totalItems"], hub.get(empty["last"]["id"]).json["orderedItems"]) == (0, [])
    specimen, (media,) = add_sheet(hub.runtime)
    for number in range(6):
        say(hub, hub.addresses.canvas(specimen.key, media.key), str(number))
    told(hub)
    collection = hub.get("/activity/changes")
    assert collection.headers["Content-Type"] == 'application/ld+json;profile="http://iiif.io/api/discovery/1/context.json"'
    assert collection.json["totalItems"] == 7
    found = items(hub)
    assert [item["endTime"] for item in found] == sorted(item["endTime"] for item in found)
    assert (found[0]["type"], found[0]["object"]["id"]) == ("Create", hub.addresses.manifest(specimen.key))
    assert found[0]["object"]["seeAlso"][0]["id"] == f"{hub.addresses.pid(specimen.key)}.jsonld"
    second = hub.get("/activity/changes/page/2").json
    assert (second["startIndex"], second["prev"]["id"][-2:], second["next"]["id"][-2:]) == (3, "/1", "/3")
    for number in (0, 4, 10**12):
        assert hub.get(f"/activity/changes/page/{number}").status_code == 404


def settle(runtime: Runtime, run_key: str) -> None:
    """What the workers do of a run that was cancelled, retracted or restored."""
    for _ in range(10):
        with runtime.db.begin() as session:
            runs.settle_batch(session, run_key, at=runtime.clock())


def test_what_a_run_stated_goes_and_comes_with_it(hub: Hub) -> None:
    runtime, made = hub.runtime, []
    specimen, (media,) = add_sheet(runtime)
    with runtime.db.begin() as session:
        run = runs.run_over(session, [media], by=SYSTEM, naan=runtime.settings.naan, at=runtime.clock())
        how: dict[str, Any] = {"media": media, "run_key": run.key, "kind": "label", "addresses": hub.addresses}
        for number in range(2):
            target = f"{hub.addresses.canvas(specimen.key, media.key)}#xywh=1,{number}00,50,50"
            document = comment(target, motivation="supplementing")
            made.append(annotations.create_machine(session, document, at=runtime.clock(), **how).key)
        runs.cancel(session, run.key, by=SYSTEM, at=runtime.clock())
    settle(runtime, run.key)
    told(hub)
    copy = Copy(hub)
    copy.crawl()
    stated = {hub.addresses.annotation(key) for key in made}
    assert copy.of("Annotation") == stated
    for change, expected in ((runs.retract, set[str]()), (runs.restore, stated)):
        with runtime.db.begin() as session:
            reason = ("wrong",) if change is runs.retract else ()
            change(session, run.key, *reason, by=SYSTEM, at=runtime.clock())  # type: ignore[operator]
        settle(runtime, run.key)
        told(hub)
        copy.crawl()
        assert copy.of("Annotation") == expected


def test_a_move_names_where_to(hub: Hub) -> None:
    runtime = hub.runtime
    with runtime.db.begin() as session:
        activities.moved(session, "manifest", "r1old", "r1new", at=runtime.clock())
    told(hub)
    (move,) = items(hub)
    assert (move["type"], move["object"]["id"]) == ("Move", hub.addresses.manifest("r1old"))
    assert move["target"]["id"] == hub.addresses.manifest("r1new")
    assert discovery.carry_moves(runtime) == 0
    copy = Copy(hub)
    copy.have[hub.addresses.manifest("r1old")] = "Manifest"
    copy.crawl()
    assert copy.of("Manifest") == {hub.addresses.manifest("r1new")}
