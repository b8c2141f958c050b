"""Segments: parts of images that are things of their own, made from what machines have found and still say.

The images are gone through by key, so many at a time that what machines say of them fits in little memory. Statements of one
class whose boxes overlap by half or more are of one segment, which the first of them made; those of one run never are. A
segment has the class and the region of its first statement. The rules stand in annotations/segments and are repeated here, so
that this migration stays what it is.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from app.migrations.first_keys import key_of
from app.runtime.db import Json, Moment

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

IMAGES = 100  # at a time
CLASSES = {"label": "label", "text": "label", "ruler": "ruler", "barcode": "barcode", "outline": "specimen", "stamp": "stamp"}
SAME_IOU = 0.5
LIVE = ("unreviewed", "accepted", "disputed", "stale")
Box = tuple[int, int, int, int]  # x, y, width, height
Row = dict[str, Any]
ANNOTATIONS = sa.table(
    "annotations",
    *map(sa.column, ("key", "version", "layer", "kind", "media_key", "x0", "y0", "x1", "y1", "run_key", "state")),
    sa.column("deleted_at", Moment),
    sa.column("document", Json),
    sa.column("created_at", Moment),
    sa.column("withdrawn_at", Moment),
)
TARGETS = sa.table("annotation_targets", *map(sa.column, ("annotation_key", "media_key", "position", "place")))
MEDIA = sa.table("media", *map(sa.column, ("key", "width_px", "height_px")))
SHAPE = ("class_name", "selector", "x", "y", "width", "height")
SEGMENTS = sa.table(
    "segments",
    *map(sa.column, ("key", "version", "class_name", "media_key", "x", "y", "width", "height", "area_px", "state", "live")),
    *map(sa.column, ("leader_key", "leader_version", "made_by", "changes")),
    *(sa.column(name, Json) for name in ("selector", "derived_from", "successors")),
    *(sa.column(name, Moment) for name in ("created_at", "modified_at")),
)
VERSIONS = sa.table(
    "segment_versions",
    *map(sa.column, ("key", "version", "how", "class_name", "x", "y", "width", "height", "stored_by")),
    sa.column("selector", Json),
    sa.column("stored_at", Moment),
)
STATEMENTS = sa.table(
    "segment_statements",
    *map(sa.column, ("segment_key", "annotation_key", "part", "class_name", "run_key", "as_role")),
    sa.column("said_at", Moment),
)
OUTBOX = sa.table("outbox", *map(sa.column, ("kind", "name", "queue")), sa.column("payload", Json), sa.column("added_at", Moment))
INDEXES = (
    ("live", "class_name", "key"),
    ("live", "area_px", "key"),
    ("live", "class_name", "area_px", "key"),
    ("live", "key"),
    ("state", "class_name", "key"),
    ("state", "key"),
    ("media_key", "key"),
)


def upgrade() -> None:
    _make_tables()
    frame = sa.Column("frame", sa.String(length=48), server_default=sa.text("''"), nullable=False)
    op.add_column("annotation_targets", frame)
    connection, naan = op.get_bind(), context.config.attributes["naan"]
    for found in _by_image(connection):
        _enter(connection, [segment for statements in found for segment in _segments(statements)], naan)
    for columns in INDEXES:
        op.create_index(op.f(f"ix_segments_{'_'.join(columns)}"), "segments", list(columns))
    op.create_index(op.f("ix_segment_statements_annotation_key"), "segment_statements", ["annotation_key"])
    op.create_index(op.f("ix_segment_statements_run_key_segment_key"), "segment_statements", ["run_key", "segment_key"])


def downgrade() -> None:
    for name in ("segment_versions", "segment_statements", "segments"):
        op.drop_table(name)
    with op.batch_alter_table("annotation_targets") as targets:
        targets.drop_column("frame")


def _make_tables() -> None:
    op.create_table(
        "segments",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("class_name", sa.String(length=32), nullable=False),
        sa.Column("media_key", sa.String(length=16), nullable=False),
        sa.Column("selector", Json, nullable=False),
        *_corners(),
        sa.Column("area_px", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("leader_key", sa.String(length=64), nullable=False),
        sa.Column("leader_version", sa.Integer(), nullable=False),
        sa.Column("derived_from", Json, nullable=False),
        sa.Column("successors", Json, nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("modified_at", Moment(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_segments")),
    )
    op.create_table(
        "segment_statements",
        sa.Column("segment_key", sa.String(length=16), nullable=False),
        sa.Column("annotation_key", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("class_name", sa.String(length=32), nullable=False),
        sa.Column("run_key", sa.String(length=16), nullable=False),
        sa.Column("as_role", sa.String(length=16), nullable=False),
        sa.Column("said_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["segment_key"], ["segments.key"], name=op.f("fk_segment_statements_segment_key")),
        sa.ForeignKeyConstraint(["annotation_key"], ["annotations.key"], name=op.f("fk_segment_statements_annotation_key")),
        sa.PrimaryKeyConstraint("segment_key", "annotation_key", name=op.f("pk_segment_statements")),
    )
    op.create_table(
        "segment_versions",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("class_name", sa.String(length=32), nullable=False),
        sa.Column("selector", Json, nullable=False),
        *_corners(),
        sa.Column("stored_at", Moment(), nullable=False),
        sa.Column("stored_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["segments.key"], name=op.f("fk_segment_versions_key")),
        sa.PrimaryKeyConstraint("key", "version", name=op.f("pk_segment_versions")),
    )


def _corners() -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in ("x", "y", "width", "height")]


def _by_image(connection: sa.Connection) -> Iterator[list[list[sa.RowMapping]]]:
    """What machines say of parts of each image and still stands, the oldest first; several images at a time."""
    after = ""
    images = sa.select(MEDIA.c.key).where(MEDIA.c.width_px > 0).order_by(MEDIA.c.key).limit(IMAGES)
    while keys := connection.scalars(images.where(MEDIA.c.key > after)).all():
        after = keys[-1]
        found = connection.execute(_said_of(keys)).mappings().all()
        yield [list(statements) for _, statements in groupby(found, key=lambda row: row["media_key"])]


def _said_of(media_keys: Sequence[str]) -> sa.Select[Any]:
    names = ("key", "version", "kind", "media_key", "x0", "y0", "x1", "y1", "run_key", "state", "document", "created_at")
    return (
        sa.select(*(ANNOTATIONS.c[name] for name in names), MEDIA.c.width_px, MEDIA.c.height_px)
        .join(TARGETS, TARGETS.c.annotation_key == ANNOTATIONS.c.key)
        .join(MEDIA, MEDIA.c.key == TARGETS.c.media_key)
        .where(
            TARGETS.c.media_key.in_(media_keys),
            ANNOTATIONS.c.media_key == TARGETS.c.media_key,
            TARGETS.c.position == 0,
            TARGETS.c.place == 0,
            ANNOTATIONS.c.layer == "machine",
            ANNOTATIONS.c.kind.in_(list(CLASSES)),
            ANNOTATIONS.c.x0.is_not(None),
            sa.func.coalesce(ANNOTATIONS.c.deleted_at, ANNOTATIONS.c.withdrawn_at).is_(None),
        )
        .order_by(ANNOTATIONS.c.media_key, ANNOTATIONS.c.created_at, ANNOTATIONS.c.key)
    )


def _segments(statements: Sequence[sa.RowMapping]) -> list[list[sa.RowMapping]]:
    """The statements about one image, those of one segment together, with the one that made it first."""
    found: list[tuple[str, Box, list[sa.RowMapping]]] = []
    for row in statements:
        class_name, box = CLASSES[row["kind"]], _box(row)
        same = [
            (_overlap(other, box), -number, group)
            for number, (name, other, group) in enumerate(found)
            if name == class_name and row["run_key"] not in {one["run_key"] for one in group}
        ]
        best = max(same, key=lambda one: one[:2], default=None)
        if best is not None and best[0] >= SAME_IOU:
            best[2].append(row)
        else:
            found.append((class_name, box, [row]))
    return [group for _, _, group in found]


def _box(row: sa.RowMapping) -> Box:
    """The whole-number box around it, within the image."""
    x, y = min(max(math.floor(row["x0"]), 0), row["width_px"] - 1), min(max(math.floor(row["y0"]), 0), row["height_px"] - 1)
    right = min(max(math.ceil(row["x1"]), x + 1), row["width_px"])
    return x, y, right - x, min(max(math.ceil(row["y1"]), y + 1), row["height_px"]) - y


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(across, 0) * max(down, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def _enter(connection: sa.Connection, groups: Sequence[Sequence[sa.RowMapping]], naan: str) -> None:
    segments, versions, statements = [], [], []
    keys = _keys(connection, [group[0]["key"] for group in groups], naan)
    for key, group in zip(keys, groups, strict=True):
        segment = _segment(group, key)
        segments.append(segment)
        kept = {name: segment[name] for name in ("key", "version", *SHAPE)}
        versions.append({**kept, "how": "made", "stored_by": segment["made_by"], "stored_at": segment["created_at"]})
        for number, row in enumerate(group):
            part = "confirms" if number else "made"
            said = {"class_name": CLASSES[row["kind"]], "run_key": row["run_key"], "as_role": "", "said_at": row["created_at"]}
            statements.append({"segment_key": segment["key"], "annotation_key": row["key"], "part": part, **said})
    notes = [
        {"kind": "index", "name": "segment", "queue": "", "payload": {"key": segment["key"]}, "added_at": segment["created_at"]}
        for segment in segments
    ]
    for table, rows in ((SEGMENTS, segments), (VERSIONS, versions), (STATEMENTS, statements), (OUTBOX, notes)):
        if rows:
            connection.execute(sa.insert(table), rows)


def _keys(connection: sa.Connection, makers: Sequence[str], naan: str) -> list[str]:
    """A key for what each of these statements has made, which no other segment has: of a million, two may draw the same."""
    wanted = [key_of("r1", maker, naan) for maker in makers]
    used = set(connection.scalars(sa.select(SEGMENTS.c.key).where(SEGMENTS.c.key.in_(wanted)))) if wanted else set()
    keys = []
    for maker in makers:
        key = next(key for attempt in itertools.count() if (key := key_of("r1", maker, naan, attempt)) not in used)
        used.add(key)
        keys.append(key)
    return keys


def _segment(group: Sequence[sa.RowMapping], key: str) -> Row:
    """As its statements make it: accepted where one is, rejected where one is and none is accepted."""
    states = [row["state"] for row in group]
    refused = "accepted" not in states and ("rejected" in states or "superseded" in states)
    speaking = [row for row in group if row["state"] not in ("rejected", "superseded")]
    accepted = [row for row in speaking if row["state"] == "accepted"]
    first = (accepted or speaking or list(group))[0]
    state = "rejected" if refused else first["state"]
    x, y, width, height = _box(first)
    return {
        "key": key,
        "version": 1,
        "class_name": CLASSES[first["kind"]],
        "media_key": first["media_key"],
        "selector": _selector(first),
        **{"x": x, "y": y, "width": width, "height": height, "area_px": width * height},
        **{"state": state, "live": state in LIVE, "leader_key": first["key"], "leader_version": first["version"]},
        **{"derived_from": [], "successors": [], "made_by": group[0]["run_key"], "changes": 0},
        **{"created_at": group[0]["created_at"], "modified_at": first["created_at"]},
    }


def _selector(row: sa.RowMapping) -> list[Any]:
    """The selectors of its target, which count in canvas units; its box where they are written as an older release did."""
    target = row["document"].get("target")
    target = target[0] if isinstance(target, list) and target else target
    given = target.get("selector") if isinstance(target, Mapping) else None
    several = given if isinstance(given, list) else [given] if isinstance(given, Mapping) else []
    plain = [
        _plain(one) for one in several if isinstance(one, Mapping) and one.get("type") in ("FragmentSelector", "SvgSelector")
    ]
    if plain and "/canvas/" in str(target):
        return plain
    x0, y0, x1, y1 = (row[name] for name in ("x0", "y0", "x1", "y1"))
    value = f"xywh=pixel:{x0:g},{y0:g},{x1 - x0:g},{y1 - y0:g}"
    return [{"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/", "value": value}]


def _plain(selector: Mapping[str, Any]) -> Row:
    """Without the mask that it may name."""
    return {name: value for name, value in selector.items() if name in ("type", "conformsTo", "value", "hub:tolerance")}
