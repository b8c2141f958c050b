"""`lectotype check-states`: the stored review states held to the verdicts that they follow from."""

import json
import sys
from dataclasses import asdict

import click

from annotations import recount
from annotations.recount import WrongState
from app import compose

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
                    recount.recount(session, one.key, at=runtime.clock())
        more = bool(after)
    mended = repair and wrong > 0
    if as_json:
        click.echo(json.dumps({"wrong": wrong, "repaired": mended}))
    else:
        click.echo(f"{wrong or 'No'} states differ from their verdicts{', and are stored anew' if mended else ''}.")
    sys.exit(1 if wrong and not repair else 0)


def _tell(one: WrongState, as_json: bool) -> None:
    click.echo(json.dumps(asdict(one)) if as_json else f"{one.key}: stored {one.stored}, derived {one.derived}")
