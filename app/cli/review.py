"""`lectotype check-states`: the stored review states held to the verdicts that they follow from, and the queue to the states."""

import json
import sys
from dataclasses import asdict

import click

from annotations import recount, waiting
from annotations.recount import WrongState
from annotations.waiting import WrongItem
from app import compose
from app.runtime.context import Runtime

PAGE = 500


@click.command("check-states")
@click.option("--repair", is_flag=True, help="Store the states that follow from the verdicts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one for each wrong state, the summary last.")
def check_states(repair: bool, as_json: bool) -> None:
    """Derive every review state anew and compare it with the one that is stored; exit status 1 if they differ.

    Run it with --repair after the policy has changed.
    """
    runtime = compose.build()
    compose.prepare(runtime)
    wrong, after, more = 0, "", True
    while more:
        with runtime.reads.begin() as session:
            found, after = recount.check(session, after=after, limit=PAGE)
        for one in found:
            wrong += 1
            _tell(one, as_json)
            if repair:
                with runtime.db.begin() as session:
                    recount.lock(session, [one.key])
                    recount.recount(session, one.key, by="system", at=runtime.clock())
        more = bool(after)
    items, counts = _check_queue(runtime, repair, as_json)
    anything = bool(wrong or items or counts)
    mended = repair and anything
    if as_json:
        click.echo(json.dumps({"wrong": wrong, "queue": items, "counts": counts, "repaired": mended}))
    else:
        click.echo(f"{wrong or 'No'} states differ from their verdicts{', and are stored anew' if mended and wrong else ''}.")
        click.echo(
            f"{items or 'No'} places in the queue and {counts or 'no'} counts of it are wrong{_mended(mended, items, counts)}."
        )
    sys.exit(1 if anything and not repair else 0)


def _mended(mended: bool, items: int, counts: int) -> str:
    return ", and are stored anew" if mended and (items or counts) else ""


def _check_queue(runtime: Runtime, repair: bool, as_json: bool) -> tuple[int, int]:
    """How many places in the queue were wrong, and how many counts."""
    wrong, after, more = 0, "", True
    while more:
        with runtime.reads.begin() as session:
            found, after = waiting.check(session, after=after, limit=PAGE)
        for one in found:
            wrong += 1
            _tell(one, as_json)
        if repair and found:
            with runtime.db.begin() as session:
                waiting.follow(session, [one.key for one in found])
        more = bool(after)
    with (runtime.db if repair else runtime.reads).begin() as session:
        return wrong, waiting.check_counts(session, repair=repair)


def _tell(one: WrongState | WrongItem, as_json: bool) -> None:
    click.echo(json.dumps(asdict(one)) if as_json else f"{one.key}: stored {one.stored}, derived {one.derived}")
