"""What a sheet with a thousand segments costs: `make bench-segments`.

Milliseconds of processor time of each answer in one process on SQLite, the median of several, and the size of the answer. Every
segment was found by a machine and lies in one of twenty-five larger ones.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from sqlalchemy import insert, select
from sqlalchemy.orm import Session
from werkzeug.test import Client

from annotations import service as annotations
from annotations.segments import store
from annotations.segments.tables import SegmentRow, SegmentStatementRow, SegmentVersionRow
from annotations.selectors import MEDIA_FRAGMENTS
from annotations.tables import AnnotationRow, AnnotationTargetRow
from app import compose
from app.runtime import context, ids
from app.runtime.settings import Settings
from iiif.catalogue.model import Media
from tests.people import Person, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub

ROUNDS = 15
SIDE, LARGE = 10_000, 25
CLASSES = ("barcode", "ruler", "text", "outline")


@click.command()
@click.option("--segments", default=1000, show_default=True)
def main(segments: int) -> None:
    """Print the rows of docs/performance.md."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = compose.build(Settings(data_dir=Path(folder), base_url="http://bench.test"))
        compose.prepare(runtime)
        context.use(runtime)
        hub = make_hub(runtime)
        _, (media,) = add_sheet(runtime, "B 1", sizes=((SIDE, SIDE),))
        fill(hub, media, segments)
        cat = add_person(runtime, "cat", "curator")
        with runtime.reads.begin() as session:
            key = session.query(SegmentRow.key).order_by(SegmentRow.area_px).limit(1).scalar()
        client = Client(hub.client.application, use_cookies=False)  # each request says itself who asks
        for name, path, headers in asked(media, str(key), cat):
            took, size = measured(client, path, headers)
            click.echo(f"| {name} | {took:,.0f} | {size / 1000:,.0f} |")
        runtime.search.close()
        runtime.database.engine.dispose()


def fill(hub: Hub, media: Media, segments: int) -> None:
    """Large labels over the sheet, and small parts in them."""
    across = 5
    step = SIDE // across
    boxes = [(step * (n % across), step * (n // across), step - 40, step - 40, "label") for n in range(LARGE)]
    for number in range(segments - LARGE):
        x, y, _, _, _ = boxes[number % LARGE]
        place = number // LARGE
        boxes.append((x + 10 + 40 * (place % 40), y + 10 + 200 * (place // 40), 30, 150, CLASSES[number % len(CLASSES)]))
    canvas = hub.addresses.canvas(media.specimen_key, media.key)
    made: dict[str, str] = {}
    with hub.runtime.db.begin() as session:
        how: Any = {"media": media, "run_key": "x1", "addresses": hub.addresses, "at": hub.runtime.clock()}
        for x, y, width, height, kind in boxes:
            if kind in made:
                clone(session, made[kind], (x, y, width, height), hub)
                continue
            said = comment(f"{canvas}#xywh={x},{y},{width},{height}", "Carex")
            made[kind] = annotations.create_machine(session, said, kind=kind, **how).key


def clone(session: Session, key: str, box: tuple[int, int, int, int], hub: Hub) -> None:
    """The same statement and segment at another place: analyses take their time, and what is read is what is measured."""
    naan, (x, y, width, height) = hub.runtime.settings.naan, box
    (old,) = store.behind(session, [key])
    said, part = ids.new_key(ids.ANNOTATION, naan), ids.new_key(ids.REGION, naan)
    corners = {"x0": x, "y0": y, "x1": x + width, "y1": y + height}
    placed = {"x": x, "y": y, "width": width, "height": height, "area_px": width * height}
    place = f"xywh=pixel:{x},{y},{width},{height}"
    placed_there = {**placed, "selector": [{"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": place}]}
    for table, column, value, new in (
        (AnnotationRow, AnnotationRow.key, key, {"key": said, **corners}),
        (AnnotationTargetRow, AnnotationTargetRow.annotation_key, key, {"annotation_key": said, **corners}),
        (SegmentRow, SegmentRow.key, old, {"key": part, "leader_key": said, **placed_there}),
        (SegmentVersionRow, SegmentVersionRow.key, old, {"key": part, **placed_there}),
        (SegmentStatementRow, SegmentStatementRow.segment_key, old, {"segment_key": part, "annotation_key": said}),
    ):
        columns = table.__table__.columns
        for row in session.execute(select(*columns).where(column == value)).mappings().all():
            kept = {name: row[name] for name in columns.keys()}  # noqa: SIM118 - they are columns otherwise
            session.execute(insert(table).values({**kept, **{name: one for name, one in new.items() if name in kept}}))


def asked(media: Media, key: str, cat: Person) -> list[tuple[str, str, dict[str, str]]]:
    html = {"Accept": "text/html"}
    sheet = f"/specimens/{media.specimen_key}"
    return [
        ("page of the specimen", sheet, html),
        ("the same for a curator", sheet, {**html, **cat.cookie}),
        ("manifest of the specimen, with its Range", f"/iiif/presentation/3/{media.specimen_key}/manifest.json", {}),
        ("page of links to segments, of the canvas", f"/canvases/{media.key}/annotations/segments.json", {}),
        ("what a machine said, of the canvas", f"/canvases/{media.key}/annotations/machine.json", {}),
        ("page of a segment", f"/segments/{key}", html),
        ("the same for a curator, with what it can be merged with", f"/segments/{key}", {**html, **cat.cookie}),
        ("manifest of a segment", f"/iiif/presentation/3/{key}/manifest.json", {}),
        ("what is said in a segment", f"/canvases/{key}/annotations/machine.json", {}),
        ("frame of a segment", f"/embed/{key}", html),
        ("`/api/segments?media=`, 500 of them", f"/api/segments?media={media.key}&limit=500", {}),
    ]


def measured(client: Client, path: str, headers: dict[str, str]) -> tuple[float, int]:
    """Milliseconds of processor time, the median, and bytes."""
    times, size = [], 0
    for _ in range(ROUNDS):
        begun = time.process_time()
        answer = client.get(path, headers=headers)
        size = len(answer.data)
        times.append(1000 * (time.process_time() - begun))
        assert answer.status_code == 200, (path, answer.text[:300])
    return statistics.median(times), size


if __name__ == "__main__":
    main()
