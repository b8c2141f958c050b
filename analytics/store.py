"""SQL of runs: rows in, frozen values out."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from analytics.model import Run
from analytics.tables import RunRow

FILTERS = {"state": RunRow.state, "pipeline": RunRow.pipeline, "media": RunRow.media_key, "specimen": RunRow.specimen_key, "kind": RunRow.kind}


def run(row: RunRow) -> Run:
    return Run(**{name: getattr(row, name) for name in Run.__dataclass_fields__})


def find(session: Session, key: str, *, lock: bool = False) -> RunRow | None:
    return session.get(RunRow, key, with_for_update=lock)


def find_of_media(session: Session, media_key: str, pipeline_version: str) -> RunRow | None:
    return session.scalar(select(RunRow).where(RunRow.media_key == media_key, RunRow.pipeline_version == pipeline_version))


def unfinished_of_media(session: Session, media_key: str) -> Sequence[RunRow]:
    return session.scalars(select(RunRow).where(RunRow.media_key == media_key, RunRow.state == "running", RunRow.kind == "analysis")).all()


def page(session: Session, where: Mapping[str, str], *, before: str, limit: int) -> Sequence[RunRow]:
    """Newest first, from the one behind the run whose key is `before`."""
    query = _where(select(RunRow), where)
    if before and (last := session.get(RunRow, before)) is not None:
        query = query.where(tuple_(RunRow.created_at, RunRow.key) < (last.created_at, last.key))
    return session.scalars(query.order_by(RunRow.created_at.desc(), RunRow.key.desc()).limit(limit)).all()


def count(session: Session, where: Mapping[str, str]) -> int:
    return session.scalar(_where(select(func.count()).select_from(RunRow), where)) or 0


def counts_by_state(session: Session) -> Mapping[tuple[str, str], int]:
    """Runs by (kind, state)."""
    rows = session.execute(select(RunRow.kind, RunRow.state, func.count()).group_by(RunRow.kind, RunRow.state))
    return {(kind, state): number for kind, state, number in rows}


def _where(query: Select[tuple[RunRow]] | Select[tuple[int]], where: Mapping[str, str]):  # type: ignore[no-untyped-def]
    for name, value in where.items():
        query = query.where(FILTERS[name] == value)
    return query
