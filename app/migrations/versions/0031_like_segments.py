"""What is read in each segment, as a digest by which those with the same words are found."""

import hashlib
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

AT_ONCE = 1_000
SEGMENTS = sa.table("segments", *map(sa.column, ("key", "leader_key", "words")))
ANNOTATIONS = sa.table("annotations", *map(sa.column, ("key", "text")))
INDEX = "ix_segments_live_class_name_words_key"


def upgrade() -> None:
    op.add_column("segments", sa.Column("words", sa.String(length=32), server_default=sa.text("''"), nullable=False))
    connection, after = op.get_bind(), ""
    pairs = sa.select(SEGMENTS.c.key, ANNOTATIONS.c.text).join(ANNOTATIONS, ANNOTATIONS.c.key == SEGMENTS.c.leader_key)
    while rows := connection.execute(pairs.where(SEGMENTS.c.key > after).order_by(SEGMENTS.c.key).limit(AT_ONCE)).all():
        after = rows[-1].key
        said = [{"of": row.key, "digest": digest} for row in rows if (digest := _digest(row.text))]
        if said:
            itself = SEGMENTS.c.key == sa.bindparam("of")
            connection.execute(sa.update(SEGMENTS).where(itself).values(words=sa.bindparam("digest")), said)
    op.create_index(op.f(INDEX), "segments", ["live", "class_name", "words", "key"])


def downgrade() -> None:
    op.drop_index(op.f(INDEX), table_name="segments")
    with op.batch_alter_table("segments") as altered:
        altered.drop_column("words")


def _digest(text: str) -> str:
    """As `annotations/segments/likeness.py` had it then."""
    kept = unicodedata.normalize("NFC", text[:10_000]).casefold()
    plain = " ".join("".join(" " if unicodedata.category(char)[0] == "P" else char for char in kept).split())
    return hashlib.sha256(plain.encode()).hexdigest()[:32] if len(plain) >= 4 else ""
