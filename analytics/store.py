"""SQL of runs: rows in, frozen values out."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from analytics.model import Run
from analytics.tables import RunRow

FILTERS = {
    "state": RunRow.state,
    "kind": RunRow.kind,
    "pipeline": RunRow.pipeline,
    "media": RunRow.media_key,
    "specimen": RunRow.specimen_key,
}
NEWEST_FIRST = (RunRow.created_at.desc(), RunRow.key.desc())


def run(row: RunRow) -> Run:
    return Run(**{name: getattr(row, name) for name in Run.__dataclass_fields__})


def find(session: Session, key: str, *, lock: bool = False) -> RunRow | None:
    return session.get(RunRow, key, with_for_update=lock)


def find_of_media(session: Session, media_key: str, pipeline_version: str) -> RunRow | None:
    return session.scalar(select(RunRow).where(RunRow.media_key == media_key, RunRow.pipeline_version == pipeline_version))


def unfinished_of_media(session: Session, media_key: str) -> Sequence[RunRow]:
    return session.scalars(
        select(RunRow).where(RunRow.media_key == media_key, RunRow.state == "running", RunRow.kind == "analysis")
    ).all()


def page(session: Session, where: Mapping[str, str], *, offset: int, limit: int) -> Sequence[RunRow]:
    """Newest first."""
    query = select(RunRow).where(*_where(where)).order_by(*NEWEST_FIRST)
    return session.scalars(query.offset(offset).limit(limit)).all()


def of_media(session: Session, media_keys: Sequence[str]) -> Sequence[RunRow]:
    return session.scalars(select(RunRow).where(RunRow.media_key.in_(media_keys)).order_by(*NEWEST_FIRST)).all()


def count(session: Session, where: Mapping[str, str]) -> int:
    return session.scalar(select(func.count()).select_from(RunRow).where(*_where(where))) or 0


def counts_by_state(session: Session) -> Mapping[tuple[str, str], int]:
    """Runs by (kind, state)."""
    rows = session.execute(select(RunRow.kind, RunRow.state, func.count()).group_by(RunRow.kind, RunRow.state))
    return {(kind, state): number for kind, state, number in rows}


def latest_change(session: Session) -> str:
    """Steps done by the runs that have not ended; few rows even where there are millions of runs, as the index leads to them."""
    done = session.scalar(select(func.sum(RunRow.done)).where(RunRow.state == "running"))
    return str(done or 0)


def _where(where: Mapping[str, str]) -> list[ColumnElement[bool]]:
    return [FILTERS[name] == value for name, value in where.items() if value]
