"""Runs over selections, with a task for each image; ingests in a table of their own."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, Moment

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

JSON_OF = {
    "sqlite": {
        "sources": "coalesce(json_extract(parameters, '$.sources'), '[]')",
        "process": "coalesce(json_extract(parameters, '$.process'), '')",
        "selection": "json_object('kind', 'images', 'media', json_array(media_key))",
        "empty object": "'{}'",
        "empty list": "'[]'",
        "false": "0",
    },
    "postgresql": {
        "sources": "coalesce(parameters -> 'sources', '[]'::jsonb)",
        "process": "coalesce(parameters ->> 'process', '')",
        "selection": "jsonb_build_object('kind', 'images', 'media', jsonb_build_array(media_key))",
        "empty object": "'{}'::jsonb",
        "empty list": "'[]'::jsonb",
        "false": "false",
    },
}


def upgrade() -> None:
    """Each run of one image keeps its key and becomes a run with one task; nothing is read into memory."""
    spelt = JSON_OF[op.get_bind().dialect.name]
    _set_aside()
    _create_ingests()
    _create_runs()
    _create_tasks()
    op.execute(f"""
        INSERT INTO ingests (key, state, sources, process, asked_by, code_version, environment, total, done, reason, report,
                             created_at, ended_at)
        SELECT key, state, {spelt["sources"]}, {spelt["process"]}, '', code_version, environment, total, done, reason, report,
               created_at, ended_at
        FROM runs_before WHERE kind = 'ingest'
    """)  # noqa: S608 - the words are ours
    op.execute(f"""
        INSERT INTO runs (key, state, pipeline, pipeline_version, code_version, other_code, models, parameters, seed, fingerprint,
                          environment, selection, ingest_key, again, retry, process, waiting, running, completed, failed,
                          cancelled, skipped, reason, asked_by, created_at, frozen_at, started_at, ended_at, cancelled_by,
                          retracted_by, retraction_reason, restored_by, under_way)
        SELECT key, state, pipeline, pipeline_version, code_version, {spelt["empty list"]}, {spelt["empty object"]}, parameters,
               0, '', environment, {spelt["selection"]}, '', {spelt["false"]}, {spelt["false"]}, '',
               CASE WHEN state = 'running' AND started_at IS NULL THEN 1 ELSE 0 END,
               CASE WHEN state = 'running' AND started_at IS NOT NULL THEN 1 ELSE 0 END,
               CASE WHEN state = 'completed' THEN 1 ELSE 0 END,
               CASE WHEN state = 'failed' THEN 1 ELSE 0 END,
               0, 0, '', '', created_at, created_at, started_at, ended_at, '', '', '', '', ''
        FROM runs_before WHERE kind <> 'ingest'
    """)  # noqa: S608 - the words are ours
    op.execute("""
        INSERT INTO run_tasks (run_key, media_key, state, input_digest, fingerprint, code_version, steps, done, reason,
                               started_at, ended_at)
        SELECT key, media_key, CASE WHEN state = 'running' AND started_at IS NULL THEN 'waiting' ELSE state END, input_digest, '',
               CASE WHEN started_at IS NULL THEN '' ELSE code_version END, steps, done, reason, started_at, ended_at
        FROM runs_before WHERE kind <> 'ingest'
    """)
    op.drop_table("runs_before")


def downgrade() -> None:
    raise NotImplementedError("Runs over several images have no place in the tables before: restore the backup.")


def _set_aside() -> None:
    op.drop_index(op.f("ix_runs_created_at_key"), table_name="runs")
    op.drop_index(op.f("ix_runs_state_created_at_key"), table_name="runs")
    op.rename_table("runs", "runs_before")
    if op.get_bind().dialect.name == "postgresql":  # whose constraints are indexes with names of their own
        op.execute("ALTER TABLE runs_before RENAME CONSTRAINT pk_runs TO pk_runs_before")


def _create_ingests() -> None:
    op.create_table(
        "ingests",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sources", Json, nullable=False),
        sa.Column("process", sa.String(length=255), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("code_version", sa.String(length=64), nullable=False),
        sa.Column("environment", Json, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("report", Json, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("ended_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ingests")),
    )
    op.create_index(op.f("ix_ingests_created_at_key"), "ingests", ["created_at", "key"], unique=False)
    op.create_index(op.f("ix_ingests_state_created_at_key"), "ingests", ["state", "created_at", "key"], unique=False)


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("pipeline_version", sa.String(length=64), nullable=False),
        sa.Column("code_version", sa.String(length=64), nullable=False),
        sa.Column("other_code", Json, nullable=False),
        sa.Column("models", Json, nullable=False),
        sa.Column("parameters", Json, nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("environment", Json, nullable=False),
        sa.Column("selection", Json, nullable=False),
        sa.Column("ingest_key", sa.String(length=16), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.Column("retry", sa.Boolean(), nullable=False),
        sa.Column("process", sa.String(length=255), nullable=False),
        *(
            sa.Column(state, sa.Integer(), nullable=False)
            for state in ("waiting", "running", "completed", "failed", "cancelled", "skipped")
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("frozen_at", Moment, nullable=True),
        sa.Column("started_at", Moment, nullable=True),
        sa.Column("ended_at", Moment, nullable=True),
        sa.Column("cancelled_by", sa.String(length=100), nullable=False),
        sa.Column("cancelled_at", Moment, nullable=True),
        sa.Column("retracted_by", sa.String(length=100), nullable=False),
        sa.Column("retracted_at", Moment, nullable=True),
        sa.Column("retraction_reason", sa.Text(), nullable=False),
        sa.Column("restored_by", sa.String(length=100), nullable=False),
        sa.Column("restored_at", Moment, nullable=True),
        sa.Column("under_way", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_runs")),
    )
    for columns in (["created_at", "key"], ["state", "created_at", "key"], ["pipeline", "created_at", "key"], ["ingest_key"]):
        op.create_index(op.f(f"ix_runs_{'_'.join(columns)}"), "runs", columns, unique=False)


def _create_tasks() -> None:
    op.create_table(
        "run_tasks",
        sa.Column("run_key", sa.String(length=16), nullable=False),
        sa.Column("media_key", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("input_digest", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("code_version", sa.String(length=64), nullable=False),
        sa.Column("steps", Json, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", Moment, nullable=True),
        sa.Column("ended_at", Moment, nullable=True),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_run_tasks_run_key")),
        sa.PrimaryKeyConstraint("run_key", "media_key", name=op.f("pk_run_tasks")),
    )
    for columns in (["run_key", "state", "media_key"], ["media_key", "fingerprint"]):
        op.create_index(op.f(f"ix_run_tasks_{'_'.join(columns)}"), "run_tasks", columns, unique=False)
