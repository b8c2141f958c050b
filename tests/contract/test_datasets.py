"""Datasets: frozen once, the same for ever, on both databases."""

import hashlib
import itertools
import json
import subprocess
import sys
import threading
import uuid
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import insert, select

from annotations import service as statements
from annotations.datasets import actors, canonical, differences, drafts, freezing, manifest, service, splitting, store, verifying
from annotations.datasets.errors import BadDataset, BeingFrozen, IndexLags, NothingToFreeze, WithdrawnVersion
from annotations.datasets.model import SplitRule, Version
from annotations.datasets.tables import DatasetImageRow, DatasetVersionRow
from annotations.search import consistency
from app import compose
from app.fsck import Check
from app.runtime import context
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY
from app.runtime.settings import Settings
from app.schema import METADATA
from iiif.catalogue import service as catalogue
from tests.datasets import SYSTEM, add, freeze, index, make
from tests.sheets import Hub, comment

BOTH = pytest.mark.parametrize("settings", ["sqlite", "postgresql"], indirect=True)
OAKS = {"selection": {"q": "Quercus"}}


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """On SQLite; a test that is marked BOTH on PostgreSQL, too."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return settings
    return settings.with_(database_url=request.getfixturevalue("migrated_url"))


@pytest.fixture
def oaks(hub: Hub) -> Runtime:
    """Three oaks, of which two are of one gathering, and a beech; each with a note on its image."""
    runtime = hub.runtime
    gathering = {"recordedBy": "A. Braun", "recordNumber": "12"}
    sheets = [add(runtime, "Q 1", gathering), add(runtime, "Q 2", gathering), add(runtime, "Q 3", images=2)]
    sheets.append(add(runtime, "F 1", {"scientificName": "Fagus sylvatica L."}))
    for specimen, images in sheets:
        assert hub.post(comment(hub.addresses.canvas(specimen.key, images[0].key))).status_code == 201
    return runtime


def lines(runtime: Runtime, version: Version) -> list[dict[str, Any]]:
    with runtime.reads.begin() as session:
        naan = runtime.settings.naan
        return [json.loads(line) for line in manifest.lines(session, version.key, version.number, version.told, naan)]


def frozen(runtime: Runtime, **said: Any) -> Version:
    made = freeze(runtime, make(runtime, **(said or OAKS)).key)
    assert made is not None
    return made


def compared(runtime: Runtime, earlier: Version, later: Version) -> differences.Comparison:
    with runtime.reads.begin() as session:
        return differences.compare(session, earlier, later)


def faults(runtime: Runtime, version: Version, **how: Any) -> list[str]:
    return [one.sentence for one in verifying.verify(runtime, version.key, version.number, **how) if one.fault]


def test_a_version_holds_what_answers_the_question_and_no_more(oaks: Runtime) -> None:
    version = frozen(oaks)
    head, *members = lines(oaks, version)
    assert head["type"] == "dataset"
    assert Counter(one["type"] for one in members) == {"image": 4, "annotation": 3}
    assert (version.summary["images"], version.summary["specimens"], version.summary["annotations"]) == (4, 3, 3)
    assert version.summary["licences"] == [{"licence": "http://creativecommons.org/licenses/by/4.0/", "said": "", "images": 4}]
    assert members == sorted(members, key=lambda one: (one["type"] != "image", one["id"].encode()))
    for one in members:
        if one["type"] == "image":
            with oaks.blobs.open(one["sha256"]) as stream:
                assert hashlib.sha256(stream.read()).hexdigest() == one["sha256"]
    assert "lectotype.test" not in json.dumps(members)


@BOTH
def test_freezing_again_without_a_change_makes_no_version(oaks: Runtime) -> None:
    first = frozen(oaks)
    assert freeze(oaks, first.key) is None
    with oaks.reads.begin() as session:
        assert [one.number for one in service.versions(session, first.key, limit=9)] == [1]
        assert session.scalars(select(DatasetImageRow.number).distinct()).all() == [1]
    assert frozen(oaks).content_id == first.content_id  # another dataset of the same question


def test_a_changed_annotation_is_the_one_line_that_differs(hub: Hub, oaks: Runtime) -> None:
    first = frozen(oaks)
    with oaks.reads.begin() as session:
        one = next(store.annotations(session, first.key, 1))
        standing = statements.get(session, one.annotation_key, by=NOBODY)
    document = {**standing.document, "body": {"type": "TextualBody", "value": "Two galls"}}
    said = hub.write("PUT", hub.addresses.annotation(standing.key), document, If_Match=f'"{standing.etag}"')
    assert said.status_code == 200, said.text
    second = freeze(oaks, first.key)
    assert second is not None
    assert second.number == 2
    assert second.previous == 1
    before, after = lines(oaks, first), lines(oaks, second)
    assert [(a["id"], b["version"]) for a, b in zip(before, after, strict=True) if a != b] == [(standing.key, 2)]
    told = compared(oaks, first, second).to_json()
    assert told["annotations"] == {"added": 0, "removed": 0, "changed": 1}
    assert told["images"] == {"added": 0, "removed": 0, "changed": 0}
    assert told["differences"] == [{"of": "annotation", "how": "changed", "key": standing.key, "what": ["version"]}]


def test_the_content_id_is_the_same_on_both_databases_and_engines(
    oaks: Runtime, migrated_url: str, elasticsearch_url: str
) -> None:
    first = frozen(oaks)
    address = {"database_url": migrated_url, "search_url": elasticsearch_url, "search_index": f"datasets-{uuid.uuid4().hex}"}
    other = compose.build(oaks.settings.with_(**address))
    try:
        with oaks.reads.begin() as here, other.db.begin() as there:
            for table in METADATA.sorted_tables:
                rows = [] if table.name.startswith("dataset") else here.execute(select(table)).mappings().all()
                if rows:
                    there.execute(insert(table), [dict(row) for row in rows])
        with other.reads.begin() as session:
            consistency.rebuild(session, other.search, other.addresses, lambda _: None)
        second = frozen(other)
        assert (second.content_id, second.summary) == (first.content_id, first.summary)
    finally:
        other.search.close()
        other.database.engine.dispose()
        context.use(oaks)


@BOTH
def test_a_difference_adds_up(hub: Hub, oaks: Runtime) -> None:
    first = frozen(oaks)
    specimen, (image,) = add(oaks, "Q 9")
    hub.post(comment(hub.addresses.canvas(specimen.key, image.key)))
    with oaks.reads.begin() as session:
        gone = next(store.annotations(session, first.key, 1))
        etag = statements.get(session, gone.annotation_key, by=NOBODY).etag
    assert hub.write("DELETE", hub.addresses.annotation(gone.annotation_key), If_Match=f'"{etag}"').status_code == 204
    second = freeze(oaks, first.key)
    assert second is not None
    told = compared(oaks, first, second).to_json()
    for name in ("images", "annotations"):
        assert second.summary[name] == first.summary[name] + told[name]["added"] - told[name]["removed"]
    assert (told["images"]["added"], told["annotations"]["added"], told["annotations"]["removed"]) == (1, 1, 1)
    assert told["movedBetweenSplits"] == 0


def test_what_changes_later_does_not_touch_a_version(hub: Hub, oaks: Runtime) -> None:
    version = frozen(oaks)
    before = lines(oaks, version)
    with oaks.reads.begin() as session:
        kept = next(store.annotations(session, version.key, 1))
        etag = statements.get(session, kept.annotation_key, by=NOBODY).etag
    assert hub.write("DELETE", hub.addresses.annotation(kept.annotation_key), If_Match=f'"{etag}"').status_code == 204
    for _ in Check(oaks, collect=True, older_than_s=0).findings():
        pass
    assert lines(oaks, version) == before
    assert faults(oaks, version, deep=True) == []


def test_files_of_a_version_outlive_their_images(oaks: Runtime) -> None:
    """As when a release to come removes images: nothing but the version names the file."""
    version = frozen(oaks)
    with oaks.reads.begin() as session:
        image = next(store.images(session, version.key, 1))
    from iiif.catalogue.tables import MediaRow  # there is no service that removes an image

    with oaks.db.begin() as session:
        row = session.get(MediaRow, image.media_key)
        assert row is not None
        row.sha256, row.pyramid_sha256 = "0" * 64, ""
    for _ in Check(oaks, collect=True, older_than_s=-1).findings():
        pass
    assert oaks.blobs.has(image.sha256)
    assert faults(oaks, version, deep=True) == []


@BOTH
def test_a_lost_or_damaged_file_is_named(oaks: Runtime) -> None:
    version = frozen(oaks)
    with oaks.reads.begin() as session:
        lost, damaged, *_ = list(store.images(session, version.key, 1))
    oaks.blobs.delete(lost.sha256)
    with oaks.blobs.local_path(damaged.sha256) as path:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    assert faults(oaks, version) == ["The file of the image is lost."]
    found = [(one.key, one.sentence) for one in verifying.verify(oaks, version.key, 1, deep=True)]
    assert found == [
        (lost.media_key, "The file of the image is lost."),
        (damaged.media_key, "The file of the image is damaged: it holds other bytes."),
    ]


def test_a_damaged_original_does_not_go_in(oaks: Runtime) -> None:
    specimen, (image,) = add(oaks, "Q 8")
    with oaks.blobs.local_path(image.sha256) as path:
        path.write_bytes(b"x" * image.byte_size)
    version = frozen(oaks)
    assert version.summary["images"] == 4
    assert version.summary["leftOut"] == [{"reason": "whose file is lost or damaged", "images": 1, "examples": [image.key]}]
    assert specimen.key not in json.dumps(lines(oaks, version))


def test_closed_images_do_not_go_in_and_one_closed_later_is_withheld(oaks: Runtime) -> None:
    _, (closed,) = add(oaks, "Q 7")
    with oaks.db.begin() as session:
        catalogue.set_access(session, closed.key, "closed", by=SYSTEM, at=oaks.clock())
    version = frozen(oaks)
    assert version.summary["leftOut"] == [{"reason": "closed", "images": 1, "examples": [closed.key]}]
    with oaks.reads.begin() as session:
        image = next(store.images(session, version.key, 1))
    with oaks.db.begin() as session:
        catalogue.set_access(session, image.media_key, "closed", by=SYSTEM, at=oaks.clock())
    found = list(verifying.verify(oaks, version.key, 1))
    assert [(one.key, one.sentence, one.fault) for one in found] == [
        (image.media_key, "The image is closed now, and withheld.", False)
    ]


def test_only_licences_of_the_policy_go_in(oaks: Runtime) -> None:
    add(oaks, "Q 5", rights="CC BY-NC 4.0")
    add(oaks, "Q 6", {"license": ""})
    everything = frozen(oaks, **OAKS)
    assert everything.summary["strictest"] == {"licence": "", "said": ""}
    assert frozen(oaks, **OAKS, policy="stated").summary["images"] == 5
    version = frozen(oaks, **OAKS, policy="open")
    assert version.summary["images"] == 4
    assert version.summary["leftOut"][0]["reason"] == "not under a licence that goes in"
    with pytest.raises(NothingToFreeze, match="1 not under a licence that goes in"):
        frozen(oaks, selection={"q": '"Q 5"'}, policy="open")


def test_annotations_are_chosen_by_kind_layer_and_confidence(oaks: Runtime) -> None:
    assert frozen(oaks, selection={"q": "Quercus", "layers": ["people"]}).summary["annotations"] == 3
    for choice in ({"layers": ["machine"]}, {"kinds": ["ruler"]}, {"annotations": False}, {"states": ["accepted"]}):
        assert frozen(oaks, selection={"q": "Quercus", **choice}).summary["annotations"] == 0
    found = frozen(oaks, selection={"q": "galled", "type": "annotation"})
    assert (found.summary["images"], found.summary["annotations"]) == (4, 4)


def test_sheets_of_one_gathering_are_of_one_group(oaks: Runtime) -> None:
    version = frozen(oaks)
    with oaks.reads.begin() as session:
        groups = [image.group_id for image in store.images(session, version.key, 1)]
        leaks = list(verifying.leaks(session, version))
    assert sorted(Counter(groups).values()) == [2, 2]  # the gathering, and the specimen with two images
    assert leaks == []


def test_a_planted_leak_is_found(oaks: Runtime) -> None:
    version = frozen(oaks)
    with oaks.db.begin() as session:
        row = session.scalars(select(DatasetImageRow).where(DatasetImageRow.dataset_key == version.key)).first()
        assert row is not None
        row.split = "test" if row.split != "test" else "train"
    assert any("lies in several splits" in one for one in faults(oaks, version))
    assert any("is not the one that was frozen" in one for one in faults(oaks, version))


@BOTH
def test_old_groups_keep_their_split(oaks: Runtime) -> None:
    for number in range(30):
        add(oaks, f"Q 1{number:02}")
    first = frozen(oaks, **OAKS, split={"seed": 3})
    for number in range(30):
        add(oaks, f"Q 2{number:02}", {"recordedBy": "B", "recordNumber": str(number)})
    second = freeze(oaks, first.key)
    assert second is not None
    told = compared(oaks, first, second)
    assert told.moved == 0
    with oaks.reads.begin() as session:
        before, after = (store.splits_of(session, first.key, number) for number in (1, 2))
    assert before.items() <= after.items()
    assert set(after.values()) == {"train", "validation", "test"}


def test_a_group_that_joins_two_splits_goes_to_the_larger_part() -> None:
    rule = SplitRule(seed=1)
    placed = splitting.place(
        [("a", "g"), ("b", "g"), ("c", "g"), ("d", "h")], {"a": "test", "b": "train", "c": "train", "d": "test"}, rule
    )
    assert (placed.splits, placed.joined) == ({"g": "train", "h": "test"}, {"g": 1})


def test_shares_are_met() -> None:
    rule = SplitRule(seed=5)
    for number, off in ((500, 0.02 * 2), (5_000, 0.005 * 3)):
        counted = Counter(splitting.drawn(f"{group:016x}", rule) for group in range(number))
        for name, share in rule.shares.items():
            assert abs(counted[name] / number - share) <= off


@given(some.permutations(range(12)))
def test_the_order_of_images_does_not_decide(order: list[int]) -> None:
    images = [(f"m{number}", f"{(number * 7919) % 97:064x}", [f"j{number // 3}", f"k{number % 5}"]) for number in range(12)]
    groups, other = splitting.Groups(), splitting.Groups()
    for image in images:
        groups.add(*image)
    for number in order:
        other.add(*images[number])
    assert dict(groups) == dict(other)


def test_records_that_say_nothing_join_nothing() -> None:
    assert splitting.joins([], "BR", {"recordedBy": "", "recordNumber": "12", "locality": "", "eventDate": "1887-06-12"}) == []
    assert splitting.joins([], "BR", {"recordedBy": "A", "recordNumber": "s.n."}) != []
    one, other = ({"recordedBy": who, "recordNumber": "12"} for who in ("Humboldt,  A.v.", "humboldt a v"))
    assert splitting.joins([], "BR", one) == splitting.joins([], "P", other)


@BOTH
def test_annotations_written_meanwhile_are_in_or_out_as_a_whole(hub: Hub, oaks: Runtime) -> None:
    canvas = hub.addresses.canvas(*_first_image(oaks))
    stop = threading.Event()
    app = hub.client.application

    def write() -> None:
        client = app.test_client()
        for number in itertools.count():
            if stop.is_set() or number > 60:
                return
            headers = {"Authorization": f"Bearer {hub.token}", "Content-Type": "application/ld+json"}
            client.post("/annotations/", data=json.dumps(comment(canvas, f"Leaf {number}")), headers=headers)

    writer = threading.Thread(target=write)
    dataset = make(oaks, **OAKS)
    index(oaks)
    writer.start()
    try:
        version = freeze(oaks, dataset.key)
    except IndexLags:  # the writer was faster
        version = None
    finally:
        stop.set()
        writer.join()
    version = version or freeze(oaks, dataset.key)
    assert version is not None
    assert faults(oaks, version, deep=True) == []


def _first_image(runtime: Runtime) -> tuple[str, str]:
    with runtime.reads.begin() as session:
        media = catalogue.list_media(session, limit=1)[0]
    return media.specimen_key, media.key


def test_it_waits_for_the_index(oaks: Runtime) -> None:
    dataset = make(oaks, **OAKS)
    with pytest.raises(IndexLags, match="relay"):
        freezing.freeze(oaks, dataset.key, by=SYSTEM, wait_s=0)


def test_a_dataset_is_frozen_once_at_a_time(oaks: Runtime) -> None:
    dataset = make(oaks, **OAKS)
    index(oaks)
    seen: list[type[Exception]] = []

    def again(_stage: str, _done: int) -> None:
        if not seen:
            with pytest.raises(BeingFrozen) as refused:
                freezing.freeze(oaks, dataset.key, by=SYSTEM)
            seen.append(type(refused.value))

    assert freezing.freeze(oaks, dataset.key, by=SYSTEM, progress=again) is not None
    assert seen == [BeingFrozen]


KILLED = """
import os, sys
from annotations.search import consistency
from sqlalchemy import insert
from app import compose
from app.runtime.settings import Settings
from app.runtime.principal import Principal
from annotations.datasets import freezing
runtime = compose.build(Settings(data_dir=sys.argv[1], database_url=sys.argv[2] or None, base_url="http://lectotype.test"))
freezing.freeze(runtime, sys.argv[3], by=Principal.of_system(), progress=lambda stage, done: os._exit(9))
"""


@BOTH
def test_a_freeze_that_was_killed_leaves_no_version(oaks: Runtime) -> None:
    dataset = make(oaks, **OAKS)
    index(oaks)
    given = (str(oaks.settings.data_dir), oaks.settings.database, dataset.key)
    killed = subprocess.run([sys.executable, "-c", KILLED, *given], check=False, capture_output=True, timeout=60)
    assert killed.returncode == 9, killed.stderr.decode()
    with oaks.reads.begin() as session:
        assert session.scalars(select(DatasetVersionRow.state)).all() == ["building"]
        assert service.versions(session, dataset.key, limit=9) == ()
    version = freeze(oaks, dataset.key)
    assert version is not None
    assert version.number == 1
    assert faults(oaks, version, deep=True) == []


def test_a_withdrawn_version_is_told_and_not_given(hub: Hub, oaks: Runtime) -> None:
    version = frozen(oaks)
    with oaks.db.begin() as session, pytest.raises(BadDataset):
        service.withdraw(session, version.key, 1, " ", by=SYSTEM, at=oaks.clock())
    with oaks.db.begin() as session:
        service.withdraw(session, version.key, 1, "Names of people were readable.", by=SYSTEM, at=oaks.clock())
    gone = hub.client.get(f"/datasets/{version.name}/members.jsonl")
    assert gone.status_code == 410
    assert "Names of people were readable." in gone.json["detail"]
    told = hub.client.get(f"/api/datasets/{version.key}/versions").json["items"]
    assert [(one["state"], one["reason"], one["summary"]["images"]) for one in told] == [
        ("withdrawn", "Names of people were readable.", 4)
    ]
    with oaks.reads.begin() as session, pytest.raises(WithdrawnVersion):
        service.get_standing(session, version.key, 1)
    again = freeze(oaks, version.key)
    assert again is not None
    assert again.number == 2


def test_the_manifest_is_served_with_its_length_and_digest(hub: Hub, oaks: Runtime) -> None:
    version = frozen(oaks)
    got = hub.client.get(f"/datasets/{version.name}/members.jsonl")
    assert got.status_code == 200
    assert hashlib.sha256(got.data).hexdigest() == version.content_id == got.headers["ETag"].strip('"')
    assert int(got.headers["Content-Length"]) == len(got.data)
    assert (
        hub.client.get(f"/datasets/{version.name}/members.jsonl", headers={"If-None-Match": got.headers["ETag"]}).status_code
        == 304
    )
    check = hub.client.get(f"/datasets/{version.name}/manifest.sha256")
    assert check.text == f"{version.content_id}  members.jsonl\n"


def test_over_http_a_dataset_is_made_and_frozen_in_the_background(hub: Hub, oaks: Runtime) -> None:
    made = hub.write("POST", "/api/datasets", {"title": "Oaks", "selection": {"q": "Quercus"}}, Content_Type="application/json")
    assert made.status_code == 201, made.text
    assert made.json["job"]["state"] == "waiting"
    again = hub.write("POST", f"/api/datasets/{made.json['key']}/versions", {}, Content_Type="application/json")
    assert (again.status_code, again.json["key"]) == (202, made.json["job"]["key"])
    index(oaks)
    context.use(oaks)
    actors.freeze_dataset.fn(made.json["job"]["key"])
    done = hub.get(made.json["job"]["id"]).json
    assert (done["state"], done["outcome"]) == ("done", {"version": 1})
    assert [one["key"] for one in hub.client.get("/api/datasets").json["items"]] == [made.json["key"]]
    assert hub.client.get("/api/datasets/d1nothing").status_code == 404


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({}, "title"),
        ({"title": "x", "kind": "heap"}, "kind"),
        ({"title": "x", "creators": [{"name": "A", "orcid": "0000-0002-1825-0098"}]}, "ORCID"),
        ({"title": "x", "split": {"shares": {"Train!": 1}}}, "shares"),
        ({"title": "x", "split": {"hidden": ["test"]}}, "benchmark"),
        ({"title": "x", "selection": {"type": "planet"}}, "type"),
        ({"title": "x", "selection": {"type": "media"}}, "not indexed yet"),
        ({"title": "x", "selection": {"filters": {"colour": ["red"]}}}, "no filter 'colour'"),
        ({"title": "x", "selection": {"filters": {"xywh": ["1,2,3,4"]}}}, "no filter 'xywh'"),
        ({"title": "x", "selection": {"type": "annotation", "q": 'relation:"stamp inside label"'}}, "How segments lie"),
        ({"title": "x", "selection": {"minConfidence": 2}}, "minConfidence"),
        ({"title": "x", "selection": {"q": "famly:Fagaceae"}}, "family"),
        ({"title": "x", "licence": "mine"}, "licence"),
        ({"title": "x", "more": 1}, "JSON object"),
        ([], "JSON object"),
    ],
)
def test_what_cannot_be_is_named(said: Any, named: str) -> None:
    with pytest.raises(Exception, match=named):
        drafts.draft_of(said)


@given(
    some.recursive(
        some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
        lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    )
)
def test_canonical_json_is_a_fixed_point(value: Any) -> None:
    once = canonical.encoded(value)
    assert canonical.encoded(json.loads(once)) == once


def test_canonical_json_knows_no_difference_that_databases_make() -> None:
    assert canonical.encoded({"b": 1.0, "a": [1e20, -0.0, 0.1]}) == b'{"a":[100000000000000000000,0,0.1],"b":1}'
    assert canonical.encoded({"b": 1, "a": [10**20, 0, 0.1]}) == canonical.encoded({"b": 1.0, "a": [1e20, -0.0, 0.1]})
