"""The catalogue number as it is compared, in one Unicode form and in any case (iiif/catalogue/identity.py, as it was at this
revision), with the index by which numbers are looked up."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

AT_ONCE = 10_000
LONGEST = 255
SPECIMENS = sa.table("specimens", *map(sa.column, ("key", "catalog_number", "folded_number")))
OLD = ("ix_specimens_catalog_number_institution_code_collection_code", ["catalog_number", "institution_code", "collection_code"])
NEW = ("ix_specimens_folded_number_institution_code_collection_code", ["folded_number", "institution_code", "collection_code"])


def upgrade() -> None:
    op.add_column("specimens", sa.Column("folded_number", sa.String(length=255), server_default=sa.text("''"), nullable=False))
    op.execute(sa.update(SPECIMENS).values(folded_number=sa.func.substr(sa.func.lower(SPECIMENS.c.catalog_number), 1, LONGEST)))
    _correct()
    op.drop_index(op.f(OLD[0]), "specimens")
    op.create_index(op.f(NEW[0]), "specimens", NEW[1])


def downgrade() -> None:
    op.drop_index(op.f(NEW[0]), "specimens")
    op.create_index(op.f(OLD[0]), "specimens", OLD[1])
    op.drop_column("specimens", "folded_number")


def _correct() -> None:
    """What the database's own lower case is not: of letters beyond ASCII."""
    connection, after = op.get_bind(), ""
    page = sa.select(SPECIMENS).order_by(SPECIMENS.c.key).limit(AT_ONCE)
    change = sa.update(SPECIMENS).where(SPECIMENS.c.key == sa.bindparam("of")).values(folded_number=sa.bindparam("to"))
    while rows := connection.execute(page.where(SPECIMENS.c.key > after)).all():
        after = rows[-1].key
        others = [
            {"of": row.key, "to": _folded(row.catalog_number)} for row in rows if row.folded_number != _folded(row.catalog_number)
        ]
        if others:
            connection.execute(change, others)


def _folded(number: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", number).casefold())[:LONGEST]
