"""Freezing: what answers the question now becomes a version that never changes.

First the index catches up with the database. Then it proposes all keys, and one snapshot of the database decides, page by page:
which images go in, with which annotations. Members are staged in their tables under the number of the version to come, which
nobody sees before the last transaction. A freeze that was killed leaves no version: the next one clears what it staged.
"""

import hashlib
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from importlib import metadata
from itertools import islice
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotations.datasets import manifest, members, rights_summary, splitting, store
from annotations.datasets.errors import BeingFrozen, IndexLags, NothingToFreeze, UnknownDataset
from annotations.datasets.model import Dataset, Version
from annotations.datasets.service import FROZEN, require_keeper
from annotations.datasets.tables import DatasetVersionRow
from app.runtime import events, processes
from app.runtime.blobs import CHUNK, Blobs
from app.runtime.context import Runtime
from app.runtime.outbox import OutboxRow
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media

BATCH = 500  # images staged in one transaction
AWAIT_INDEX_S = 300.0  # how long the index may take to catch up
SILENT = timedelta(minutes=10)  # after which a freeze on another machine counts as dead
EXAMPLES = 20  # of what was left out, for each reason
Progress = Callable[[str, int], None]


@dataclass(slots=True)
class LeftOut:
    """What was found and does not go in, by reason, with some of the keys."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, key: str) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        if len(kept := self.examples.setdefault(reason, [])) < EXAMPLES:
            kept.append(key)

    def to_json(self) -> list[dict[str, Any]]:
        return [{"reason": name, "images": self.counts[name], "examples": self.examples[name]} for name in sorted(self.counts)]


def freeze(
    runtime: Runtime,
    key: str,
    *,
    by: Principal,
    progress: Progress = lambda _stage, _done: None,
    wait_s: float = AWAIT_INDEX_S,
) -> Version | None:
    """Freeze what answers the question of the dataset now; None where that is what the newest version holds.

    Raises UnknownDataset, NotAllowed, Forbidden, BeingFrozen, IndexLags, NothingToFreeze, and what the search raises.
    """
    await_index(runtime, wait_s)
    dataset, number = _begin(runtime, key, by)
    work = _Freezing(runtime, dataset, number, progress)
    try:
        return work.run()
    except BaseException:
        with runtime.db.begin() as session:
            store.clear(session, key, number)
        raise


def await_index(runtime: Runtime, wait_s: float) -> None:
    """Wait until the relay has told the index all that is in the database now. Raises IndexLags."""
    ends = time.monotonic() + wait_s
    of_index = OutboxRow.kind == "index"
    with runtime.reads.begin() as session:
        last = session.scalar(select(func.max(OutboxRow.id)).where(of_index)) or 0
    while True:
        with runtime.reads.begin() as session:
            left = session.scalar(select(OutboxRow.id).where(of_index, OutboxRow.id <= last).limit(1))
        if left is None:
            return
        if time.monotonic() >= ends:
            raise IndexLags(
                "The search index has not caught up with the database, so that images would be missing: "
                "the relay (`lectotype serve` or `lectotype relay`) must be at work. Try again when it is."
            )
        time.sleep(0.05)


def _begin(runtime: Runtime, key: str, by: Principal) -> tuple[Dataset, int]:
    """Claim the number of the next version. Raises UnknownDataset, NotAllowed, Forbidden, BeingFrozen."""
    now = runtime.clock()
    with runtime.db.begin() as session:
        row = store.find(session, key, lock=True)
        if row is None:
            raise UnknownDataset(f"There is no dataset {key[:40]!r} here.")
        require_keeper(by, row.created_by)
        mine = DatasetVersionRow.dataset_key == key
        for left in session.scalars(select(DatasetVersionRow).where(mine, DatasetVersionRow.state == "building")).all():
            if not processes.is_dead(left.owner) and now - left.alive_at < SILENT:
                raise BeingFrozen(f"The dataset {key} is being frozen now: wait for that to end.")
            store.clear(session, key, left.number)
        number = (session.scalar(select(func.max(DatasetVersionRow.number)).where(mine)) or 0) + 1
        session.add(
            DatasetVersionRow(
                dataset_key=key,
                number=number,
                state="building",
                told={},
                summary={},
                previous=row.newest,
                code_version=metadata.version("lectotype"),
                asked_at=now,
                asked_by=by.name,
                owner=processes.name(),
                alive_at=now,
            )
        )
        return store.dataset(row), number


class _Freezing:
    """One freeze, from the claimed number to the version."""

    def __init__(self, runtime: Runtime, dataset: Dataset, number: int, progress: Progress) -> None:
        self.runtime, self.dataset, self.number, self.progress = runtime, dataset, number, progress
        self.key, self.left_out, self.images = dataset.key, LeftOut(), 0
        self.position = 0

    def run(self) -> Version | None:
        with self._snapshot() as session:
            self.position = session.scalar(select(func.max(OutboxRow.id))) or 0
            self._stage_all(session)
        if not self.images:
            reasons = "; ".join(f"{number} {reason}" for reason, number in sorted(self.left_out.counts.items()))
            raise NothingToFreeze(
                "No image that may go into a dataset answers this question." + (f" Left out: {reasons}." if reasons else "")
            )
        joined = self._split()
        told = self._told()
        with self.runtime.reads.begin() as session:
            summary = self._summary(session, joined, told)
            sealed = manifest.seal(manifest.lines(session, self.key, self.number, told, self.runtime.settings.naan))
        return self._finish(told, summary, sealed)

    @contextmanager
    def _snapshot(self) -> Iterator[Session]:
        """One moment of the database, for as long as it takes."""
        with self.runtime.reads.begin() as session:
            if session.get_bind().dialect.name == "postgresql":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def _stage_all(self, session: Session) -> None:
        for found in members.found(session, self.runtime.search, self.dataset.selection):
            keys = sorted(found.media)
            for start in range(0, len(keys), BATCH):
                self._stage(session, keys[start : start + BATCH], found.annotations)

    def _stage(self, session: Session, media_keys: Sequence[str], chosen: Sequence[str] | None) -> None:
        with self.runtime.reads.begin() as now:  # what this freeze has staged itself is younger than the snapshot
            known = store.staged(now, self.key, self.number, media_keys)
        fresh = catalogue.media_by_key(session, [key for key in media_keys if key not in known])
        images = [one for one in fresh.values() if self._goes_in(one)]
        described = members.describe(session, images)
        able = [one for one in images if self._admitted(one, described[one.key])]
        with self.runtime.reads.begin() as now:
            checked = store.checked_before(now, [one.sha256 for one in able])
        rows = []
        for one in able:
            crc32 = 0
            if one.access == "open":
                found = _checked(self.runtime.blobs, one, checked)
                if found is None:
                    self.left_out.add("whose file is lost or damaged", one.key)
                    continue
                crc32 = found
            rows.append({**described[one.key], "dataset_key": self.key, "number": self.number, "crc32": crc32})
        member_keys = known | {str(row["media_key"]) for row in rows}
        annotations: list[dict[str, Any]] = []
        if self.dataset.selection.annotations:
            of = member_keys if chosen is not None else {str(row["media_key"]) for row in rows}
            annotations = members.annotations(session, sorted(of), self.dataset.selection, chosen)
        same = {"dataset_key": self.key, "number": self.number}
        with self.runtime.db.begin() as writing:
            store.stage(writing, rows, [{**same, **one} for one in annotations])
            self._still_ours(writing)
        self.images += len(rows)
        self.progress("images", self.images)

    def _goes_in(self, media: Media) -> bool:
        if media.state != "ready":
            self.left_out.add("not ready", media.key)
        elif media.access == "closed":
            self.left_out.add("closed", media.key)
        else:
            return True
        return False

    def _admitted(self, media: Media, described: Mapping[str, Any]) -> bool:
        if rights_summary.admits(self.dataset.policy, described["licence"], described["rights"]):
            return True
        self.left_out.add("not under a licence that goes in", media.key)
        return False

    def _still_ours(self, session: Session) -> None:
        row = store.find_version(session, self.key, self.number)
        if row is None or row.owner != processes.name():
            raise BeingFrozen(f"Another process has taken the freezing of {self.key} over.")
        row.alive_at = self.runtime.clock()

    def _split(self) -> Mapping[str, int]:
        """Place the groups; gives those that were in two splits before, with how many images moved."""
        groups, rule = splitting.Groups(), self.dataset.split
        with self.runtime.reads.begin() as session:
            for media_key, sha256, joins in store.joins_of(session, self.key, self.number):
                groups.add(media_key, sha256, joins)
            before: Mapping[str, str] = {}
            previous = store.find_version(session, self.key, self.dataset.newest) if self.dataset.newest else None
            if previous is not None and previous.told["split"] == _rule_json(self.dataset):
                before = store.splits_of(session, self.key, self.dataset.newest)
        placing = splitting.place(groups, before, rule)
        placed = ((key, group, placing.splits[group]) for key, group in groups)
        done = 0
        while some := list(islice(placed, BATCH)):
            with self.runtime.db.begin() as session:
                store.set_splits(session, self.key, self.number, some)
                self._still_ours(session)
            done += len(some)
            self.progress("splits", done)
        return placing.joined

    def _told(self) -> dict[str, Any]:
        """What is said of the dataset, to be kept with the version; the class table grows by the classes that are new."""
        with self.runtime.reads.begin() as session:
            names = store.class_names(session, self.key, self.number)
        classes = [list(one) for one in self.dataset.classes]
        known = {name for _, name in classes}
        classes += [[len(known) + place, name] for place, name in enumerate((name for name in names if name not in known), 1)]
        settings, dataset = self.runtime.settings, self.dataset
        return {
            "title": dataset.title,
            "description": dataset.description,
            "creators": [asdict(person) for person in dataset.creators],
            "keywords": list(dataset.keywords),
            "kind": dataset.kind,
            "publisher": {"name": settings.provider_name, "url": settings.provider_url or ""},
            "selection": dataset.selection.to_json(),
            "split": _rule_json(dataset),
            "policy": dataset.policy,
            "licence": dataset.licence,
            "classes": classes,
        }

    def _summary(self, session: Session, joined: Mapping[str, int], told: Mapping[str, Any]) -> dict[str, Any]:
        counted = store.counts(session, self.key, self.number)
        hidden = self.dataset.split.hidden  # of whose labels no more is told than how many there are
        splits = [name for name in self.dataset.split.shares if name not in hidden]
        told_of = {name: {split: n for split, n in of.items() if split not in hidden} for name, of in counted["classes"].items()}
        counted["classes"] = {name: of for name, of in told_of.items() if of}
        lacking = [
            {"class": name, "splits": absent}
            for name, of in counted["classes"].items()
            if (absent := [split for split in splits if split not in of])
        ]
        return {
            **counted,
            **rights_summary.summary(session, self.key, self.number),
            "lacking": lacking,
            "leftOut": self.left_out.to_json(),
            "joinedGroups": [{"group": group, "moved": moved} for group, moved in sorted(joined.items())[:100]],
            "joinedGroupsInAll": len(joined),
            "classTable": len(told["classes"]),
        }

    def _finish(self, told: Mapping[str, Any], summary: Mapping[str, Any], sealed: manifest.Sealed) -> Version | None:
        now = self.runtime.clock()
        with self.runtime.db.begin() as session:
            dataset = store.find(session, self.key, lock=True)
            row = store.find_version(session, self.key, self.number, lock=True)
            if dataset is None or row is None or row.owner != processes.name():
                raise BeingFrozen(f"Another process has taken the freezing of {self.key} over.")
            previous = store.find_version(session, self.key, dataset.newest) if dataset.newest else None
            if previous is not None and previous.content_id == sealed.content_id:
                store.clear(session, self.key, self.number)
                return None
            row.state, row.told, row.summary, row.frozen_at = "frozen", dict(told), dict(summary), now
            row.content_id, row.manifest_bytes, row.outbox_position = sealed.content_id, sealed.byte_size, self.position
            row.owner = ""
            dataset.newest, dataset.frozen_at, dataset.classes = self.number, now, told["classes"]
            events.announce(session, FROZEN, self.key, at=now, version=self.number)
            session.flush()
            return store.version(row)


def _rule_json(dataset: Dataset) -> dict[str, Any]:
    return dataset.split.to_json()


def _checked(blobs: Blobs, media: Media, checked: Mapping[str, int]) -> int | None:
    """CRC-32 of the master, whose SHA-256 is compared; None where it is lost or damaged. What a version has read whole before is
    asked for its length only."""
    try:
        if media.sha256 in checked:
            return checked[media.sha256] if blobs.size(media.sha256) == media.byte_size else None
        digest, crc32, size = hashlib.sha256(), 0, 0
        with blobs.open(media.sha256) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                crc32 = zlib.crc32(chunk, crc32)
                size += len(chunk)
    except FileNotFoundError:
        return None
    return crc32 if digest.hexdigest() == media.sha256 and size == media.byte_size else None
