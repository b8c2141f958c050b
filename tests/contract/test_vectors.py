"""Vectors of images and segments, kept and asked for; alike on SQLite and PostgreSQL."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from annotations.selectors import MEDIA_FRAGMENTS
from annotations.vectors import service as vectors
from annotations.vectors import store
from annotations.vectors.model import Unseen, Values
from app.runtime.context import Runtime
from app.runtime.outbox import OutboxRow
from iiif.catalogue.model import Media
from tests.contract.test_segments import find, listed
from tests.databases import on_both
from tests.people import Person, add_person
from tests.sheets import Hub, add_sheet, make_hub

settings = on_both
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64


@pytest.fixture
def hub(prepared: Runtime) -> Hub:
    return make_hub(prepared)


@pytest.fixture
def media(hub: Hub) -> Media:
    _, (media,) = add_sheet(hub.runtime, "V 1", sizes=((1000, 1500),))
    return media


def direction(number: int) -> Values:
    values = np.random.default_rng(number).normal(size=256)
    return np.asarray(values / np.linalg.norm(values), np.float16)


def unseen(hub: Hub, media: Media, model: str = NEW) -> tuple[Unseen, ...]:
    with hub.runtime.reads.begin() as session:
        return tuple(vectors.unseen(session, media.key, model))


def look(hub: Hub, media: Media, model: str = NEW, seed: int = 0) -> dict[str, Values]:
    """As a run that sees everything on the image that it has not seen."""
    wanted = unseen(hub, media, model)
    made = {one.key: direction(seed + number) for number, one in enumerate(wanted)}
    with hub.runtime.db.begin() as session:
        vectors.keep(session, media.key, made, wanted, model=model, run_key="x1", at=hub.runtime.clock())
    return made


def kept(hub: Hub, *keys: str) -> dict[str, Any]:
    with hub.runtime.reads.begin() as session:
        return dict(vectors.of(session, keys))


def streamed(hub: Hub, what: str, model: str = NEW, after: str = "") -> list[tuple[str, Values]]:
    with hub.runtime.reads.begin() as session:
        return list(vectors.every(session, what, model, after=after))


def test_the_image_and_its_segments_are_seen_once_and_kept_to_the_last_bit(hub: Hub, media: Media) -> None:
    find(hub, media, "100,200,300,150")
    find(hub, media, "100,900,300,150", kind="ruler")
    keys = [segment["key"] for segment in listed(hub, media=media.key)]
    wanted = unseen(hub, media)
    assert [(one.key, one.box is None) for one in wanted] == [(media.key, True), *((key, False) for key in sorted(keys))]
    made = look(hub, media)
    assert unseen(hub, media) == ()
    for key, values in made.items():
        found = kept(hub, key)[key]
        assert (found.media_key, found.model, found.run_key) == (media.key, NEW, "x1")
        assert np.array_equal(found.values, values)
    assert kept(hub, "m1nothing") == {}


def test_another_network_sees_everything_anew_in_the_place_of_the_old_and_neither_mixes_with_the_other(
    hub: Hub, media: Media
) -> None:
    find(hub, media, "100,200,300,150")
    look(hub, media, OLD)
    (label,) = listed(hub, class_="label")
    assert len(unseen(hub, media, NEW)) == 2
    assert streamed(hub, "label", NEW) == streamed(hub, "image", NEW) == []
    look(hub, media, NEW, seed=7)
    assert streamed(hub, "label", OLD) == []
    assert [key for key, _ in streamed(hub, "label", NEW)] == [label["key"]]
    with hub.runtime.reads.begin() as session:
        assert vectors.models(session) == {"image": {NEW: 1}, "segment": {NEW: 1}}


def test_a_class_is_streamed_by_key_a_page_at_a_time(hub: Hub, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "STREAMED", 2)
    _, (other,) = add_sheet(hub.runtime, "V 2", sizes=((1000, 1500),))
    for place in range(5):
        find(hub, media if place % 2 else other, f"100,{100 + 200 * place},300,150")
    find(hub, media, "700,200,30,150", kind="ruler")
    made = look(hub, media) | look(hub, other, seed=50)
    labels = sorted(segment["key"] for segment in listed(hub, class_="label"))
    found = streamed(hub, "label")
    assert [key for key, _ in found] == labels
    assert all(np.array_equal(values, made[key]) for key, values in found)
    assert [key for key, _ in streamed(hub, "label", after=labels[2])] == labels[3:]
    assert [key for key, _ in streamed(hub, "image")] == sorted([media.key, other.key])


def test_what_has_moved_since_has_no_vector_until_it_is_seen_again_and_what_has_ended_has_none(hub: Hub, media: Media) -> None:
    curator = add_person(hub.runtime, "ana", "curator")
    find(hub, media, "100,200,300,150")
    look(hub, media)
    (label,) = listed(hub)
    _change(hub, curator, label["key"], {"selector": region_fragment("400,300,200,100")})
    assert kept(hub, label["key"]) == {}
    assert streamed(hub, "label") == []
    (again,) = unseen(hub, media)
    assert (again.key, again.version, again.box and again.box.x) == (label["key"], 2, 400)
    made = look(hub, media, seed=9)
    assert np.array_equal(kept(hub, label["key"])[label["key"]].values, made[label["key"]])
    answer = hub.client.delete(f"/api/segments/{label['key']}", headers={**curator.bearer, "If-Match": _tag(hub, label["key"])})
    assert answer.status_code in (200, 204), answer.text
    assert kept(hub, label["key"]) == {}
    assert streamed(hub, "label") == []
    assert unseen(hub, media) == ()


def test_what_moved_while_it_was_looked_at_is_looked_at_again(hub: Hub, media: Media) -> None:
    curator = add_person(hub.runtime, "ana", "curator")
    find(hub, media, "100,200,300,150")
    before = unseen(hub, media)
    (label,) = listed(hub)
    _change(hub, curator, label["key"], {"selector": region_fragment("400,300,200,100")})
    with hub.runtime.db.begin() as session:
        made = {one.key: direction(1) for one in before}
        vectors.keep(session, media.key, made, before, model=NEW, run_key="x1", at=hub.runtime.clock())
    assert kept(hub, label["key"]) == {}
    assert [one.key for one in unseen(hub, media)] == [label["key"]]


def test_the_index_learns_of_new_vectors(hub: Hub, media: Media) -> None:
    find(hub, media, "100,200,300,150")
    (label,) = listed(hub)
    before = _tag(hub, label["key"])
    with hub.runtime.db.begin() as session:
        session.query(OutboxRow).delete()
    look(hub, media)
    with hub.runtime.reads.begin() as session:
        noted = {(row.name, row.payload["key"]) for row in session.scalars(select(OutboxRow).where(OutboxRow.kind == "index"))}
    assert noted == {("segment", label["key"]), ("specimen", media.specimen_key)}
    assert _tag(hub, label["key"]) != before


def region_fragment(xywh: str) -> dict[str, str]:
    return {"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": f"xywh=pixel:{xywh}"}


def _tag(hub: Hub, key: str) -> str:
    return str(hub.get(f"/api/segments/{key}").headers["ETag"])


def _change(hub: Hub, who: Person, key: str, said: dict[str, Any]) -> None:
    answer = hub.client.patch(f"/api/segments/{key}", json=said, headers={**who.bearer, "If-Match": _tag(hub, key)})
    assert answer.status_code == 200, answer.json
