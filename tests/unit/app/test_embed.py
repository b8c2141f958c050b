"""The page for frames, oEmbed and what a specimen's page offers to share, as programs get them."""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from werkzeug.test import TestResponse

from annotations import service as annotations
from app import compose
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from app.web import create_app
from iiif.catalogue import service as catalogue
from iiif.presentation.content_state import ContentState, encode
from tests.sheets import Hub, add_sheet, comment, make_hub

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
SQUARE = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M100,100 L300,100 L300,400 Z"/></svg>'


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


def frame(hub: Hub, path: str, status: int = 200) -> TestResponse:
    answer = hub.client.get(path, headers={"Accept": BROWSER, "Cookie": "lectotype=something"})
    assert answer.status_code == status, answer.text[:500]
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", ""), "no cookie is read"
    return answer


def scene(answer: TestResponse) -> Any:
    found = re.search(r'<script type="application/json" id="scene">(.*?)</script>', answer.text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def say(hub: Hub, target: Any, text: str) -> str:
    answer = hub.post(comment(target, text))
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"]).rpartition("/")[2]


def close(hub: Hub, media_key: str) -> None:
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, media_key, "closed", by=Principal.of_system(), at=hub.runtime.clock())


def test_a_frame_shows_picture_identifier_citation_and_what_is_said(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    canvas = hub.addresses.canvas(specimen.key, media.key)
    shaped = say(hub, {"source": canvas, "selector": {"type": "SvgSelector", "value": SQUARE}}, "A <b>torn</b> leaf")
    whole = say(hub, canvas, "A fine sheet")
    answer = frame(hub, f"/embed/{specimen.key}?xywh=10,20,300,400")
    assert hub.addresses.pid(specimen.key) in answer.text
    assert "Quercus robur L." in answer.text
    assert '<p class="cite">Lectotype, Quercus robur L., catalogue number BR 0001' in answer.text
    assert "A &lt;b&gt;torn&lt;/b&gt; leaf" in answer.text
    assert "A fine sheet" in answer.text
    shown = scene(answer)
    assert shown["box"] == [10, 20, 300, 400]
    assert shown["shapes"] == [[shaped, "people", "M100,100 L300,100 L300,400 Z", False]]
    assert whole in answer.text
    assert shown["info"] == f"{hub.addresses.image(media.key)}/info.json"
    without = frame(hub, f"/embed/{specimen.key}?annotations=none")
    assert scene(without)["shapes"] == []
    assert "A fine sheet" not in without.text
    assert "A fine sheet" not in frame(hub, f"/embed/{specimen.key}?annotations=machine").text


def test_who_may_frame_what(hub: Hub, settings: Settings) -> None:
    specimen, _ = add_sheet(hub.runtime)
    assert "frame-ancestors *" in frame(hub, f"/embed/{specimen.key}").headers["Content-Security-Policy"]
    for path in ("/", f"/specimens/{specimen.key}", "/runs", "/nowhere"):
        said = hub.client.get(path, headers={"Accept": BROWSER}).headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in said, path
    for path in ("/login", "/join?code=x"):
        said = hub.client.get(path, headers={"Accept": BROWSER}).headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in said, path
    other = compose.build(settings.with_(embed_ancestors="https://museum.example  https://*.museum.example"))
    policy = create_app(other).test_client().get(f"/embed/{specimen.key}", headers={"Accept": BROWSER}).headers
    assert policy["Content-Security-Policy"].endswith("frame-ancestors https://museum.example https://*.museum.example")


@pytest.mark.parametrize("value", ["", "* 'self'", "museum.example", "https://a.example; script-src *", "javascript:1"])
def test_nonsense_ancestors_are_refused(value: str, settings: Settings) -> None:
    with pytest.raises(ValueError, match="embed_ancestors"):
        settings.with_(embed_ancestors=value)


def test_a_content_state_opens_its_place_and_foreign_ones_do_not(hub: Hub) -> None:
    specimen, (first, second) = add_sheet(hub.runtime, sizes=((4000, 6000), (1000, 800)))
    manifest, canvas = hub.addresses.manifest(specimen.key), hub.addresses.canvas(specimen.key, second.key)
    state = encode(ContentState(manifest, canvas, "1,2,30,40"))
    shown = scene(frame(hub, f"/embed?iiif-content={state}"))
    assert (shown["info"], shown["box"]) == (f"{hub.addresses.image(second.key)}/info.json", [1, 2, 30, 40])
    for iri in (manifest, hub.addresses.pid(specimen.key), hub.addresses.specimen_page(specimen.key)):
        shown = scene(frame(hub, f"/embed?iiif-content={quote(iri, safe='')}"))
        assert shown["info"] == f"{hub.addresses.image(first.key)}/info.json"
    assert "own specimens alone" in frame(hub, "/embed?iiif-content=https://elsewhere.example/manifest", 404).text
    frame(hub, "/embed?iiif-content=!!", 400)
    frame(hub, "/embed", 400)


def test_canvases_are_chosen_by_address_or_key_and_lead_to_one_another(hub: Hub) -> None:
    specimen, (first, second) = add_sheet(hub.runtime, sizes=((4000, 6000), (1000, 800)))
    page = frame(hub, f"/embed/{specimen.key}?annotations=people&lang=de")
    assert f"/embed/{specimen.key}?canvas={second.key}&lang=de&annotations=people" in unescape(page.text)
    assert "Bild 1 von 2" in page.text
    assert '<html lang="de">' in page.text
    for named in (second.key, quote(hub.addresses.canvas(specimen.key, second.key), safe="")):
        page = frame(hub, f"/embed/{specimen.key}?canvas={named}")
        assert scene(page)["width"] == 1000
        assert f"canvas={first.key}" in page.text
    frame(hub, f"/embed/{specimen.key}?canvas=m1nothing", 404)
    for words in ("xywh=1,2,3", "xywh=1,2,0,4", "annotations=everything", "annotations=none,people"):
        assert frame(hub, f"/embed/{specimen.key}?{words}", 400).text.count(words.partition("=")[0])
    frame(hub, "/embed/s1nothing", 404)


def test_what_is_closed_shows_a_link_to_the_hub_and_nothing_else(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    say(hub, hub.addresses.canvas(specimen.key, media.key), "Secret words")
    close(hub, media.key)
    for headers in ({}, {"Authorization": f"Bearer {hub.token}"}):
        answer = hub.client.get(f"/embed/{specimen.key}", headers={"Accept": BROWSER, **headers})
        assert answer.status_code == 401
        assert f'<a href="{hub.addresses.specimen_page(specimen.key)}" target="_top">' in answer.text
        assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
        assert "Secret words" not in answer.text
        assert media.file_name not in answer.text
    assert "Share and embed" not in hub.client.get(f"/specimens/{specimen.key}", headers={"Accept": BROWSER}).text


def test_of_many_statements_so_many_are_drawn_and_all_are_counted(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.embed.shapes.MOST", 3)
    monkeypatch.setattr("app.web.embed.shapes.LONGEST_PATH", 30)
    specimen, (media,) = add_sheet(hub.runtime)
    canvas = hub.addresses.canvas(specimen.key, media.key)
    for number in range(5):
        say(
            hub,
            {"source": canvas, "selector": {"type": "SvgSelector", "value": SQUARE.replace("Z", "L200,350 L150,150 Z")}},
            f"Leaf {number}",
        )
    page = frame(hub, f"/embed/{specimen.key}")
    assert len(scene(page)["shapes"]) == 3
    assert {shape[2] for shape in scene(page)["shapes"]} == {"M100.0,100.0 H300.0 V400.0 H100.0 Z"}, "of long paths the box"
    assert "the first 3 of 5" in page.text


def test_an_error_in_a_frame_is_json_for_programs(hub: Hub) -> None:
    answer = hub.client.get("/embed/s1nothing", headers={"Accept": "application/json"})
    assert answer.mimetype == "application/problem+json"


def test_oembed_answers_what_consumers_need(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime, terms={"scientificName": 'Quercus "robur" <L.>', "institutionCode": "BR"})
    page = hub.addresses.specimen_page(specimen.key)
    for url in (page, f"{page}?q=a#findings", hub.addresses.pid(specimen.key), f"{hub.addresses.base}/embed/{specimen.key}",
                hub.addresses.manifest(specimen.key), page.replace("http://", "https://")):  # fmt: skip
        answer = hub.client.get(f"/oembed?{urlencode({'url': url})}")
        assert answer.status_code == 200, url
        assert answer.mimetype == "application/json"
        body: Any = answer.json
        assert (body["type"], body["version"], body["width"], body["height"]) == ("rich", "1.0", 800, 700)
    assert body["title"] == 'Quercus "robur" <L.>, BR 0001'
    assert body["author_name"] == "BR"
    frame_of = re.fullmatch(r"<iframe ([^<>]*)></iframe>", body["html"])
    assert frame_of is not None, "one frame and nothing else, with all that is foreign escaped"
    assert f'src="{hub.addresses.base}/embed/{specimen.key}"' in frame_of[1]
    assert body["thumbnail_url"].startswith(hub.addresses.image(media.key))
    narrow: Any = hub.client.get(f"/oembed?{urlencode({'url': page, 'maxwidth': 320, 'maxheight': 240})}").json
    assert (narrow["width"], narrow["height"]) == (320, 240)
    assert 'width="320" height="240"' in narrow["html"]
    assert "thumbnail_url" not in narrow, "none that is larger than was asked for"


def test_oembed_refuses_as_the_protocol_says(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    page = hub.addresses.specimen_page(specimen.key)
    for asked, status in (
        ({"url": "https://elsewhere.example/specimens/1"}, 404),
        ({"url": hub.addresses.specimen_page("s1nothing")}, 404),
        ({"url": f"{hub.addresses.base}/runs"}, 404),
        ({"url": page, "format": "xml"}, 501),
        ({}, 400),
        ({"url": page, "maxwidth": "wide"}, 400),
    ):
        assert hub.client.get(f"/oembed?{urlencode(asked)}").status_code == status, asked
    close(hub, media.key)
    assert hub.client.get(f"/oembed?{urlencode({'url': page})}").status_code == 401


def test_the_page_of_a_specimen_says_how_to_embed_it(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    answer = hub.client.get(f"/specimens/{specimen.key}", headers={"Accept": BROWSER})
    link = re.search(r'<link rel="alternate" type="application/json\+oembed" href="([^"]+)"', answer.text)
    assert link is not None
    address = unescape(link[1])
    assert f'<{address}>; rel="alternate"; type="application/json+oembed"' in answer.headers.getlist("Link")
    assert hub.get(address).status_code == 200
    text = unescape(answer.text)
    assert f'<iframe src="{hub.addresses.base}/embed/{specimen.key}"' in text
    assert f'<script async src="{hub.addresses.base}/embed.js"></script>' in text
    manifest = quote(hub.addresses.manifest(specimen.key), safe="")
    canvas = quote(hub.addresses.canvas(specimen.key, media.key), safe="")
    assert f"?manifest={manifest}&canvas={canvas}&iiif-content={manifest}" in text


def test_statements_that_were_deleted_are_not_in_the_frame(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    key = say(hub, hub.addresses.canvas(specimen.key, media.key), "Gone by now")
    with hub.runtime.db.begin() as session:
        annotations.delete(session, key, by=Principal.of_system(), at=hub.runtime.clock())
    assert "Gone by now" not in frame(hub, f"/embed/{specimen.key}").text


def test_a_segment_is_embedded_shared_and_named_by_content_states(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime, sizes=((1000, 1500),))
    canvas = hub.addresses.canvas(specimen.key, media.key)
    with hub.runtime.db.begin() as session:
        said = comment({"source": canvas, "selector": {"type": "FragmentSelector", "value": "xywh=100,200,300,150"}}, "Carex")
        how: Any = {"addresses": hub.addresses, "at": hub.runtime.clock(), "run_key": "x1", "kind": "label"}
        annotations.create_machine(session, said, media=media, **how)
    (segment,) = hub.get("/api/segments").json["items"]
    key, pid, own = segment["key"], segment["id"], segment["links"]["canvas"]
    say(hub, f"{canvas}#xywh=600,600,50,50", "elsewhere")
    say(hub, f"{own}#xywh=10,20,30,40", "on the label")
    answer = frame(hub, f"/embed/{key}?xywh=1,2,3,4")
    shown = scene(answer)
    assert (shown["width"], shown["height"], shown["box"]) == (300, 150, [1, 2, 3, 4])
    assert shown["info"].endswith(f"{media.key}:100,200,300,150/info.json")
    assert "on the label" in answer.text
    assert "elsewhere" not in answer.text
    paths = [path for _, _, path, _ in shown["shapes"]]
    assert any(path.replace(" ", ",").startswith(("M10,20", "M10.0,20.0")) for path in paths), paths
    assert pid in answer.text
    assert "Label on: " in answer.text
    assert f'href="{hub.addresses.segment_page(key)}"' in answer.text
    for named in (hub.addresses.segment_page(key), pid, hub.addresses.manifest(key), own, f"{hub.addresses.base}/embed/{key}"):
        told = hub.client.get("/oembed", query_string={"url": named, "maxwidth": 400})
        assert told.status_code == 200, (named, told.json)
        assert f'src="{hub.addresses.base}/embed/{key}"' in told.json["html"], named
        assert told.json["title"].startswith("Label on Quercus robur")
    state = encode(ContentState(hub.addresses.manifest(key), own, "5,6,70,80"))
    there = scene(frame(hub, f"/embed?{urlencode({'iiif-content': state})}"))
    assert (there["width"], there["box"]) == (300, [5, 6, 70, 80])
    sent = hub.client.get(f"/specimens/{specimen.key}?{urlencode({'iiif-content': state})}", headers={"Accept": BROWSER})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/segments/{key}")
    page = hub.client.get(f"/segments/{key}", headers={"Accept": BROWSER})
    assert "application/json+oembed" in ", ".join(page.headers.getlist("Link"))
    assert f"https://projectmirador.org/embed/?iiif-content={hub.addresses.manifest(key)}" in page.text
    assert unescape(page.text).count(f"/embed/{key}") >= 3
    frame(hub, f"/embed/{key}?canvas={quote(canvas)}", 404)
    frame(hub, "/embed/r1bcdfghjkmn", 404)
    close(hub, media.key)
    assert pid not in frame(hub, f"/embed/{key}", 401).text
    assert hub.client.get("/oembed", query_string={"url": pid}).status_code == 401
