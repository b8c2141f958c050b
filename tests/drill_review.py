"""Kills while people review: web processes die by SIGKILL at random moments while ten reviewers give verdicts.

`python -m tests.drill_review --kills 200 --database postgresql`. Each reviewer repeats a request under the same name until it
is answered. At the end every verdict that was answered 2xx is there once, states follow from verdicts, and the index has what
the database has.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from annotations import recount
from annotations import service as annotations
from annotations.search import consistency
from annotations.tables import AnnotationRow, VerdictRow
from app.runtime.context import Runtime
from iiif.catalogue.model import Media
from tests import live
from tests.people import add_person
from tests.services import database
from tests.sheets import add_sheet, comment

REVIEWERS, STATEMENTS, SEED = 10, 400, 7
KINDS = ("label", "name")  # of the second people judge blind
WEB_PROCESSES = 6
GROWN_S = 6.0  # a process that dies sooner is taken for one that cannot start, and granian then ends
LONGEST_S = 1_800
PAUSE_S = 0.05  # of a reviewer, between two verdicts


@dataclass
class Tally:
    """What reviewers were answered: for each name of a request the key of the verdict; and how often a request was broken off."""

    answered: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    asked, folder = parser.parse_args(), Path(tempfile.mkdtemp(prefix="drill-review-"))
    with database(asked.database) as url:
        told = {"database": asked.database} | drill(folder, asked.kills, url=url)
    if told["faults"]:
        sys.stderr.write(f"The data folder stays to be looked at: {folder}\n")
    else:
        shutil.rmtree(folder)
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    sys.exit(1 if told["faults"] else 0)


def drill(folder: Path, kills: int, processes: int = WEB_PROCESSES, *, url: str = "") -> dict[str, Any]:
    """Do it in that folder, and in the database at `url` where it is not SQLite; what happened, and what is wrong: an empty list
    of faults is what it is for."""
    began, tally = time.monotonic(), Tally()
    with live.web(folder, web_processes=processes, **({"database_url": url} if url else {})) as hub:
        _, (media,) = add_sheet(hub.runtime, "DRILL 1", sizes=((1000, 1000),))
        keys = _statements(hub.runtime, media)
        people = [add_person(hub.runtime, f"reviewer{number}", "reviewer") for number in range(REVIEWERS)]
        over = threading.Event()
        threads = [
            threading.Thread(target=_review, args=(hub, person.key, person.bearer, keys, media, tally, over, number))
            for number, person in enumerate(people)
        ]
        for thread in threads:
            thread.start()
        killed = _kill(hub, kills, tally)
        over.set()
        for thread in threads:
            thread.join(60)
        live.indexed(hub.runtime)
        faults = _faults(hub.runtime, tally)
    return {
        "kills": killed,
        "answered": len(tally.answered),
        "brokenOffAndRepeated": tally.broken,
        "refused": dict(tally.refused),
        "seconds": round(time.monotonic() - began),
        "faults": faults,
    }


def _statements(runtime: Runtime, media: Media) -> list[tuple[str, str]]:
    made = []
    with runtime.db.begin() as session:
        for number in range(STATEMENTS):
            document = comment(f"{runtime.addresses.image(media.key)}#xywh=10,10,50,50", f"Carex {number}")
            kind, how = KINDS[number % 2], {"media": media, "run_key": "x1", "at": runtime.clock()}
            one = annotations.create_machine(session, document, kind=kind, addresses=runtime.addresses, **how)  # type: ignore[arg-type]
            made.append((one.key, kind))
    return made


def _review(
    hub: live.Live,
    account: str,
    bearer: dict[str, str],
    keys: list[tuple[str, str]],
    media: Media,
    tally: Tally,
    over: threading.Event,
    number: int,
) -> None:
    """Judge one after the other until it is over; what was begun is repeated until it is answered."""
    chance = random.Random(SEED + number)
    while not over.is_set():
        key, _ = chance.choice(keys)
        said: dict[str, Any] = {"annotation": key, "version": 1, "clientKey": uuid.UUID(int=chance.getrandbits(128)).hex}
        said["verdict"] = chance.choice(("approved", "rejected", "uncertain"))
        if said["verdict"] == "rejected" and chance.random() < 0.3:
            own = comment(f"{hub.runtime.addresses.image(media.key)}#xywh=10,10,50,50", f"Carex {number}")
            said["correction"] = own
        _until_answered(hub, account, bearer, said, tally)
        time.sleep(PAUSE_S)


def _until_answered(hub: live.Live, account: str, bearer: dict[str, str], said: dict[str, Any], tally: Tally) -> None:
    headers = {**bearer, "Content-Type": "application/json"}
    for _ in range(200):
        request = urllib.request.Request(f"{hub.url}/api/verdicts", json.dumps(said).encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                answer = json.loads(response.read())
            with tally.lock:
                tally.answered[account, said["clientKey"]] = answer["key"]
            return
        except urllib.error.HTTPError as error:
            with error:
                if error.code < 500:
                    with tally.lock:
                        tally.refused[error.code] += 1
                    return
        except (OSError, HTTPException, ValueError):
            pass
        with tally.lock:
            tally.broken += 1
        time.sleep(0.05)
    raise AssertionError(f"a verdict was never answered: {said['clientKey']}")


def _kill(hub: live.Live, kills: int, tally: Tally) -> int:
    """Kill one of the processes that answer, again and again, a random moment after some verdicts more were answered."""
    chance, killed, seen = random.Random(SEED), 0, 0
    born = dict.fromkeys(_children(hub.process.pid), -GROWN_S)  # the first ones may die at once
    deadline = time.monotonic() + LONGEST_S
    while killed < kills and time.monotonic() < deadline and hub.process.poll() is None:
        now = time.monotonic()
        workers = [pid for pid in _children(hub.process.pid) if now - born.setdefault(pid, now) > GROWN_S]
        if not workers or len(tally.answered) < seen + chance.randint(1, 5):
            time.sleep(0.01)
            continue
        time.sleep(chance.uniform(0, 0.2))
        seen = len(tally.answered)
        try:
            os.kill(chance.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed += 1
    return killed


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _faults(runtime: Runtime, tally: Tally) -> list[str]:
    """What is not as it should be, in words."""
    found = []
    with runtime.reads.begin() as session:
        for (account, client_key), key in tally.answered.items():
            same = select(VerdictRow.key).where(VerdictRow.account == account, VerdictRow.client_key == client_key)
            rows = session.scalars(same).all()
            replaced = session.get(VerdictRow, key)
            if list(rows) != [key] and not (not rows and replaced is not None and replaced.account == account):
                found.append(f"{client_key}: answered {key}, kept {list(rows)}")
        doubled = (
            select(VerdictRow.annotation_key, VerdictRow.account)
            .where(VerdictRow.withdrawn_at.is_(None))
            .group_by(VerdictRow.annotation_key, VerdictRow.account)
            .having(func.count() > 1)
        )
        found += [f"{key}: two verdicts of {account} stand" for key, account in session.execute(doubled)]
        lone = select(VerdictRow.key).where(VerdictRow.key.not_in(select(AnnotationRow.key)))
        found += [f"{key}: a verdict without its annotation" for key in session.scalars(lone)]
        after, more = "", True
        while more:
            wrong, after = recount.check(session, after=after, limit=500)
            found += [f"{one.key}: stored {one.stored}, derived {one.derived}" for one in wrong]
            more = bool(after)
        found += [f"{one.key}: {one.fault} in the index" for one in consistency.differences(session, runtime.search)]
    return found


if __name__ == "__main__":
    main()
