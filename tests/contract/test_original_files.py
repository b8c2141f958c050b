"""The file of an image as it came: whole, in ranges, under its own name; and why it is not given out, in words."""

import base64
import hashlib
from dataclasses import replace

import pytest
from PIL import Image
from sqlalchemy import update

from analytics import synth
from app.runtime import context
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Access, Media
from iiif.catalogue.tables import SpecimenRow
from tests.people import add_person
from tests.sheets import Hub, make_hub
from tests.unit.iiif.image.pictures import derived, file_of


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


@pytest.fixture
def picture() -> bytes:
    return file_of(Image.fromarray(synth.draw(1, 0).rgb).resize((300, 400)))


@pytest.fixture
def media(hub: Hub, picture: bytes) -> Media:
    return derived(hub.runtime, picture)


def give(hub: Hub, media: Media, access: Access) -> None:
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, media.key, access, by=Principal.of_system(), at=hub.runtime.clock())


def test_an_open_file_comes_as_it_was_with_name_digest_and_ranges(hub: Hub, media: Media, picture: bytes) -> None:
    path = f"/api/media/{media.key}/file"
    answer = hub.get(path)
    assert (answer.status_code, answer.data) == (200, picture)
    assert answer.headers["Content-Disposition"] == f"attachment; filename={media.file_name}"
    assert answer.headers["Content-Length"] == str(len(picture))
    digest = base64.b64encode(hashlib.sha256(picture).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for asked, expected in (("bytes=0-9", picture[:10]), ("bytes=100-", picture[100:]), ("bytes=-7", picture[-7:])):
        part = hub.get(path, Range=asked)
        assert (part.status_code, part.data) == (206, expected), asked
        assert part.headers["Content-Range"].endswith(f"/{len(picture)}")
    assert hub.get(path, Range=f"bytes={len(picture)}-").status_code == 416
    assert hub.get(path, If_None_Match=answer.headers["ETag"]).status_code == 304
    page = hub.get(f"/specimens/{media.specimen_key}", Accept="text/html").text
    assert f'href="{path}" download>the file itself</a>' in page
    assert hub.get("/api/media/m1nothing/file").status_code == 404


def test_what_is_held_back_of_an_image_holds_its_file_back_and_the_page_says_why(hub: Hub, media: Media, picture: bytes) -> None:
    path, cat = f"/api/media/{media.key}/file", add_person(hub.runtime, "cat", "curator")
    held: tuple[tuple[Access, int, str], ...] = (("reduced", 403, "a small picture"), ("closed", 401, "is not public"))
    for access, status, why in held:
        give(hub, media, access)
        refused = hub.get(path)
        assert refused.status_code == status
        assert why in refused.json["detail"]
        assert picture[:50] not in refused.data
        assert hub.get(path, **cat.bearer).data == picture
    give(hub, media, "reduced")
    page = hub.get(f"/specimens/{media.specimen_key}", Accept="text/html").text
    assert "The file itself is not given out: the public sees a small picture of it only." in page
    assert path not in page


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"original_files": False}, "gives no originals out"), ({"max_width": 200}, "larger than the pictures")],
)
def test_settings_hold_files_back(hub: Hub, media: Media, changes: dict[str, object], why: str) -> None:
    context.use(replace(hub.runtime, settings=hub.runtime.settings.model_copy(update=changes)))
    answer = hub.get(f"/api/media/{media.key}/file")
    assert answer.status_code == 403
    assert why in answer.json["detail"]


def test_a_file_that_may_tell_a_withheld_place_is_held_back(hub: Hub, media: Media) -> None:
    with hub.runtime.db.begin() as session:
        withheld = {"interpreted": {"informationWithheld": "coordinates"}}
        session.execute(update(SpecimenRow).where(SpecimenRow.key == media.specimen_key).values(withheld))
    answer = hub.get(f"/api/media/{media.key}/file")
    assert answer.status_code == 403
    assert "holds the place back" in answer.json["detail"]


def test_who_may_see_what_is_closed_gets_every_file_that_the_page_offers_them(hub: Hub, media: Media, picture: bytes) -> None:
    with hub.runtime.db.begin() as session:
        withheld = {"interpreted": {"informationWithheld": "coordinates"}}
        session.execute(update(SpecimenRow).where(SpecimenRow.key == media.specimen_key).values(withheld))
    path, rea = f"/api/media/{media.key}/file", add_person(hub.runtime, "rea", "reader")
    assert f'href="{path}" download' in hub.get(f"/specimens/{media.specimen_key}", Accept="text/html", **rea.bearer).text
    assert hub.get(path, **rea.bearer).data == picture
