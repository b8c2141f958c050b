"""What two do to one image, or with one mask, at the same moment; on SQLite and PostgreSQL."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import masks, service
from annotations.masks import KeptMask
from annotations.tables import AnnotationTargetRow, MaskRow
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from tests.sheets import Hub, add_sheet, comment, make_hub

BY = Principal.of_system()
SIDE = 1000


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(settings: Any, request: pytest.FixtureRequest) -> Any:
    return settings if request.param == "sqlite" else settings.with_(database_url=request.getfixturevalue("postgresql_url"))


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


def beside(hub: Hub, first: Callable[[Session], Any], second: Callable[[Session], Any]) -> None:
    """Do the second in a transaction that begins while that of the first is open, which has done its work already."""

    def work() -> None:
        with hub.runtime.db.begin() as session:
            second(session)

    with ThreadPoolExecutor(1) as pool:
        with hub.runtime.db.begin() as session:
            first(session)
            session.flush()
            working = pool.submit(work)
            time.sleep(0.4)
        working.result(20)


def test_what_is_laid_again_while_the_image_comes_to_show_another_specimen_lies_there_too(hub: Hub) -> None:
    home, (image,) = add_sheet(hub.runtime, "L 1", sizes=((SIDE, SIDE),))
    other, _ = add_sheet(hub.runtime, "L 2", sizes=())
    assert hub.post(comment(hub.addresses.image(image.key), "A galled leaf")).status_code == 201
    at = hub.runtime.clock()
    beside(
        hub,
        lambda session: catalogue.depict(session, other.key, image.key, by=BY, at=at),
        lambda session: service.lay_again(session, image.key, after="", at=at),
    )
    with hub.runtime.reads.begin() as session:
        query = select(AnnotationTargetRow.specimen_key).where(AnnotationTargetRow.media_key == image.key)
        assert set(session.scalars(query)) == {home.key, other.key}


def test_of_two_who_set_the_access_of_an_image_at_once_the_later_is_right(hub: Hub) -> None:
    _, (image,) = add_sheet(hub.runtime, "L 1", sizes=((SIDE, SIDE),))
    at = hub.runtime.clock()
    with hub.runtime.reads.begin() as session:
        before = catalogue.get_media(session, image.key)
    beside(
        hub,
        lambda session: catalogue.set_access(session, image.key, "closed", by=BY, at=at),
        lambda session: catalogue.set_access(session, image.key, "open", by=BY, at=at),
    )
    with hub.runtime.reads.begin() as session:
        after = catalogue.get_media(session, image.key)
    assert (after.access, after.version) == ("open", before.version + 2)


def test_a_mask_that_two_send_at_once_is_taken_in(hub: Hub) -> None:
    kept, at = KeptMask("ab" * 32, 9, 7, 99), hub.runtime.clock()
    beside(hub, lambda session: masks.register(session, [kept], at=at), lambda session: masks.register(session, [kept], at=at))
    with hub.runtime.reads.begin() as session:
        assert [row.sha256 for row in session.scalars(select(MaskRow))] == [kept.sha256]


def test_two_who_touch_the_specimens_of_an_image_in_other_orders_wait_for_one_another(hub: Hub) -> None:
    home, (image,) = add_sheet(hub.runtime, "L 1", sizes=((SIDE, SIDE),))
    other, _ = add_sheet(hub.runtime, "L 2", sizes=())
    at = hub.runtime.clock()
    with hub.runtime.db.begin() as session:
        catalogue.depict(session, other.key, image.key, by=BY, at=at)
    midway = threading.Event()

    def touch(first: str, second: str) -> None:
        with hub.runtime.db.begin() as session:
            catalogue.lock_specimens_of(session, image.key)
            catalogue.touch_specimen(session, first, at=at)
            session.flush()
            midway.wait(0.5)
            catalogue.touch_specimen(session, second, at=at)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(touch, home.key, other.key), pool.submit(touch, other.key, home.key)]:
            done.result(20)
    with hub.runtime.reads.begin() as session:
        versions = [catalogue.get_specimen(session, key).version for key in (home.key, other.key)]
    assert all(version >= 3 for version in versions)
