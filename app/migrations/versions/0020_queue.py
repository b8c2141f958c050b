"""The queue: which statements wait for verdicts, in lines that are counted; who holds which, who skipped which; and batches."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, Moment

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ORDERS = ("gain", "uncertainty", "disagreement", "since")
WAITING = """a.deleted_at IS NULL AND a.withdrawn_at IS NULL AND a.layer <> 'review' AND a.kind <> ''
    AND a.state IN ('unreviewed', 'stale', 'disputed') AND (a.media_key <> '' OR a.specimen_key <> '')"""
LINES = f"""
    SELECT DISTINCT a.kind, COALESCE(s.institution_code, ''), COALESCE(s.collection_code, ''), a.state
    FROM annotations a LEFT JOIN specimens s ON s.key = a.specimen_key WHERE {WAITING}"""  # noqa: S608 - no value from outside
UNCERTAINTY = """CASE WHEN a.confidence IS NULL THEN 0.5 WHEN a.confidence > 1 THEN 0.0
    WHEN a.confidence < 0 THEN 1.0 ELSE 1 - a.confidence END"""
ITEMS = f"""
    INSERT INTO queue_items (annotation_key, line, media_key, kind, run_key, author, version, gain, uncertainty, disagreement,
        since, resting)
    SELECT a.key, q.key, a.media_key, a.kind, a.run_key, CASE WHEN a.layer = 'people' THEN v.stored_by ELSE '' END,
        a.substance_version, 0.0, {UNCERTAINTY}, CASE WHEN a.state = 'stale' THEN 0.25 ELSE 0.0 END,
        a.created_at, (SELECT COUNT(*) FROM annotations r WHERE r.rests_on = a.key)
    FROM annotations a LEFT JOIN specimens s ON s.key = a.specimen_key
    JOIN annotation_versions v ON v.key = a.key AND v.version = 1
    JOIN queue_lines q ON q.kind = a.kind AND q.institution_code = COALESCE(s.institution_code, '')
        AND q.collection_code = COALESCE(s.collection_code, '') AND q.state = a.state
    WHERE {WAITING}"""  # noqa: S608 - no value from outside
WIDTH = """((CASE WHEN a.x1 < b.x1 THEN a.x1 ELSE b.x1 END) - (CASE WHEN a.x0 > b.x0 THEN a.x0 ELSE b.x0 END))"""
HEIGHT = """((CASE WHEN a.y1 < b.y1 THEN a.y1 ELSE b.y1 END) - (CASE WHEN a.y0 > b.y0 THEN a.y0 ELSE b.y0 END))"""
CONFLICTS = f"""
    UPDATE queue_items SET disagreement = 0.5 WHERE run_key <> '' AND media_key <> '' AND EXISTS (
        SELECT 1 FROM queue_items o JOIN annotations b ON b.key = o.annotation_key
        JOIN annotations a ON a.key = queue_items.annotation_key
        WHERE o.media_key = queue_items.media_key AND o.kind = queue_items.kind AND o.run_key <> queue_items.run_key
        AND o.run_key <> ''
        AND (ABS(a.value - b.value) > 0.02 * (CASE WHEN ABS(a.value) > ABS(b.value) THEN ABS(a.value) ELSE ABS(b.value) END)
            OR (a.value IS NULL AND b.value IS NULL AND a.text <> b.text AND {WIDTH} > 0 AND {HEIGHT} > 0
                AND {WIDTH} * {HEIGHT} >= 0.5 * ((a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0)
                    - {WIDTH} * {HEIGHT}))))"""  # noqa: S608 - no value from outside
DIVIDED = """
    UPDATE queue_items SET disagreement = (
        SELECT CASE WHEN d.a * d.r > 0 AND 2.0 * (CASE WHEN d.a < d.r THEN d.a ELSE d.r END) / (d.a + d.r)
                > queue_items.disagreement
            THEN 2.0 * (CASE WHEN d.a < d.r THEN d.a ELSE d.r END) / (d.a + d.r) ELSE queue_items.disagreement END
        FROM (SELECT {approved} AS a, {rejected} AS r FROM annotations n WHERE n.key = queue_items.annotation_key) d)
    WHERE line IN (SELECT key FROM queue_lines WHERE state = 'disputed')"""
GAIN = """
    UPDATE queue_items SET gain = uncertainty * (1 + disagreement)
        * (CASE WHEN EXISTS (SELECT 1 FROM annotations a JOIN specimens s ON s.key = a.specimen_key
            WHERE a.key = queue_items.annotation_key AND COALESCE({type_status}, '') <> '') THEN 2 ELSE 1 END)
        * (1 + (CASE WHEN resting > 30 THEN 30 ELSE resting END) / 10.0)
        * (CASE WHEN EXISTS (SELECT 1 FROM annotations a WHERE a.key = queue_items.annotation_key AND a.layer = 'machine'
            AND CAST(a.motivations AS TEXT) = '["assessing"]' AND a.x0 IS NULL AND a.value IS NULL) THEN 0.2 ELSE 1 END)"""


def upgrade() -> None:
    _make_tables()
    columns = ["media_key", "kind", "run_key", "annotation_key"]
    op.create_index(op.f(f"ix_queue_items_{'_'.join(columns)}"), "queue_items", columns)
    fill(op.get_bind())
    for order in ORDERS:
        op.create_index(op.f(f"ix_queue_items_line_{order}_annotation_key"), "queue_items", ["line", order, "annotation_key"])
    op.create_index(op.f("ix_queue_items_leased_by_leased_until"), "queue_items", ["leased_by", "leased_until"])


def downgrade() -> None:
    for table in ("verdict_batches", "queue_skips", "queue_counts", "queue_items", "queue_lines"):
        op.drop_table(table)


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _make_tables() -> None:
    op.create_table(
        "queue_lines",
        _text("key", 32), _text("kind", 32), _text("stated_class", 100), _text("institution_code", 255),
        _text("collection_code", 255), _text("state", 16),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_queue_lines")),
    )  # fmt: skip
    op.create_index(op.f("ix_queue_lines_kind"), "queue_lines", ["kind"])
    op.create_table(
        "queue_items",
        _text("annotation_key", 64), _text("line", 32), _text("media_key", 16), _text("kind", 32), _text("run_key", 16),
        _text("author", 100), sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ORDERS[:3]),
        sa.Column("since", Moment(), nullable=False), sa.Column("resting", sa.Integer(), nullable=False),
        sa.Column("leased_by", sa.String(100), server_default=sa.text("''"), nullable=False),
        sa.Column("leased_until", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["annotation_key"], ["annotations.key"], name=op.f("fk_queue_items_annotation_key")),
        sa.ForeignKeyConstraint(["line"], ["queue_lines.key"], name=op.f("fk_queue_items_line")),
        sa.PrimaryKeyConstraint("annotation_key", name=op.f("pk_queue_items")),
    )  # fmt: skip
    op.create_table(
        "queue_counts",
        sa.Column("id", ID, autoincrement=True, nullable=False), _text("line", 32),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["line"], ["queue_lines.key"], name=op.f("fk_queue_counts_line")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_counts")),
    )  # fmt: skip
    op.create_index(op.f("ix_queue_counts_line_change"), "queue_counts", ["line", "change"])
    op.create_table(
        "queue_skips",
        _text("account", 100), _text("annotation_key", 64), sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["annotation_key"], ["annotations.key"], name=op.f("fk_queue_skips_annotation_key")),
        sa.PrimaryKeyConstraint("account", "annotation_key", name=op.f("pk_queue_skips")),
    )  # fmt: skip
    op.create_table(
        "verdict_batches",
        _text("key", 64), _text("account", 100), _text("client_key", 64),
        sa.Column("asked", Json, nullable=False), sa.Column("chosen", Json, nullable=False),
        sa.Column("given_at", Moment(), nullable=False), sa.Column("undone_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_verdict_batches")),
    )  # fmt: skip
    op.create_index(op.f("ix_verdict_batches_account_client_key"), "verdict_batches", ["account", "client_key"], unique=True)


def fill(connection: sa.Connection) -> None:
    """Bring in what waits now, set by set; the tables are empty. Lines are few: as many as there are kinds in collections."""
    lines = connection.execute(sa.text(LINES)).all()
    insert = sa.text("INSERT INTO queue_lines VALUES (:key, :kind, :stated_class, :institution_code, :collection_code, :state)")
    for kind, institution_code, collection_code, state in lines:
        told = [kind, kind, institution_code, collection_code, state]
        key = hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:32]
        names = ("kind", "stated_class", "institution_code", "collection_code", "state")
        connection.execute(insert, {"key": key, **dict(zip(names, told, strict=True))})
    connection.execute(sa.text(ITEMS))
    connection.execute(sa.text(CONFLICTS))
    on_postgresql = connection.dialect.name == "postgresql"
    voices = {
        side: f"CAST(n.state_reason ->> '{side}' AS REAL)" if on_postgresql else f"json_extract(n.state_reason, '$.{side}')"
        for side in ("approved", "rejected")
    }
    connection.execute(sa.text(DIVIDED.format(**voices)))
    type_status = "s.interpreted ->> 'typeStatus'" if on_postgresql else "json_extract(s.interpreted, '$.typeStatus')"
    connection.execute(sa.text(GAIN.format(type_status=type_status)))
    connection.execute(sa.text("INSERT INTO queue_counts (line, change) SELECT line, COUNT(*) FROM queue_items GROUP BY line"))
