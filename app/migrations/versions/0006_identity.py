"""A specimen is known by the identifier that its source gives it, else by its number in its collection (catalogue/identity.py).

Frozen here as that module was at this revision. Where several records of an older release have one identifier, it stays with
the first, and the others count it among the records of their number.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LONGEST = 600
APART = "\x1f"
UUID = "________-____-____-____-____________"
NUMBER = ("institution_code", "collection_code", "catalog_number")
OLD_NAME = "uq_specimens_institution_code_collection_code_catalog_number"
SPECIMENS = sa.table(
    "specimens",
    sa.column("key", sa.String),
    sa.column("interpreted", Json),
    sa.column("identity", sa.Text),
    *(sa.column(name, sa.String) for name in NUMBER),
)


def upgrade() -> None:
    op.add_column("specimens", sa.Column("identity", sa.Text(), nullable=True))
    _fill()
    _part_those_alike()
    _shorten()
    with op.batch_alter_table("specimens") as specimens:
        specimens.alter_column("identity", nullable=False)
        specimens.drop_constraint(OLD_NAME, type_="unique")
        specimens.create_unique_constraint(op.f("uq_specimens_identity"), ["identity"])
        specimens.create_index(
            op.f("ix_specimens_catalog_number_institution_code_collection_code"),
            ["catalog_number", "institution_code", "collection_code"],
        )


def downgrade() -> None:
    with op.batch_alter_table("specimens") as specimens:
        specimens.drop_index(op.f("ix_specimens_catalog_number_institution_code_collection_code"))
        specimens.drop_constraint(op.f("uq_specimens_identity"), type_="unique")
        specimens.create_unique_constraint(OLD_NAME, list(NUMBER))
        specimens.drop_column("identity")


def _fill() -> None:
    given = _given()
    is_global = given.like("%:%") | given.like(UUID)
    identity = sa.case((given.is_(None), _number()), (is_global, given), else_=_number() + APART + given)
    op.execute(sa.update(SPECIMENS).values(identity=identity))


def _part_those_alike() -> None:
    several = sa.select(SPECIMENS.c.identity, sa.func.min(SPECIMENS.c.key).label("first")).group_by(SPECIMENS.c.identity)
    alike = several.having(sa.func.count() > 1).subquery()
    others = sa.select(SPECIMENS.c.key).join(alike, SPECIMENS.c.identity == alike.c.identity)
    op.execute(
        sa.update(SPECIMENS)
        .values(identity=_number() + APART + _given())
        .where(SPECIMENS.c.key.in_(others.where(SPECIMENS.c.key != alike.c.first)))
    )


def _shorten() -> None:
    """The few that no index would take, by their digest."""
    connection = op.get_bind()
    long = sa.select(SPECIMENS.c.key, SPECIMENS.c.identity).where(sa.func.length(SPECIMENS.c.identity) > LONGEST)
    while rows := connection.execute(long.limit(1000)).all():
        for key, identity in rows:
            digest = f"sha-256:{hashlib.sha256(identity.encode()).hexdigest()}"
            connection.execute(sa.update(SPECIMENS).values(identity=digest).where(SPECIMENS.c.key == key))


def _given() -> sa.ColumnElement[str]:
    """The first identifier of the interpreted record; null where it has none."""
    terms = ("materialEntityID", "occurrenceID")
    return sa.func.coalesce(*(sa.func.nullif(SPECIMENS.c.interpreted[term].as_string(), "") for term in terms), type_=sa.Text())


def _number() -> sa.ColumnElement[str]:
    institution, collection, number = (SPECIMENS.c[name] for name in NUMBER)
    return institution + APART + collection + APART + number
