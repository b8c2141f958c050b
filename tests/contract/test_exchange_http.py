"""Exchange over HTTP and on its page: sent, read, looked at, taken in, and taken along."""

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from annotations.exchange.formats import FORMATS
from annotations.exchange.xml_tree import parse
from app.exchange import import_jobs
from app.runtime import tokens
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from tests.contract.test_exchange import coco
from tests.people import OUR_PAGE, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    """With the token of a curator."""
    made = make_hub(runtime)
    with runtime.db.begin() as session:
        token = tokens.create(session, "curator", runtime.clock(), by=Principal.of_system(), role="curator")
    return replace(made, token=token)


def send(hub: Hub, document: Any, **fields: str) -> TestResponse:
    file = (io.BytesIO(json.dumps(document).encode()), "../blätter.json")
    data = {"format": "coco", **fields, "file": file}
    headers = {"Authorization": f"Bearer {hub.token}"}
    return hub.client.post("/api/imports", data=data, headers=headers, content_type="multipart/form-data")


def do(hub: Hub, key: str) -> dict[str, Any]:
    """What a worker does of it, and what the API then tells."""
    import_jobs.perform(hub.runtime, key)
    found: dict[str, Any] = hub.client.get(f"/api/imports/{key}", headers={"Authorization": f"Bearer {hub.token}"}).json
    return found


def unzipped(response: TestResponse) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_file_is_read_looked_at_taken_in_and_taken_along(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    sent = send(hub, coco({}, {"category_id": 2}))
    assert sent.status_code == 202
    assert sent.headers["Location"].endswith(sent.json["id"].rpartition("/")[2])
    read = do(hub, sent.json["key"])
    assert (read["state"], read["dryRun"], read["report"]["objects"]["added"]) == ("completed", True, 1)
    assert read["report"]["unknownClasses"] == {"twig": 1}
    accepted = hub.client.post(f"/api/imports/{read['key']}/accept", headers={"Authorization": f"Bearer {hub.token}"})
    assert accepted.status_code == 202
    taken = do(hub, accepted.json["key"])
    assert (taken["dryRun"], taken["report"]["objects"]["added"]) == (False, 1)
    run = hub.client.get(taken["run"].removeprefix(hub.addresses.base)).json
    assert (run["pipeline"], run["state"]) == ("import", "completed")
    assert do(hub, accepted.json["key"]) == taken  # a job that comes twice does it once
    again = hub.client.post(f"/api/imports/{taken['key']}/accept", headers={"Authorization": f"Bearer {hub.token}"})
    assert again.status_code == 409
    listed = hub.client.get("/api/imports?limit=1", headers={"Authorization": f"Bearer {hub.token}"}).json
    assert [one["key"] for one in listed["items"]] == [taken["key"]]
    assert "next" in listed
    for asked in ("", f"&specimen={specimen.key}", f"&image={media.key}", f"&run={taken['run'].rpartition('/')[2]}"):
        files = unzipped(hub.client.get(f"/api/exports?format=coco{asked}"))
        assert len(json.loads(files["annotations.json"])["annotations"]) == 1
    posted = hub.client.post("/api/exports", json={"format": "csv", "image": [media.key], "spreadsheet_safe": True})
    assert b"leaf" in unzipped(posted)["annotations.csv"]


def test_what_is_asked_wrongly_is_answered_in_a_sentence(hub: Hub) -> None:
    for path in (
        "format=x", "format=coco&x=1", "format=coco&type=x", "format=coco&layer=x", "format=coco&maxSide=x",
        "format=coco&images=x", "format=coco&runs=x", "format=coco&q=a&run=b", "format=coco&search=q%3Da&q=b",
        "format=coco&maxSide=3",
    ):  # fmt: skip
        response = hub.client.get(f"/api/exports?{path}")
        assert (path, response.status_code) == (path, 400)
        assert response.json["detail"]
    assert hub.client.get("/api/exports?format=coco&image=m1nothing").status_code == 404
    assert hub.client.post("/api/exports", json=[1]).status_code == 400
    assert {one["name"] for one in hub.client.get("/api/exports").json["items"]} >= {"coco", "csv"}
    for fields in ({"format": "x"}, {"layer": "x"}, {"classes": "a\n"}, {"x": "y"}, {"option": "a=b"}):
        assert (fields, send(hub, coco({}), **fields).status_code) == (fields, 400)
    headers = {"Authorization": f"Bearer {hub.token}"}
    assert hub.client.post("/api/imports", data={"format": "coco"}, headers=headers).status_code == 400
    assert hub.client.get("/api/imports/b1nothing", headers=headers).status_code == 404


ODD_BODIES: list[dict[str, Any]] = [
    {"type": "dwc:Assertion", "id": "urn:odd:1", "details": {"exchange": {"keypoints": said}}}
    for said in ([["a", "zzz", 1, 1]], [["a", None, [1], 1]], [["a", "nan", "inf", 2]], [["a", 10**18, "1e999", 2]])
]


def test_no_statement_keeps_an_export_from_its_end_or_its_xml_from_being_read(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    target = f"{hub.addresses.canvas(specimen.key, media.key)}#xywh=10,10,50,50"
    leaf = {"type": "TextualBody", "purpose": "classifying", "value": "le\x01af"}
    line = {"type": "TextualBody", "purpose": "transcribing", "value": "a\x02b]]>", "textGranularity": "line"}
    for bodies in ([leaf], [line], *([leaf, odd] for odd in ODD_BODIES)):
        assert hub.post(comment(target) | {"body": bodies}).status_code == 201
    for name in FORMATS:
        files = unzipped(hub.get(f"/api/exports?format={name}"))
        assert json.loads(files["losses.json"])["objects"]["asked"] == 6, name
        for file, data in files.items():
            if file.endswith((".xml", ".html", ".hocr")):
                parse(data.partition(b"?>")[2] if b"<!DOCTYPE" in data else data)
        if name in ("voc", "page", "alto", "hocr"):
            assert "a character that XML has no place for" in files["losses.json"].decode(), name


def test_a_file_that_cannot_be_read_ends_as_failed_with_the_sentence(hub: Hub) -> None:
    sent = send(hub, [1, 2])
    failed = do(hub, sent.json["key"])
    assert failed["state"] == "failed"
    assert "is no COCO file" in failed["reason"]
    lost = send(hub, coco({}))
    hub.runtime.blobs.delete(lost.json["sha256"])
    assert "send it again" in do(hub, lost.json["key"])["reason"]
    given_up = send(hub, coco({})).json["key"]
    with hub.runtime.db.begin() as session:
        import_jobs.give_up(session, given_up, "Given up: it broke.", at=hub.runtime.clock())
    assert do(hub, given_up)["reason"] == "Given up: it broke."


def test_the_page_brings_in_and_takes_along(hub: Hub) -> None:
    add_sheet(hub.runtime)
    person = add_person(hub.runtime, "ann", "curator")
    client = hub.client
    client.set_cookie(*person.cookie["Cookie"].split("=", 1))
    shown = client.get("/exchange?search=q%3Doak", headers=OUR_PAGE).text
    assert 'name="search" value="q=oak"' in shown
    assert "Bring in" in shown
    data = {"format": "coco", "file": (io.BytesIO(json.dumps(coco({}, {"category_id": 2})).encode()), "a.json")}
    made = client.post("/exchange/imports", data=data, headers=OUR_PAGE, content_type="multipart/form-data")
    assert made.status_code == 303
    where = made.headers["Location"]
    assert "look again" in client.get(where, headers=OUR_PAGE).text
    import_jobs.perform(hub.runtime, where.rpartition("/")[2])
    report = client.get(where, headers=OUR_PAGE).text
    assert "Take in 1" in report
    assert "twig" in report
    taken = client.post(f"{where}/accept", headers=OUR_PAGE)
    import_jobs.perform(hub.runtime, taken.headers["Location"].rpartition("/")[2])
    assert "by which all of it can be retracted" in client.get(taken.headers["Location"], headers=OUR_PAGE).text
    assert "a.json" in client.get("/exchange", headers=OUR_PAGE).text
    files = unzipped(client.get("/exchange/export.zip?format=coco&q=&kind=leaf&maxSide=", headers=OUR_PAGE))
    assert len(json.loads(files["annotations.json"])["annotations"]) == 1
    client.delete_cookie(person.cookie["Cookie"].split("=", 1)[0])
    assert client.get(where).status_code == 401
    assert "Bring in" not in client.get("/exchange").text
