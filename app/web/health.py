"""For operators: is it alive, is it ready, and numbers for Prometheus.

The numbers come from the database and from all web processes of this machine, so it does not matter which of them answers.
"""

from collections.abc import Iterable

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app import doctor
from app.discovery import snapshots
from app.runtime import clock, context, identity, jobs_table, metrics, principal
from app.runtime.errors import Forbidden, NotAllowed
from app.runtime.http import answer
from app.runtime.outbox import OutboxRow, waiting_since

blueprint = Blueprint("health", __name__)


@blueprint.get("/health/live")
def live() -> Response:
    """This process answers, and whose it is; nothing else is asked."""
    return answer({"status": "alive", "hub": identity.name(context.current().settings)}, headers={"Cache-Control": "no-store"})


@blueprint.get("/health")
@blueprint.get("/health/ready")
def ready() -> Response:
    """Whether what every request needs is there: 200, or 503 with what is not."""
    checks = doctor.readiness(context.current())
    well = all(check.well for check in checks)
    body = {"status": "ready" if well else "not ready", "checks": {check.name: check.says for check in checks}}
    return answer(body, status=200 if well else 503, headers={"Cache-Control": "no-store"})


@blueprint.get("/metrics")
def numbers() -> Response:
    """Prometheus text format, for who bears the token of the settings, which needs no database to be known."""
    token = context.current().settings.metrics_token
    if not token:
        raise Forbidden("Metrics are closed on this hub: set LECTOTYPE_METRICS_TOKEN, then send it as Bearer token.")
    if not principal.sends(token):
        raise NotAllowed("Metrics are for operators: send LECTOTYPE_METRICS_TOKEN as Bearer token.")
    registry = CollectorRegistry()
    registry.register(_Numbers())
    registry.register(metrics.collector())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4, headers={"Cache-Control": "no-store"})


class _Numbers(Collector):
    """What waits, runs and failed, as the database has it."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("lectotype_database_up", "1 if the database answers.")
        try:
            with context.current().reads.begin() as session:
                jobs = jobs_table.count(session)
                outbox = dict(session.execute(select(OutboxRow.kind, func.count()).group_by(OutboxRow.kind)).all())
                since = {kind: waiting_since(session, kind) for kind in ("job", "index", "event")}
        except SQLAlchemyError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield _gauge("lectotype_jobs", "Jobs of the embedded broker by state.", "state", jobs)
        waiting = {kind: outbox.get(kind, 0) for kind in ("job", "index")}
        yield _gauge("lectotype_outbox_rows", "What the relay has still to carry over.", "kind", waiting)
        age = GaugeMetricFamily("lectotype_outbox_age_seconds", "How long the oldest of it has been waiting.")
        ages = {kind: (clock.now() - at).total_seconds() if at else 0.0 for kind, at in since.items()}
        age.add_metric([], max(ages.values()))
        yield age
        lag = GaugeMetricFamily("lectotype_index_lag_seconds", "How long the oldest change has waited for the search index.")
        lag.add_metric([], ages["index"])
        yield lag
        if (graph := snapshots.newest(context.current().settings)) is not None:
            old = GaugeMetricFamily("lectotype_graph_age_seconds", "How long ago the graph that SPARQL is put to was begun.")
            old.add_metric([], (clock.now() - graph.at).total_seconds())
            yield old


def _gauge(name: str, help_text: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, help_text, labels=[label])
    for value, number in values.items():
        gauge.add_metric([value], number)
    return gauge
