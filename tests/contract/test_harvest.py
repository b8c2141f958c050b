"""What other servers publish becomes specimens, images and statements here, once; and what they take back is no more public."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from annotations import service as annotations
from app.cli.harvest import take
from app.cli.ingest import ingest_paths
from app.runtime import context
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.harvest.errors import HarvestUnderWay
from iiif.harvest.fetching import Rules
from iiif.image.masters import derivatives
from iiif.ingest.report import IngestReport
from tests import live
from tests.museum import Answer, Museum, museum
from tests.sheets import Hub, add_sheet, comment, make_hub

RULES = Rules(private=True, pause_s=0)
P3 = "http://iiif.io/api/presentation/3/context.json"
DWC = {"Scientific name": "Quercus robur L.", "Catalogue number": "BR 17", "Institution code": "BR", "Collector": "A. Muller"}


@pytest.fixture
def there() -> Iterator[Museum]:
    with museum() as found:
        yield found


def picture(text: str, size: tuple[int, int] = (320, 240)) -> bytes:
    image = Image.new("RGB", size, "ivory")
    ImageDraw.Draw(image).text((40, 40), text, fill="black")
    kept = io.BytesIO()
    image.save(kept, "JPEG")
    return kept.getvalue()


def manifest(there: Museum, name: str = "one", *, terms: dict[str, str] = DWC, pictures: int = 1, **more: Any) -> str:
    """A manifest of Presentation 3 with plain files; its address."""
    address = f"{there.address}/{name}/manifest.json"
    canvases = []
    for number in range(1, pictures + 1):
        there.things.setdefault(f"/{name}/{number}.jpg", picture(f"{name} {number}"))
        canvas = f"{there.address}/{name}/canvas/{number}"
        body = {
            "id": f"{there.address}/{name}/{number}.jpg",
            "type": "Image",
            "format": "image/jpeg",
            "width": 320,
            "height": 240,
        }
        painting = {"id": f"{canvas}/p", "type": "Annotation", "motivation": "painting", "body": body, "target": canvas}
        page = {"id": f"{canvas}/page", "type": "AnnotationPage", "items": [painting]}
        canvases.append(
            {"id": canvas, "type": "Canvas", "width": 640, "height": 480, "label": {"en": [str(number)]}, "items": [page]}
        )
    pairs = [{"label": {"en": [label]}, "value": {"none": [value]}} for label, value in terms.items()]
    there.things[f"/{name}/manifest.json"] = {
        "@context": P3,
        "id": address,
        "type": "Manifest",
        "label": {"en": [f"Sheet {name}"]},
        "metadata": pairs,
        "rights": "http://creativecommons.org/licenses/by/4.0/",
        "items": canvases,
        **more,
    }
    return address


def collection(there: Museum, *manifests: str, name: str = "all", **more: Any) -> str:
    items = [{"id": one, "type": "Manifest", "label": {"en": ["one"]}} for one in manifests]
    address = f"{there.address}/{name}.json"
    there.things[f"/{name}.json"] = {
        "@context": P3,
        "id": address,
        "type": "Collection",
        "label": {"en": ["all"]},
        "items": items,
        **more,
    }
    return address


def harvested(runtime: Runtime, address: str, rules: Rules = RULES) -> IngestReport:
    return take(runtime, address, rules, by=Principal.of_operator())


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.specimens_added, report.already_here, report.merged, report.refused


def codes(report: IngestReport) -> dict[str, int]:
    return dict(report.codes)


def specimens(runtime: Runtime) -> list[Any]:
    with runtime.reads.begin() as session:
        return list(catalogue.list_specimens(session, limit=100))


def images(runtime: Runtime, key: str) -> list[Any]:
    with runtime.reads.begin() as session:
        return list(catalogue.media_of(session, key))


def close(runtime: Runtime, media_key: str) -> None:
    with runtime.db.begin() as session:
        catalogue.set_access(session, media_key, "closed", by=Principal.of_operator(), at=runtime.clock())


def test_a_manifest_becomes_a_specimen_with_its_images_and_its_words_and_again_nothing(runtime: Runtime, there: Museum) -> None:
    address = manifest(there, pictures=2)
    report = harvested(runtime, address)
    assert counts(report) == (1, 0, 0, 0), report.readable()
    (specimen,) = specimens(runtime)
    assert specimen.interpreted["recordedBy"] == "A. Muller"
    assert specimen.interpreted["license"].endswith("/by/4.0/")
    assert specimen.verbatim["Collector"] == "A. Muller"
    assert (specimen.catalog_number, specimen.source) == ("BR 17", address)
    assert [image.file_name for image in images(runtime, specimen.key)] == ["1", "2"]
    asked = len(there.asked)
    again = harvested(runtime, address)
    assert counts(again) == (0, 1, 0, 0)
    assert (again.media_added, len(specimens(runtime)), len(there.asked) - asked) == (0, 1, 1)


def test_a_change_makes_a_version_a_new_picture_stands_beside_and_the_old_one_is_closed(runtime: Runtime, there: Museum) -> None:
    address = manifest(there, pictures=2)
    harvested(runtime, address)
    there.things["/one/2.jpg"] = picture("another one")
    manifest(there, terms={**DWC, "Collector": "B. Muller"}, pictures=2)
    report = harvested(runtime, address)
    assert counts(report) == (0, 0, 1, 0), report.readable()
    (specimen,) = specimens(runtime)
    assert (specimen.interpreted["recordedBy"], specimen.record_version) == ("B. Muller", 2)
    assert [image.access for image in images(runtime, specimen.key)] == ["open", "closed", "open"]


def test_what_a_collection_names_no_more_is_closed_and_comes_back(runtime: Runtime, there: Museum) -> None:
    first, second = manifest(there), manifest(there, "two", terms={**DWC, "Catalogue number": "BR 18"})
    address = collection(there, first, second)
    assert counts(harvested(runtime, address)) == (2, 0, 0, 0)
    collection(there, first)
    report = harvested(runtime, address)
    assert codes(report) == {"gone-at-source": 1}
    gone = next(one for one in specimens(runtime) if one.catalog_number == "BR 18")
    assert [image.access for image in images(runtime, gone.key)] == ["closed"]
    collection(there, first, second)
    harvested(runtime, address)
    assert [image.access for image in images(runtime, gone.key)] == ["open"]


def test_an_image_that_came_another_way_is_neither_closed_nor_opened_by_a_harvest(
    runtime: Runtime, there: Museum, tmp_path: Path
) -> None:
    (tmp_path / "BR_99.jpg").write_bytes(picture("one 1"))
    ingest_paths(runtime, [tmp_path / "BR_99.jpg"])
    (ours,) = specimens(runtime)
    (image,) = images(runtime, ours.key)
    address = collection(there, manifest(there))
    assert harvested(runtime, address).depictions_added == 1
    collection(there)
    assert codes(harvested(runtime, address)) == {"gone-at-source": 1}
    assert [one.access for one in images(runtime, ours.key)] == ["open"]
    close(runtime, image.key)
    collection(there, manifest(there))
    harvested(runtime, address)
    assert [one.access for one in images(runtime, ours.key)] == ["closed"]


def test_what_a_person_closed_stays_closed_when_its_manifest_comes_back(runtime: Runtime, there: Museum) -> None:
    address = collection(there, manifest(there))
    harvested(runtime, address)
    (specimen,) = specimens(runtime)
    collection(there)
    harvested(runtime, address)
    close(runtime, images(runtime, specimen.key)[0].key)
    collection(there, manifest(there))
    harvested(runtime, address)
    assert [one.access for one in images(runtime, specimen.key)] == ["closed"]


def test_a_picture_that_comes_back_is_open_again(runtime: Runtime, there: Museum) -> None:
    address = manifest(there, pictures=2)
    harvested(runtime, address)
    (specimen,) = specimens(runtime)
    for pictures, expected in ((1, ["open", "closed"]), (2, ["open", "open"])):
        manifest(there, pictures=pictures)
        harvested(runtime, address)
        assert [image.access for image in images(runtime, specimen.key)] == expected


def test_a_picture_that_was_not_had_is_asked_for_again_and_the_one_before_stays_open(runtime: Runtime, there: Museum) -> None:
    address = manifest(there, pictures=2)
    kept = there.things.pop("/one/2.jpg")
    assert codes(harvested(runtime, address)) == {"cannot-fetch": 1}
    there.things["/one/2.jpg"] = kept
    assert harvested(runtime, address).media_added == 1
    assert counts(harvested(runtime, address)) == (0, 1, 0, 0)
    manifest(there, pictures=2, summary={"en": ["changed"]})
    there.things["/one/2.jpg"] = lambda _: (500, {}, b"")
    assert codes(harvested(runtime, address)) == {"cannot-fetch": 1}
    assert [image.access for image in images(runtime, specimens(runtime)[0].key)] == ["open", "open"]


def test_what_is_said_comes_in_by_the_next_round_where_a_page_could_not_be_read_or_the_round_was_killed(
    runtime: Runtime, there: Museum, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, page = manifest(there), f"{there.address}/one/said.json"
    there.things["/one/manifest.json"]["items"][0]["annotations"] = [{"id": page, "type": "AnnotationPage"}]  # type: ignore[index, call-overload]
    assert codes(harvested(runtime, address)) == {"not-represented": 1}
    said = {**comment(f"{there.address}/one/canvas/1#xywh=64,48,128,96"), "id": f"{there.address}/said/1"}
    there.things["/one/said.json"] = {"@context": P3, "id": page, "type": "AnnotationPage", "items": [said]}
    with monkeypatch.context() as patched:
        patched.setattr("annotations.harvested.service.take_in", _killed)
        with pytest.raises(KeyboardInterrupt):
            harvested(runtime, address)
    harvested(runtime, address)
    (image,) = images(runtime, specimens(runtime)[0].key)
    assert len(_statements(make_hub(runtime), image.key)) == 1


def test_a_source_is_harvested_by_one_at_a_time(runtime: Runtime, there: Museum) -> None:
    address, asked = manifest(there), there.things["/one/manifest.json"]
    refused: list[str] = []

    def while_it_runs(_: dict[str, str]) -> Answer:
        try:
            harvested(runtime, address)
        except HarvestUnderWay as error:
            refused.append(str(error))
        return 200, {}, json.dumps(asked).encode()

    there.things["/one/manifest.json"] = while_it_runs
    assert counts(harvested(runtime, address)) == (1, 0, 0, 0)
    assert len(refused) == 1


def test_what_one_source_names_is_not_gone_for_another_that_named_it_before(runtime: Runtime, there: Museum) -> None:
    first = collection(there, manifest(there))
    harvested(runtime, first)
    kept, second = there.things["/all.json"], collection(there, manifest(there), name="other")

    def meanwhile(_: dict[str, str]) -> Answer:
        """The other source names it after this one has."""
        assert counts(harvested(runtime, second)) == (0, 1, 0, 0)
        return 200, {}, json.dumps({**kept, "items": []}).encode()  # type: ignore[dict-item]

    there.things["/page.json"] = meanwhile
    there.things["/all.json"] = {**kept, "next": f"{there.address}/page.json"}  # type: ignore[dict-item]
    assert codes(harvested(runtime, first)) == {}


def test_a_manifest_that_is_named_and_cannot_be_had_is_not_gone(runtime: Runtime, there: Museum) -> None:
    first, second = manifest(there), manifest(there, "two", terms={**DWC, "Catalogue number": "BR 18"})
    address = collection(there, first, second)
    harvested(runtime, address)
    for answer in ((500, {}, b""), (200, {}, b"<html>")):
        there.things["/two/manifest.json"] = lambda _, given=answer: given  # type: ignore[misc]
        report = harvested(runtime, address)
        assert (counts(report), "gone-at-source" in codes(report)) == ((0, 1, 0, 1), False)
        assert [[image.access for image in images(runtime, one.key)] for one in specimens(runtime)] == [["open"], ["open"]]


def test_a_manifest_whose_pictures_are_closed_at_its_source_is_closed_here(runtime: Runtime, there: Museum) -> None:
    address = activities(there, ("Create", manifest(there), "2026-01-01T00:00:00Z"))
    harvested(runtime, address)
    there.things["/one/manifest.json"]["items"][0]["items"] = []  # type: ignore[index, call-overload]
    activities(there, ("Update", f"{there.address}/one/manifest.json", "2026-01-02T00:00:00Z"))
    assert codes(harvested(runtime, address)) == {"gone-at-source": 1}
    assert [image.access for image in images(runtime, specimens(runtime)[0].key)] == ["closed"]
    activities(there, ("Update", manifest(there), "2026-01-03T00:00:00Z"))
    harvested(runtime, address)
    assert [image.access for image in images(runtime, specimens(runtime)[0].key)] == ["open"]


def test_nothing_is_withdrawn_where_a_part_of_a_collection_cannot_be_read(runtime: Runtime, there: Museum) -> None:
    below = collection(there, manifest(there), name="below")
    address = collection(there, name="top", items=[{"id": below, "type": "Collection"}])
    harvested(runtime, address)
    del there.things["/below.json"]
    report = harvested(runtime, address)
    assert codes(report) == {"cannot-fetch": 1}
    assert [image.access for image in images(runtime, specimens(runtime)[0].key)] == ["open"]


def test_manifests_of_one_bare_number_are_two_specimens(runtime: Runtime, there: Museum) -> None:
    first, second = (manifest(there, name, terms={"Catalogue number": "1"}) for name in ("one", "two"))
    assert counts(harvested(runtime, collection(there, first, second))) == (2, 0, 0, 0)


def test_a_manifest_of_a_known_specimen_joins_it_and_one_that_says_otherwise_is_refused(runtime: Runtime, there: Museum) -> None:
    harvested(runtime, manifest(there))
    joined = harvested(runtime, manifest(there, "two"))
    assert counts(joined) == (0, 0, 1, 0), joined.readable()
    other = harvested(runtime, manifest(there, "three", terms={**DWC, "Collector": "Somebody else"}))
    assert codes(other) == {"duplicate-by-catalog-number": 1}
    assert other.refused == 1
    assert len(images(runtime, specimens(runtime)[0].key)) == 2


def activities(there: Museum, *changes: tuple[str, str, str]) -> str:
    """Pages of two activities each, oldest first; each a type, a manifest and a time."""
    pages = [changes[start : start + 2] for start in range(0, len(changes), 2)]
    for number, page in enumerate(pages):
        items = [{"type": kind, "object": {"id": iri, "type": "Manifest"}, "endTime": at} for kind, iri, at in page]
        before = {"prev": {"id": f"{there.address}/page-{number - 1}", "type": "OrderedCollectionPage"}} if number else {}
        there.things[f"/page-{number}"] = {"type": "OrderedCollectionPage", "orderedItems": items, **before}
    last = {"id": f"{there.address}/page-{len(pages) - 1}", "type": "OrderedCollectionPage"}
    there.things["/changes"] = {"type": "OrderedCollection", "last": last}
    return f"{there.address}/changes"


def test_a_list_of_changes_is_read_backwards_and_only_what_is_new_the_next_time(runtime: Runtime, there: Museum) -> None:
    first, second = manifest(there), manifest(there, "two", terms={**DWC, "Catalogue number": "BR 18"})
    told = [
        ("Create", first, "2026-01-01T00:00:00Z"),
        ("Create", second, "2026-01-02T00:00:00Z"),
        ("Update", first, "2026-01-03T00:00:00Z"),
    ]
    address = activities(there, *told)
    assert counts(harvested(runtime, address)) == (2, 0, 0, 0)
    assert there.asked.count("/one/manifest.json") == 1
    there.asked.clear()
    deleted = ("Delete", second, "2026-01-04T00:00:00Z")
    activities(there, ("Create", first, "2025-01-01T00:00:00Z"), ("Create", second, "2025-01-02T00:00:00Z"), *told[1:], deleted)
    report = harvested(runtime, address)
    assert codes(report) == {"gone-at-source": 1}
    assert "/page-0" not in there.asked


def test_changes_behind_a_page_that_could_not_be_read_are_read_the_next_time(runtime: Runtime, there: Museum) -> None:
    told = [(name, manifest(there, name, terms={**DWC, "Catalogue number": f"BR {name}"})) for name in ("one", "two", "three")]
    address = activities(there, *(("Create", iri, f"2026-01-0{day}T00:00:00Z") for day, (_, iri) in enumerate(told, 1)))
    kept = there.things.pop("/page-0")
    assert counts(harvested(runtime, address)) == (1, 0, 0, 0)
    there.things["/page-0"] = kept
    assert counts(harvested(runtime, address)) == (2, 1, 0, 0)


def test_a_change_of_the_future_hides_none_of_those_that_come_before_it(runtime: Runtime, there: Museum) -> None:
    first, second = manifest(there), manifest(there, "two", terms={**DWC, "Catalogue number": "BR 18"})
    address = activities(there, ("Create", first, "9998-01-01T00:00:00Z"))
    assert counts(harvested(runtime, address)) == (1, 0, 0, 0)
    activities(there, ("Create", first, "0001-01-01T00:00:00+14:00"), ("Create", second, "2100-01-01T00:00:00Z"))
    assert counts(harvested(runtime, address)) == (1, 1, 0, 0)


def test_a_manifest_that_could_not_be_had_is_asked_for_again(runtime: Runtime, there: Museum) -> None:
    first, second = manifest(there), manifest(there, "two", terms={**DWC, "Catalogue number": "BR 18"})
    kept = there.things.pop("/one/manifest.json")
    address = activities(there, ("Create", first, "2026-01-01T00:00:00Z"), ("Create", second, "2026-01-02T00:00:00Z"))
    assert counts(harvested(runtime, address)) == (1, 0, 0, 1)
    there.things["/one/manifest.json"] = kept
    assert counts(harvested(runtime, address)) == (1, 1, 0, 0)


def test_statements_come_along_with_their_words_creators_and_places(runtime: Runtime, there: Museum) -> None:
    address = manifest(there)
    canvas, page = f"{there.address}/one/canvas/1", f"{there.address}/one/said.json"
    said = {
        "id": f"{there.address}/said/1",
        "type": "Annotation",
        "motivation": "commenting",
        "creator": {"id": "https://orcid.org/0000-0002-1825-0097", "type": "Person"},
        "body": {"type": "TextualBody", "value": "A galled leaf", "language": "en"},
        "target": f"{canvas}#xywh=64,48,128,96",
    }
    there.things["/one/said.json"] = {"@context": P3, "id": page, "type": "AnnotationPage", "items": [said]}
    there.things["/one/manifest.json"]["items"][0]["annotations"] = [{"id": page, "type": "AnnotationPage"}]  # type: ignore[index, call-overload]
    report = harvested(runtime, address)
    assert not report.entries, report.readable()
    (specimen,) = specimens(runtime)
    (image,) = images(runtime, specimen.key)
    assert image.state == "ready"
    hub = make_hub(runtime)
    (one,) = _statements(hub, image.key)
    assert one["creator"] == said["creator"]
    assert one["via"] == [said["id"]]
    assert one["target"] == f"{runtime.addresses.canvas(specimen.key, image.key)}#xywh=32,24,64,48"
    harvested(runtime, address)
    assert len(_statements(hub, image.key)) == 1
    there.things["/one/said.json"]["items"] = []  # type: ignore[index, call-overload]
    there.things["/one/manifest.json"]["summary"] = {"en": ["changed"]}  # type: ignore[index, call-overload]
    harvested(runtime, address)
    assert _statements(hub, image.key) == []


def test_odd_statements_are_left_out_and_the_others_come_in(runtime: Runtime, there: Museum) -> None:
    address, page = manifest(there), f"{there.address}/one/said.json"
    canvas = f"{there.address}/one/canvas/1"
    there.things["/one/manifest.json"]["items"][0]["annotations"] = [{"id": page, "type": "AnnotationPage"}]  # type: ignore[index, call-overload]
    specimen, (ours,) = add_sheet(runtime)
    elsewhere = runtime.addresses.canvas(specimen.key, ours.key)
    targets = [
        elsewhere,
        [canvas, elsewhere],
        f"{canvas}#xywh=1..2,3,4,5",
        {"source": 5},
        [[[canvas]]],
        None,
        f"{canvas}#xywh=64,48,128,96",
    ]
    said: list[Any] = [{**comment(canvas), "id": f"{page}/{number}", "target": one} for number, one in enumerate(targets)]
    there.things["/one/said.json"] = {"type": "AnnotationPage", "items": [*said, 7, "x"], "next": 5}
    report = harvested(runtime, address)
    (image,) = (one for each in specimens(runtime) for one in images(runtime, each.key) if one.key != ours.key)
    hub = make_hub(runtime)
    (one,) = _statements(hub, image.key)
    assert (one["via"], _statements(hub, ours.key)) == ([f"{page}/6"], [])
    assert codes(report) == {"not-represented": 7}, report.readable()


def test_no_manifest_touches_the_statements_that_another_one_brought(runtime: Runtime, there: Museum) -> None:
    first, second = manifest(there), manifest(there, "two", terms={**DWC, "Catalogue number": "BR 18"})
    said = {**comment(f"{there.address}/one/canvas/1"), "id": f"{there.address}/said/1"}
    for name, page in (("one", [said]), ("two", [{**said, "target": f"{there.address}/two/canvas/1"}])):
        pages = [{"id": f"{there.address}/{name}/page", "type": "AnnotationPage", "items": page}]
        there.things[f"/{name}/manifest.json"]["items"][0]["annotations"] = pages  # type: ignore[index, call-overload]
    harvested(runtime, first)
    (image,) = images(runtime, specimens(runtime)[0].key)
    assert codes(harvested(runtime, second)) == {"not-represented": 1}
    canvas = there.things["/two/manifest.json"]["items"][0]  # type: ignore[index, call-overload]
    canvas["id"], canvas["annotations"][0]["items"] = f"{there.address}/one/canvas/1", []
    harvested(runtime, second)
    assert [one["via"] for one in _statements(make_hub(runtime), image.key)] == [[said["id"]]]


def test_two_hubs_harvest_each_other_and_the_circle_ends(runtime: Runtime, tmp_path: Path) -> None:
    """B has a sheet of its own with a statement; A takes it from B with the original file, and B takes nothing back from A."""
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "BR_17.jpg").write_bytes(picture("a sheet"))
    with live.web(tmp_path / "b") as b:
        ingest_paths(b.runtime, [tmp_path / "sheets"])
        (theirs,) = specimens(b.runtime)
        (image,) = images(b.runtime, theirs.key)
        derivatives.derive(b.runtime, image.key, patient=False)
        canvas = b.runtime.addresses.canvas(theirs.key, image.key)
        with b.runtime.db.begin() as session:
            said = comment(f"{canvas}#xywh=10,10,50,50")
            annotations.create(session, said, by=Principal.of_system(), addresses=b.runtime.addresses, at=b.runtime.clock())
        context.use(runtime)
        report = harvested(runtime, b.runtime.addresses.collection("top"))
        assert counts(report) == (1, 0, 0, 0), report.readable()
        assert not report.entries, report.readable()
        (ours,) = specimens(runtime)
        (copy,) = images(runtime, ours.key)
        assert (copy.sha256, ours.verbatim) == (image.sha256, theirs.verbatim)
        hub = make_hub(runtime)
        (one,) = _statements(hub, copy.key)
        assert [body["value"] for body in one["body"]] == ["A galled leaf"], one
        assert one["via"][0].startswith(b.url)
        shown = hub.get(hub.addresses.manifest(ours.key)).json
        with museum() as a:
            a.things["/manifest.json"] = {**shown, "id": f"{a.address}/manifest.json"}
            context.use(b.runtime)
            back = harvested(b.runtime, f"{a.address}/manifest.json")
        assert codes(back) == {"harvested-already": 1}
        assert len(specimens(b.runtime)) == 1


def test_a_hub_of_an_inner_network_is_not_asked_unless_that_is_allowed(runtime: Runtime, there: Museum) -> None:
    address = manifest(there)
    report = harvested(runtime, address, Rules())
    assert (codes(report), there.asked) == ({"cannot-fetch": 1}, [])


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


def _statements(hub: Hub, media_key: str) -> list[dict[str, Any]]:
    found = []
    for layer in ("people", "machine"):
        page = hub.get(f"{hub.addresses.base}/canvases/{media_key}/annotations/{layer}.json").json
        assert page is not None
        for one in page["items"]:
            document = hub.get(one["id"], Accept="application/ld+json").json
            assert document is not None
            found.append(document)
    return found
