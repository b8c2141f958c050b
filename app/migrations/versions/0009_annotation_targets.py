"""The targets of every annotation, each with the images and specimens that it lies on.

What the analysis found has one target, a canvas, and all that is to be known of it stands in columns: one statement fills it
in. Of everything else the documents are read, a page at a time. Then what is about annotations comes to lie where those lie.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.migrations.first_selectors import box_of_fragment, box_of_selector
from app.runtime.db import Json

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PAGE = 500
MOST_ROUNDS = 50  # a thread of answers is as deep as that at most before the later ones keep what their columns said
KEY = r"[a-z]1[0-9bcdfghjkmnpqrstvwxz]{10}"
# What could be a target before, at the end of the address: the base may have changed since.
FORMS = (
    ("canvas", rf"/iiif/presentation/[23]/{KEY}/canvas/({KEY})"),
    ("specimen", rf"/iiif/presentation/[23]/({KEY})/manifest\.json"),
    ("image", rf"/iiif/[23]/({KEY})"),
    ("specimen", r"ark:/?\d+/(s1[0-9a-z]{10})"),
    ("image", r"ark:/?\d+/(m1[0-9a-z]{10})"),
    ("annotation", r"ark:/?\d+/(n1[0-9a-z]{10})"),
    ("annotation", r"/annotations/([A-Za-z0-9._~-]{1,64})"),
)
CORNERS = ("x0", "y0", "x1", "y1")
PLACE = ("media_key", "specimen_key", *CORNERS)
ANNOTATIONS = sa.table(
    "annotations",
    *map(sa.column, ("key", "layer", "version", *PLACE)),
    sa.column("document", Json),
)
TARGETS = sa.table(
    "annotation_targets", *map(sa.column, ("annotation_key", "position", "place", "kind", "key", "version", *PLACE))
)
MEDIA = sa.table("media", *map(sa.column, ("key", "specimen_key", "width_px", "height_px")))
INDEXES: Sequence[Sequence[str]] = (
    ("kind", "key", "annotation_key"),
    ("media_key", "annotation_key"),
    ("specimen_key", "annotation_key"),
)
REPLACED: Sequence[Sequence[str]] = (
    ("media_key", "layer", "deleted_at", "withdrawn_at", "key"),
    ("specimen_key", "deleted_at", "withdrawn_at", "key"),
)
Row = dict[str, Any]


def upgrade() -> None:
    op.create_table(
        "annotation_targets",
        sa.Column("annotation_key", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("media_key", sa.String(length=16), nullable=False),
        sa.Column("specimen_key", sa.String(length=16), nullable=False),
        *(sa.Column(corner, sa.Float(), nullable=True) for corner in CORNERS),
        sa.ForeignKeyConstraint(["annotation_key"], ["annotations.key"], name=op.f("fk_annotation_targets_annotation_key")),
        sa.PrimaryKeyConstraint("annotation_key", "position", "place", name=op.f("pk_annotation_targets")),
    )
    connection = op.get_bind()
    connection.execute(_found_by_machine())
    for page in _pages(connection, sa.select(ANNOTATIONS).where(sa.not_(_is_machine())), ANNOTATIONS.c.key):
        _fill(connection, page)
    for columns in INDEXES:
        op.create_index(op.f(f"ix_annotation_targets_{'_'.join(columns)}"), "annotation_targets", list(columns))
    for _ in range(MOST_ROUNDS):
        if not _follow(connection):
            break
    for columns in REPLACED:
        op.drop_index(op.f(f"ix_annotations_{'_'.join(columns)}"), table_name="annotations")


def downgrade() -> None:
    for columns in REPLACED:
        op.create_index(op.f(f"ix_annotations_{'_'.join(columns)}"), "annotations", list(columns))
    op.drop_table("annotation_targets")


def _is_machine() -> sa.ColumnElement[bool]:
    """What a run wrote and nobody has changed since."""
    return sa.and_(ANNOTATIONS.c.layer == "machine", ANNOTATIONS.c.version == 1, ANNOTATIONS.c.media_key != "")


def _found_by_machine() -> sa.Insert:
    place = [ANNOTATIONS.c[name] for name in PLACE]
    zero: sa.ColumnElement[int] = sa.literal_column("0")
    canvas: sa.ColumnElement[str] = sa.literal_column("'canvas'")
    chosen = sa.select(ANNOTATIONS.c.key, zero, zero, canvas, ANNOTATIONS.c.media_key, zero, *place).where(_is_machine())
    return sa.insert(TARGETS).from_select([column.name for column in TARGETS.c], chosen)


def _pages(connection: sa.Connection, query: sa.Select[Any], key: sa.ColumnClause[Any]) -> Iterator[Sequence[sa.RowMapping]]:
    """The rows of the query, at most PAGE at a time, in the order of a column that tells them apart."""
    after = ""
    while page := connection.execute(query.where(key > after).order_by(key).limit(PAGE)).mappings().all():
        yield page
        after = page[-1][key.name]


def _fill(connection: sa.Connection, page: Sequence[sa.RowMapping]) -> None:
    read = [(row, position, said) for row in page for position, said in enumerate(_several(row["document"]["target"]))]
    names = [_named(said) for _, _, said in read]
    media = _by_key(connection, MEDIA, {key for kind, key in names if kind in ("canvas", "image")})
    others = _by_key(connection, ANNOTATIONS, {key for kind, key in names if kind == "annotation"})
    rows = []
    for (row, position, said), (kind, key) in zip(read, names, strict=True):
        place = _place_in_columns(row) if position == 0 else _place(kind, key, said, media, others)
        if not kind:
            kind, key = ("canvas", row["media_key"]) if row["media_key"] else ("specimen", row["specimen_key"])
        rows.append(
            {"annotation_key": row["key"], "position": position, "place": 0, "kind": kind, "key": key, "version": 0, **place}
        )
    if rows:
        connection.execute(sa.insert(TARGETS), rows)


def _several(target: Any) -> Sequence[Any]:
    return target if isinstance(target, list) else [target]


def _named(target: Any) -> tuple[str, str]:
    """Kind and key of what the target names; both empty where that is nothing known."""
    iri = target
    if isinstance(target, Mapping):
        iri = target.get("source", target.get("id"))
        iri = iri[0] if isinstance(iri, list) and iri else iri
        iri = iri.get("id") if isinstance(iri, Mapping) else iri
    path = str(iri).partition("#")[0]
    for kind, form in FORMS:
        if match := re.search(rf"{form}$", path, re.ASCII):
            return kind, match[1]
    return "", ""


def _by_key(connection: sa.Connection, table: Any, keys: Iterable[str]) -> Mapping[str, sa.RowMapping]:
    columns = [column for column in table.c if column.name != "document"]
    found: dict[str, sa.RowMapping] = {}
    wanted = sorted(keys)
    for start in range(0, len(wanted), PAGE):
        query = sa.select(*columns).where(table.c.key.in_(wanted[start : start + PAGE]))
        found.update({row["key"]: row for row in connection.execute(query).mappings()})
    return found


def _place_in_columns(row: sa.RowMapping) -> Row:
    """The columns of an annotation are those of its first target."""
    return {name: row[name] for name in PLACE}


def _place(kind: str, key: str, said: Any, media: Mapping[str, sa.RowMapping], others: Mapping[str, sa.RowMapping]) -> Row:
    """Where a later target lies; nowhere if what it named is not here any more."""
    nowhere: Row = {"media_key": "", "specimen_key": "", **dict.fromkeys(CORNERS)}
    if kind == "specimen":
        return {**nowhere, "specimen_key": key}
    if kind == "annotation" and key in others:
        return _place_in_columns(others[key])
    if kind in ("canvas", "image") and key in media:
        image = media[key]
        return {
            "media_key": key,
            "specimen_key": image["specimen_key"],
            **_box(said, image["width_px"], image["height_px"]),
        }
    return nowhere


def _box(said: Any, width: int, height: int) -> Row:
    fragment = _fragment(said)
    try:
        box = box_of_selector(said.get("selector"), width, height) if isinstance(said, Mapping) else None
        box = box or (box_of_fragment(fragment, width, height) if fragment else None)
    except ValueError:  # it was accepted once; should it be read no more, it stands for the whole image
        box = None
    return dict(zip(CORNERS, box or (None,) * 4, strict=True))


def _fragment(said: Any) -> str:
    iri = said.get("source", said.get("id")) if isinstance(said, Mapping) else said
    iri = iri.get("id") if isinstance(iri, Mapping) else iri
    return str(iri).partition("#")[2]


def _follow(connection: sa.Connection) -> bool:
    """Let what is about annotations lie where those lie; whether anything has moved."""
    moved = False
    query = sa.select(TARGETS.c.annotation_key).where(TARGETS.c.kind == "annotation").distinct()
    for page in _pages(connection, query, TARGETS.c.annotation_key):
        keys = [row["annotation_key"] for row in page]
        about = _targets_of(connection, keys, "annotation")
        lying = _targets_of(connection, sorted({row["key"] for row in about}))
        places = {key: _distinct_places(rows) for key, rows in groupby(lying, key=lambda row: row["annotation_key"])}
        for _, group in groupby(about, key=lambda row: (row["annotation_key"], row["position"])):
            before = list(group)
            after = places.get(before[0]["key"], [])
            if after and after != [_place_in_columns(row) for row in before]:
                _lay(connection, before[0], after)
                moved = True
    return moved


def _targets_of(connection: sa.Connection, keys: Sequence[str], kind: str = "") -> Sequence[sa.RowMapping]:
    query = sa.select(TARGETS).where(TARGETS.c.annotation_key.in_(keys), *([TARGETS.c.kind == kind] if kind else []))
    order = (TARGETS.c.annotation_key, TARGETS.c.position, TARGETS.c.place)
    return connection.execute(query.order_by(*order)).mappings().all()


def _distinct_places(rows: Iterable[sa.RowMapping]) -> list[Row]:
    found: list[Row] = []
    for row in rows:
        place = _place_in_columns(row)
        if (place["media_key"] or place["specimen_key"]) and place not in found:
            found.append(place)
    return found


def _lay(connection: sa.Connection, target: sa.RowMapping, places: Sequence[Row]) -> None:
    at = (TARGETS.c.annotation_key == target["annotation_key"], TARGETS.c.position == target["position"])
    connection.execute(sa.delete(TARGETS).where(*at))
    plain = {name: target[name] for name in ("annotation_key", "position", "kind", "key", "version")}
    connection.execute(sa.insert(TARGETS), [{**plain, "place": number, **place} for number, place in enumerate(places)])
    if target["position"] == 0:  # whose place the columns of the annotation are
        itself = ANNOTATIONS.c.key == target["annotation_key"]
        connection.execute(sa.update(ANNOTATIONS).where(itself).values(**places[0]))
