"""Specimens and images, many to many, alike on SQLite and PostgreSQL."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError

from app import compose, migrate
from app.runtime.context import Runtime
from app.runtime.db import connect
from app.runtime.errors import Forbidden, NotAllowed
from app.runtime.outbox import OutboxRow
from app.runtime.principal import NOBODY, Grant, Principal
from app.runtime.settings import Settings
from iiif.catalogue import depictions, identity, service
from iiif.catalogue.errors import (
    BadDepiction,
    DuplicateSpecimen,
    HomeDepiction,
    TooManyDepicted,
    UnknownDepiction,
    UnknownMedia,
    UnknownSpecimen,
)
from iiif.catalogue.model import Media, OwnRegion, Specimen
from iiif.catalogue.service import MediaDraft, SpecimenDraft
from iiif.ingest import matching
from tests.sheets import add_sheet

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CURATOR = Principal("c", (Grant("curator"),))
LEFT = OwnRegion(0, 0, 2000, 6000)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def hub(url: str, tmp_path: Path) -> Iterator[Runtime]:
    runtime = compose.build(Settings(data_dir=tmp_path / "data", database_url=url, base_url="http://lectotype.test"))
    compose.prepare(runtime)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.fixture
def drawer(hub: Runtime) -> tuple[Specimen, Specimen, Media]:
    """Two specimens with an image each, and the first one's image."""
    first, (image,) = add_sheet(hub, "A 1")
    second, _ = add_sheet(hub, "A 2")
    return first, second, image


def touched(hub: Runtime) -> set[str]:
    """The specimens that wait to be indexed."""
    with hub.reads.begin() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == "index", OutboxRow.name == "specimen"))
        return {row.payload["key"] for row in rows}


def forget(hub: Runtime) -> None:
    with hub.db.begin() as session:
        session.execute(text("DELETE FROM outbox"))


def test_every_image_shows_its_home_specimen_from_the_start(hub: Runtime) -> None:
    specimen, media = add_sheet(hub, sizes=((10, 10), (20, 20)))
    with hub.reads.begin() as session:
        shown = service.specimens_of_media(session, [*(one.key for one in media), "m1nothing0000"])
    assert [[one.specimen_key for one in shown[image.key]] for image in media] == [[specimen.key]] * 2
    assert [shown[image.key][0].sequence for image in media] == [1, 2]
    assert all(shown[image.key][0].is_home and shown[image.key][0].region is None for image in media)
    assert shown["m1nothing0000"] == ()


def test_an_image_that_shows_a_second_specimen_is_among_the_images_of_both(
    hub: Runtime, drawer: tuple[Specimen, Specimen, Media]
) -> None:
    first, second, image = drawer
    forget(hub)
    with hub.db.begin() as session:
        added = service.depict(session, second.key, image.key, role="whole", region=LEFT, by=CURATOR, at=AT)
    assert (added.sequence, added.role, added.region, added.is_home) == (2, "whole", LEFT, False)
    with hub.reads.begin() as session:
        assert [one.key for one in service.media_of(session, first.key)] == [image.key]
        assert [one.key for one in service.media_of(session, second.key)][1] == image.key
        assert [one.sequence for one in service.media_of(session, second.key)] == [1, 2]
        both = service.media_of_many(session, [first.key, second.key])
        assert [image.key in [one.key for one in both[key]] for key in (first.key, second.key)] == [True, True]
        assert [one.specimen_key for one in service.specimens_of_media(session, [image.key])[image.key]] == [
            first.key,
            second.key,
        ]
        listed = service.list_media(session, specimen_key=second.key, limit=10)
        assert {one.key for one in listed} == {one.key for one in both[second.key]}
        assert service.count_media(session, specimen_key=second.key) == {"ready": 2}
        assert service.get_media(session, image.key).specimen_key == first.key
    assert touched(hub) == {second.key}


def test_depicting_again_says_role_and_region_anew_and_keeps_the_place(
    hub: Runtime, drawer: tuple[Specimen, Specimen, Media]
) -> None:
    _, second, image = drawer
    with hub.db.begin() as session:
        before = service.depict(session, second.key, image.key, role="whole", region=LEFT, by=CURATOR, at=AT)
        after = service.depict(session, second.key, image.key, role="detail", by=CURATOR, at=AT)
    assert (after.sequence, after.role, after.region) == (before.sequence, "detail", None)


def test_a_change_of_an_image_touches_all_its_specimens(hub: Runtime, drawer: tuple[Specimen, Specimen, Media]) -> None:
    first, second, image = drawer
    with hub.db.begin() as session:
        service.depict(session, second.key, image.key, by=CURATOR, at=AT)
    forget(hub)
    with hub.db.begin() as session:
        service.set_access(session, image.key, "closed", by=CURATOR, at=AT)
    assert touched(hub) == {first.key, second.key}
    forget(hub)
    with hub.db.begin() as session:
        service.media_failed(session, image.key, "lost", at=AT)
    assert touched(hub) == {first.key, second.key}


def test_a_depiction_can_be_ended_but_not_that_of_the_home_specimen(
    hub: Runtime, drawer: tuple[Specimen, Specimen, Media]
) -> None:
    first, second, image = drawer
    with hub.db.begin() as session:
        service.depict(session, second.key, image.key, by=CURATOR, at=AT)
    forget(hub)
    with hub.db.begin() as session:
        service.end_depiction(session, second.key, image.key, by=CURATOR, at=AT)
    assert touched(hub) == {second.key}
    with hub.db.begin() as session:
        with pytest.raises(UnknownDepiction):
            service.end_depiction(session, second.key, image.key, by=CURATOR, at=AT)
        with pytest.raises(HomeDepiction):
            service.end_depiction(session, first.key, image.key, by=CURATOR, at=AT)
        with pytest.raises(UnknownDepiction):
            service.get_depiction(session, second.key, image.key)
        assert [one.key for one in service.media_of(session, first.key)] == [image.key]


def test_only_a_curator_of_both_specimens_says_what_an_image_shows(hub: Runtime) -> None:
    _, (image,) = add_sheet(hub, "A 1", {"institutionCode": "A"})
    second, _ = add_sheet(hub, "B 1", {"institutionCode": "B"})
    with hub.db.begin() as session:
        with pytest.raises(NotAllowed):
            service.depict(session, second.key, image.key, by=NOBODY, at=AT)
        for grants in ((Grant("annotator"),), (Grant("curator", "B"),), (Grant("curator", "A"),)):
            with pytest.raises(Forbidden):
                service.depict(session, second.key, image.key, by=Principal("x", grants), at=AT)
        both = Principal("x", (Grant("curator", "A"), Grant("curator", "B")))
        service.depict(session, second.key, image.key, by=both, at=AT)
        with pytest.raises(Forbidden):
            service.end_depiction(session, second.key, image.key, by=Principal("x", (Grant("curator", "B"),)), at=AT)
        service.end_depiction(session, second.key, image.key, by=both, at=AT)


@pytest.mark.parametrize(
    "region",
    [
        OwnRegion(0, 0, 4000.5, 6000),
        OwnRegion(-1, 0, 10, 10),
        OwnRegion(10, 0, 10, 10),
        OwnRegion(0, 9, 5, 3),
        OwnRegion(0, 0, float("nan"), 10),
        OwnRegion(0, 0, 10, float("inf")),
    ],
)
def test_a_region_that_is_no_part_of_the_image_leaves_nothing_behind(
    hub: Runtime, drawer: tuple[Specimen, Specimen, Media], region: OwnRegion
) -> None:
    _, second, image = drawer
    with hub.db.begin() as session:
        with pytest.raises(BadDepiction, match="4000 × 6000"):
            service.depict(session, second.key, image.key, region=region, by=CURATOR, at=AT)
        assert len(service.specimens_of_media(session, [image.key])[image.key]) == 1


@given(st.tuples(*[st.floats(allow_nan=True)] * 4), st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_region_within_the_image_has_an_area_and_reaches_past_no_edge(
    corners: tuple[float, float, float, float], width_px: int, height_px: int
) -> None:
    box = OwnRegion(*corners)
    if box.lies_within(width_px, height_px):
        assert box.x1 - box.x0 > 0
        assert box.y1 - box.y0 > 0
        assert max(box.x0, box.x1) <= width_px
        assert max(box.y0, box.y1) <= height_px
        assert min(corners) >= 0


def test_what_cannot_be_depicted_is_named(hub: Runtime, drawer: tuple[Specimen, Specimen, Media]) -> None:
    first, second, image = drawer
    with hub.db.begin() as session:
        with pytest.raises(UnknownMedia):
            service.depict(session, second.key, "m1nothing0000", by=CURATOR, at=AT)
        with pytest.raises(UnknownSpecimen):
            service.depict(session, "s1nothing0000", image.key, by=CURATOR, at=AT)
        with pytest.raises(BadDepiction, match="'in situ'"):
            service.depict(session, second.key, image.key, role="habitus", by=CURATOR, at=AT)  # type: ignore[arg-type]
        draft = MediaDraft(first.key, hashlib.sha256(b"new").hexdigest(), 3, "image/jpeg", "new.jpg")
        pending = service.add_media(session, draft, naan="99999", at=AT)
        with pytest.raises(BadDepiction, match="is pending: it has no size"):
            service.depict(session, second.key, pending.key, region=LEFT, by=CURATOR, at=AT)
        service.depict(session, second.key, pending.key, region=LEFT, size_px=(2000, 6000), by=CURATOR, at=AT)


def test_an_image_shows_no_more_specimens_than_can_be_indexed_at_once(
    hub: Runtime, drawer: tuple[Specimen, Specimen, Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second, image = drawer
    third, _ = add_sheet(hub, "A 3")
    monkeypatch.setattr(depictions, "MAX_SPECIMENS", 2)
    with hub.db.begin() as session:
        service.depict(session, second.key, image.key, by=CURATOR, at=AT)
        with pytest.raises(TooManyDepicted):
            service.depict(session, third.key, image.key, by=CURATOR, at=AT)


def test_the_database_keeps_a_pair_of_specimen_and_image_once(hub: Runtime, drawer: tuple[Specimen, Specimen, Media]) -> None:
    first, _, image = drawer
    again = f"INSERT INTO depictions (specimen_key, media_key, sequence, role) VALUES ('{first.key}', '{image.key}', 9, '')"
    with pytest.raises(IntegrityError), hub.db.begin() as session:
        session.execute(text(again))


def test_images_of_older_releases_show_their_specimens_after_the_migration(url: str) -> None:
    database = connect(url)
    with database.engine.begin() as connection:
        command.upgrade(migrate._config(connection), "0002")
        add_old(connection, "s1old", ("B", "", "B 1"), {})
        for sequence in (1, 2):
            connection.execute(text(OLD_MEDIA.format(sequence=sequence)))
    migrate.upgrade(database)
    with database.reads.begin() as session:
        assert [one.key for one in service.media_of(session, "s1old")] == ["m1old1", "m1old2"]
        assert [one.is_home for one in service.depictions_of(session, "s1old")] == [True, True]
    with pytest.raises(IntegrityError), database.sessions.begin() as session:  # references are looked at again
        session.execute(text("DELETE FROM specimens"))
    database.engine.dispose()


def test_specimens_of_older_releases_are_known_by_the_identity_that_the_code_gives_them(url: str) -> None:
    uuid = "6f1f2b1c-6a3d-4d2e-9f53-0c8f6f0f3a11"
    records = {
        "s1none": (("BR", "H", "1"), {"scientificName": "Carex ñ"}),
        "s1blank": (("", "", "2"), {"occurrenceID": ""}),
        "s1occurrence": (("BR", "H", "3"), {"occurrenceID": "https://x.org/3"}),
        "s1both": (("BR", "H", "4"), {"occurrenceID": "urn:o:4", "materialEntityID": uuid}),
        "s1local": (("BR", "", "5"), {"occurrenceID": "17"}),
        "s1long": (("BR", "", "6"), {"occurrenceID": "urn:" + "ñ" * 700}),
        "s1spelt": (("BR", "", "hB-BA\u0308R ß" + "ß" * 200), {}),
        "s1longer": (("BR", "", "7" * 255), {"occurrenceID": "8" * 700}),
    }
    shared = {
        "s1alike1": (("BR", "H", "8"), {"occurrenceID": "urn:8"}),
        "s1alike2": (("BR", "H", "9"), {"occurrenceID": "urn:8"}),
    }
    database = connect(url)
    with database.engine.begin() as connection:
        command.upgrade(migrate._config(connection), "0002")
        for key, (collected, terms) in {**records, **shared}.items():
            add_old(connection, key, collected, terms)
    migrate.upgrade(database)
    with database.reads.begin() as session:
        identities = dict(session.execute(text("SELECT key, identity FROM specimens")).all())
        for key, ((institution, collection, number), terms) in records.items():
            codes = {"institutionCode": institution, "collectionCode": collection}
            assert identities[key] == identity.identities_of({**codes, **terms}, number)[0]
        folded = session.execute(text("SELECT catalog_number, folded_number FROM specimens")).all()
        assert [row.folded_number for row in folded] == [identity.folded_number(row.catalog_number) for row in folded]
        assert identities["s1alike1"] == "urn:8"
        assert identities["s1alike2"] == "\x1f".join(("BR", "H", "9", "urn:8"))
        assert all(len(text) <= identity.LONGEST for text in identities.values())
        again = {"institutionCode": "BR", "collectionCode": "H", "catalogNumber": "9", "occurrenceID": "urn:8"}
        found = matching.find(session, again, numbered=True).specimen
        assert found is not None
        assert found.key == "s1alike2"
    database.engine.dispose()


@given(st.dictionaries(st.sampled_from([*identity.ID_TERMS, "institutionCode", "collectionCode"]), st.text()), st.text())
def test_every_record_has_an_identity_that_an_index_can_hold(terms: dict[str, str], number: str) -> None:
    identities = identity.identities_of(terms, number)
    assert 1 <= len(identities) == len(set(identities)) <= 2
    assert all(len(text) <= identity.LONGEST for text in identities)
    assert identity.is_identified(terms) == any(terms.get(term) for term in identity.ID_TERMS)


def test_two_ingests_at_once_cannot_enter_one_identity_twice(hub: Runtime) -> None:
    draft = SpecimenDraft("1", {"occurrenceID": "urn:1"}, {}, "test")
    other = SpecimenDraft("2", {"materialEntityID": "urn:1"}, {}, "test")
    with hub.db.begin() as session:
        service.add_specimen(session, draft, naan="99999", at=AT)
        with pytest.raises(DuplicateSpecimen):
            service.add_specimen(session, other, naan="99999", at=AT)
    rest = ", ".join(REST)
    with pytest.raises(IntegrityError), hub.db.begin() as session:
        session.execute(text(f"INSERT INTO specimens (key, {rest}) SELECT 's1copy', {rest} FROM specimens"))


def add_old(connection: Connection, key: str, collected: tuple[str, str, str], terms: dict[str, str]) -> None:
    """A specimen as release 70fa686 kept it."""
    values = {"key": key, "institution": collected[0], "collection": collected[1], "number": collected[2]}
    connection.execute(text(OLD_SPECIMEN), {**values, "terms": json.dumps(terms)})


REST = (
    *("version", "catalog_number", "institution_code", "collection_code", "scientific_name", "interpreted", "verbatim"),
    *("source", "created_at", "updated_at", "identity"),
)
OLD_SPECIMEN = """
    INSERT INTO specimens (key, version, catalog_number, institution_code, collection_code, scientific_name, interpreted,
                           verbatim, source, created_at, updated_at)
    VALUES (:key, 1, :number, :institution, :collection, '', :terms, '{}', 'old', '2026-01-01 00:00:00', '2026-01-01 00:00:00')
"""
OLD_MEDIA = """
    INSERT INTO media (key, specimen_key, version, sequence, sha256, byte_size, format, width_px, height_px, exif_orientation,
                       icc_profile, file_name, rights, rights_holder, creator, state, state_reason, pyramid_sha256, created_at)
    VALUES ('m1old{sequence}', 's1old', 1, {sequence}, '{sequence}', 9, 'image/jpeg', 10, 10, 1, '', '', '', '', '', 'ready',
            '', '', '2026-01-01 00:00:00')
"""
