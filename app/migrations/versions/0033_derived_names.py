"""What names were made from: of annotations that their authors named, and of the pipelines and models of runs before."""

import hashlib

import sqlalchemy as sa
from alembic import context, op

from app.migrations.first_keys import ALPHABET
from app.runtime.db import Json

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

AT_ONCE = 5_000
KEY_LENGTH = 12
NAMES = sa.table("derived_names", *map(sa.column, ("key", "kind", "name", "version")), sa.column("details", Json))
ANNOTATIONS = sa.table("annotations", sa.column("key"))
RUNS = sa.table("runs", *map(sa.column, ("key", "pipeline", "pipeline_version")), sa.column("models", Json))


def upgrade() -> None:
    op.create_table(
        "derived_names",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=80), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_derived_names")),
    )
    op.create_index(op.f("ix_derived_names_kind_key"), "derived_names", ["kind", "key"])
    naan = str(context.config.attributes["naan"])
    _of_runs(naan)
    _of_annotations(naan)


def downgrade() -> None:
    op.drop_table("derived_names")


def _of_runs(naan: str) -> None:
    """A version of a pipeline and a model once, however many runs used it."""
    connection, known = op.get_bind(), dict[str, dict[str, object]]()
    pairs = sa.select(RUNS.c.pipeline, RUNS.c.pipeline_version).distinct()
    for name, version in connection.execute(pairs):
        _add(known, naan, "p1", "pipeline", name, version)
    after = ""
    while rows := connection.execute(_runs(after)).all():
        after = rows[-1].key
        for row in rows:
            for path, digest in (row.models or {}).items():
                _add(known, naan, "q1", "model", path, digest)
    if known:
        connection.execute(sa.insert(NAMES), list(known.values()))


def _runs(after: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(RUNS.c.key, RUNS.c.models).where(RUNS.c.key > after).order_by(RUNS.c.key).limit(AT_ONCE)


def _add(known: dict[str, dict[str, object]], naan: str, shoulder: str, kind: str, name: str, version: str) -> None:
    key = _derived(shoulder, naan, f"{name} {version}")
    known[key] = {"key": key, "kind": kind, "name": name, "version": version, "details": {}}


def _of_annotations(naan: str) -> None:
    """Those whose name is no key of the hub's own making."""
    connection, after = op.get_bind(), ""
    query = sa.select(ANNOTATIONS.c.key).order_by(ANNOTATIONS.c.key).limit(AT_ONCE)
    while keys := connection.scalars(query.where(ANNOTATIONS.c.key > after)).all():
        after = keys[-1]
        named = [key for key in keys if not _is_key(key, naan)]
        rows = [{"key": _derived("n1", naan, name), "kind": "annotation", "name": name} for name in named]
        if rows:
            connection.execute(sa.insert(NAMES), [{**row, "version": "", "details": {}} for row in rows])


def _is_key(key: str, naan: str) -> bool:
    is_drawn = len(key) == KEY_LENGTH and key[:2] == "n1" and all(char in ALPHABET for char in key[2:])
    return is_drawn and _check(f"{naan}/{key[:-1]}") == key[-1]


def _check(text: str) -> str:
    weights = (position * max(ALPHABET.find(char), 0) for position, char in enumerate(text, 1))
    return ALPHABET[sum(weights) % len(ALPHABET)]


def _derived(shoulder: str, naan: str, text: str) -> str:
    """As `app/runtime/ids.py` had it then."""
    number = int.from_bytes(hashlib.sha256(f"{naan}/{shoulder}:{text}".encode()).digest()) % len(ALPHABET) ** 9
    name = shoulder
    for _ in range(9):
        number, digit = divmod(number, len(ALPHABET))
        name += ALPHABET[digit]
    return name + _check(f"{naan}/{name}")
