"""What two do to one image, or with one mask, at the same moment; on SQLite and PostgreSQL."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics import service as analytics
from analytics import tasks
from analytics.model import Selection
from annotations import laying, masks, service, withdrawal
from annotations.masks import KeptMask
from annotations.tables import AnnotationRow, AnnotationTargetRow, MaskRow
from app.runtime.principal import Grant, Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import OwnRegion
from tests.databases import on_both
from tests.sheets import Hub, add_sheet, comment

BY = Principal.of_system()
SENDER = Principal("ana", (Grant("annotator", "B"),))
SIDE = 1000
settings = on_both


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
    assert hub.post(comment(f"{hub.addresses.image(image.key)}#xywh=10,10,20,20", "A galled leaf")).status_code == 201
    at, region = hub.runtime.clock(), OwnRegion(0, 0, 50, 50)
    beside(
        hub,
        lambda session: catalogue.depict(session, other.key, image.key, region=region, by=BY, at=at),
        lambda session: laying.lay_again(session, image.key, after="", at=at),
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
    beside(
        hub,
        lambda session: masks.register(session, [kept], by=SENDER, at=at),
        lambda session: masks.register(session, [kept], by=SENDER, at=at),
    )
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


def lies_on(hub: Hub, iri: str) -> set[str]:
    """The images that the annotation lies on."""
    with hub.runtime.reads.begin() as session:
        key = AnnotationTargetRow.annotation_key == iri.rpartition("/")[2]
        return set(session.scalars(select(AnnotationTargetRow.media_key).where(key)))


def test_a_comment_that_is_moved_while_what_it_was_about_moves_lies_where_it_was_moved_to(hub: Hub) -> None:
    _, (first, second, third) = add_sheet(hub.runtime, "L 1", sizes=((SIDE, SIDE),) * 3)
    finding = hub.post(comment(hub.addresses.image(first.key))).json
    about = hub.post(comment(finding["id"])).json
    at = hub.runtime.clock()

    def move(annotation: Any, image: str) -> Callable[[Session], Any]:
        document = {**annotation, "target": hub.addresses.image(image)}
        key = annotation["id"].rpartition("/")[2]
        return lambda session: service.replace(session, key, document, by=BY, addresses=hub.addresses, at=at)

    beside(hub, move(about, third.key), move(finding, second.key))
    assert (lies_on(hub, finding["id"]), lies_on(hub, about["id"])) == ({second.key}, {third.key})


def test_a_comment_that_comes_while_what_it_is_about_moves_lies_where_that_comes_to_lie(hub: Hub) -> None:
    _, (first, second) = add_sheet(hub.runtime, "L 1", sizes=((SIDE, SIDE),) * 2)
    finding = hub.post(comment(hub.addresses.image(first.key))).json
    key, at, made = finding["id"].rpartition("/")[2], hub.runtime.clock(), []
    moved = {**finding, "target": hub.addresses.image(second.key)}
    beside(
        hub,
        lambda session: service.replace(session, key, moved, by=BY, addresses=hub.addresses, at=at),
        lambda session: made.append(service.create(session, comment(finding["id"]), by=BY, addresses=hub.addresses, at=at).key),
    )
    assert lies_on(hub, made[0]) == {second.key}


def test_a_withdrawal_and_a_laying_again_of_the_same_statements_do_not_wait_for_one_another(hub: Hub) -> None:
    """Of two statements of a run the one with the lower key lies on the specimen with the higher key, so that an order by
    specimens and one by statements go against each other."""
    home, (image,) = add_sheet(hub.runtime, "L 1", sizes=((SIDE, SIDE),))
    other, _ = add_sheet(hub.runtime, "L 2", sizes=())
    at, halves = hub.runtime.clock(), {home.key: (0, 0, 500, SIDE), other.key: (500, 0, SIDE, SIDE)}
    with hub.runtime.db.begin() as session:
        for key, corners in halves.items():
            catalogue.depict(session, key, image.key, region=OwnRegion(*corners), by=BY, at=at)
    upper, lower = max(home.key, other.key), min(home.key, other.key)

    def state(specimen: str) -> str:
        document = comment(f"{hub.addresses.image(image.key)}#xywh={halves[specimen][0] + 9},9,9,9")
        with hub.runtime.db.begin() as session:
            return service.create_machine(
                session, document, media=image, run_key="j1", kind="label", addresses=hub.addresses, at=at
            ).key

    last = state(lower)
    while (first := state(upper)) > last:
        with hub.runtime.db.begin() as session:
            service.delete(session, first, by=BY, at=at)

    def locked(session: Session) -> None:
        session.get(AnnotationRow, first, with_for_update=True)

    def work(act: Callable[[Session], Any]) -> None:
        with hub.runtime.db.begin() as session:
            act(session)

    with ThreadPoolExecutor(2) as pool:
        with hub.runtime.db.begin() as session:
            locked(session)
            lays = pool.submit(work, lambda session: laying.lay_again(session, image.key, after="", at=at))
            time.sleep(0.3)
            withdrawing = pool.submit(work, lambda session: withdrawal.withdraw_batch(session, "j1", at=at))
            time.sleep(0.3)
        lays.result(20)
        withdrawing.result(20)
    with hub.runtime.reads.begin() as session:
        assert all(row.withdrawn_at for row in (session.get(AnnotationRow, key) for key in (first, last)) if row)


def test_an_image_added_to_a_run_while_the_same_work_fails_elsewhere_is_not_said_to_be_under_way(hub: Hub) -> None:
    _, (image,) = add_sheet(hub.runtime, "L 1", sizes=((SIDE, SIDE),))
    at, naan = hub.runtime.clock(), hub.runtime.settings.naan
    with hub.runtime.db.begin() as session:
        failing = analytics.run_over(session, [image], by=BY, naan=naan, at=at)
        asked = Selection("images", media=(image.key,))
        retrying = analytics.open_run(session, asked, by=BY, naan=naan, at=at, retry=True)
    beside(
        hub,
        lambda session: tasks.fail(session, failing.key, image.key, "The disk was full.", at=at),
        lambda session: analytics.add_images(session, retrying.key, [image], at=at),
    )
    with hub.runtime.reads.begin() as session:
        assert "now does it again" in analytics.get_task(session, retrying.key, image.key).reason
        assert analytics.get_task(session, failing.key, image.key).state == "waiting"
