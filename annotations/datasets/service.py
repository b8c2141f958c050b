"""Decisions about datasets: who may make, describe and withdraw them, and what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from annotations.datasets import store
from annotations.datasets.errors import BadDataset, BeingFrozen, UnknownDataset, WithdrawnVersion
from annotations.datasets.model import Dataset, Draft, Version
from annotations.datasets.tables import DatasetRow
from app.runtime import clock, events, ids
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal, require, require_somewhere

FROZEN, WITHDRAWN = "dataset.frozen", "dataset.withdrawn"


def create(session: Session, draft: Draft, *, by: Principal, naan: str, at: datetime) -> Dataset:
    """Enter a dataset without a version. Whoever may annotate anywhere may. Raises NotAllowed, Forbidden."""
    require_somewhere(by, "annotate")
    row = DatasetRow(key=ids.new_key(ids.DATASET, naan), created_at=at, created_by=by.name, classes=[], newest=0)
    _describe(row, draft)
    session.add(row)
    session.flush()
    return store.dataset(row)


def describe(session: Session, key: str, draft: Draft, *, by: Principal) -> Dataset:
    """Say something else of a dataset from its next version on; versions keep what was said of them.

    Raises UnknownDataset, NotAllowed, Forbidden.
    """
    row = _row(session, key, lock=True)
    require_keeper(by, row.created_by)
    _describe(row, draft)
    session.flush()
    return store.dataset(row)


def _describe(row: DatasetRow, draft: Draft) -> None:
    row.title, row.description, row.kind = draft.title, draft.description, draft.kind
    row.creators, row.keywords = [asdict(person) for person in draft.creators], list(draft.keywords)
    row.selection, row.split = draft.selection.to_json(), draft.split.to_json()
    row.policy, row.licence = draft.policy, draft.licence


def require_keeper(by: Principal, made_by: str) -> None:
    """Whoever made a dataset keeps it, and curators of the hub do. Raises NotAllowed, Forbidden."""
    if by.name and by.name == made_by:
        require_somewhere(by, "annotate")
    else:
        require(by, "curate")


def get(session: Session, key: str) -> Dataset:
    """Raises UnknownDataset."""
    return store.dataset(_row(session, key))


def page(session: Session, *, after: str = "", limit: int) -> tuple[tuple[Dataset, Version], ...]:
    """Datasets with their newest versions, those frozen last first, behind the dataset of that key."""
    before = None
    if after:
        row = _row(session, after)
        before = (row.frozen_at, row.key) if row.frozen_at else None
    found = (store.dataset(row) for row in store.page(session, before=before, limit=limit))
    return tuple((one, newest(session, one)) for one in found)


def pinned(session: Session, *, after: str = "", limit: int) -> Sequence[str]:
    """Digests of the files that versions need, in order: a version outlives what its images become."""
    return store.pinned(session, after=after, limit=limit)


def recent(session: Session, *, limit: int) -> tuple[Version, ...]:
    """The versions of all datasets that were frozen last and stand."""
    return tuple(map(store.version, store.recent(session, limit)))


def forget_files(session: Session, *, before: datetime) -> int:
    """Forget the files of exports that nobody has asked for since then: they are made again when somebody asks."""
    return store.forget_files(session, before=before)


def count(session: Session) -> int:
    """How many datasets have a version."""
    return store.count(session)


def newest(session: Session, dataset: Dataset) -> Version:
    """Its newest frozen version; the newest withdrawn one where none stands. Raises UnknownDataset where there never was one."""
    if dataset.newest:
        return get_version(session, dataset.key, dataset.newest)
    found = store.versions_of(session, dataset.key, limit=1)
    if not found:
        raise UnknownDataset(f"The dataset {dataset.key} has no version yet.")
    return store.version(found[0])


def get_version(session: Session, key: str, number: int) -> Version:
    """A version that was frozen, withdrawn or not. Raises UnknownDataset."""
    row = store.find_version(session, key, number)
    if row is None or row.state == "building":
        _row(session, key)
        raise UnknownDataset(f"The dataset {key} has no version {number}.")
    return store.version(row)


def get_standing(session: Session, key: str, number: int) -> Version:
    """The same, of one that stands. Raises UnknownDataset, WithdrawnVersion."""
    version = get_version(session, key, number)
    if version.state == "withdrawn":
        at = clock.iso(version.withdrawn_at) if version.withdrawn_at else ""
        raise WithdrawnVersion(f"Version {number} of the dataset {key} was withdrawn on {at[:10]}: {version.withdrawn_why}")
    return version


def versions(session: Session, key: str, *, limit: int, before: int = 0) -> tuple[Version, ...]:
    """The versions that were frozen, the newest first. Raises UnknownDataset."""
    _row(session, key)
    return tuple(map(store.version, store.versions_of(session, key, limit=limit, before=before)))


def withdraw(session: Session, key: str, number: int, why: str, *, by: Principal, at: datetime) -> Version:
    """Give nothing of the version out any more but that it was, what it held, and why it was withdrawn.

    Raises UnknownDataset, NotAllowed, Forbidden, BadDataset without a reason, WithdrawnVersion where it is already.
    """
    row = _row(session, key, lock=True)
    require_keeper(by, row.created_by)
    if not why.strip() or len(why) > 2000:
        raise BadDataset("Say why it is withdrawn, in up to 2,000 characters.", parameter="reason")
    get_standing(session, key, number)
    version = store.find_version(session, key, number, lock=True)
    if version is None or version.state != "frozen":
        raise BeingFrozen(f"Version {number} of the dataset {key} is being changed now.")
    version.state, version.withdrawn_at, version.withdrawn_by, version.withdrawn_why = "withdrawn", at, by.name, why.strip()
    session.flush()
    standing = [one.number for one in store.versions_of(session, key, limit=1000) if one.state == "frozen"]
    row.newest = max(standing, default=0)
    events.announce(session, WITHDRAWN, key, at=at, version=number)
    return store.version(version)


def split_key(name: str) -> tuple[str, int]:
    """`d1…` or `d1….v2` as key and number, which is 0 where none is said. Raises UnknownDataset."""
    key, dot, number = name.partition(".v")
    if dot and not (number.isascii() and number.isdigit() and len(number) < 10 and not number.startswith("0")):
        raise UnknownDataset(f"There is no version {name[:40]!r} of a dataset here.")
    return key, int(number) if dot else 0


def _row(session: Session, key: str, *, lock: bool = False) -> DatasetRow:
    row = store.find(session, key, lock=lock)
    if row is None:
        raise UnknownDataset(f"There is no dataset {key[:40]!r} here.")
    return row


def to_json(dataset: Dataset, addresses: Addresses) -> dict[str, Any]:
    """The concept under camelCase names."""
    return {
        "id": addresses.pid(dataset.key),
        "key": dataset.key,
        "title": dataset.title,
        "description": dataset.description,
        "creators": [asdict(person) for person in dataset.creators],
        "keywords": list(dataset.keywords),
        "kind": dataset.kind,
        "selection": dataset.selection.to_json(),
        "split": split_json(dataset),
        "policy": dataset.policy,
        "licence": dataset.licence,
        "classes": [{"id": number, "name": name} for number, name in dataset.classes],
        "newest": addresses.pid(f"{dataset.key}.v{dataset.newest}") if dataset.newest else None,
        "created": clock.iso(dataset.created_at),
        "page": addresses.dataset_page(dataset.key),
    }


def split_json(dataset: Dataset) -> dict[str, Any]:
    """The split rule as `drafts.split_of` reads it."""
    return {"seed": dataset.split.seed, "shares": dict(dataset.split.shares), "hidden": list(dataset.split.hidden)}


def version_json(version: Version, addresses: Addresses) -> dict[str, Any]:
    """A version under camelCase names."""
    told: Mapping[str, Any] = version.told
    return {
        "id": addresses.pid(version.name),
        "dataset": addresses.pid(version.key),
        "version": version.number,
        "state": version.state,
        "contentId": ids.ni(version.content_id),
        "sha256": version.content_id,
        "frozen": clock.iso(version.frozen_at) if version.frozen_at else None,
        "withdrawn": clock.iso(version.withdrawn_at) if version.withdrawn_at else None,
        "reason": version.withdrawn_why or None,
        "previous": addresses.pid(f"{version.key}.v{version.previous}") if version.previous else None,
        "doi": version.doi or None,
        "codeVersion": version.code_version,
        "title": told["title"],
        "selection": told["selection"],
        "summary": dict(version.summary),
        "page": addresses.dataset_page(version.name),
        "manifest": f"{addresses.dataset_page(version.name)}/members.jsonl",
    }


def draft_of(dataset: Dataset) -> Draft:
    """What is said of the dataset now, to be changed in part."""
    names = Draft.__dataclass_fields__
    return replace(Draft(dataset.title), **{name: getattr(dataset, name) for name in names})
