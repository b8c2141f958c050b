"""What other servers publish, as far as it can become specimens and images here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Change = Literal["there", "gone"]


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """A picture of a canvas: `service` is the id of its image service (empty for a plain file at `url`), `version` that of the
    Image API; `region` and `rotation` say which part of it is painted, in the words of an Image API request."""

    url: str
    service: str = ""
    version: int = 0
    region: str = "full"
    rotation: str = "0"


@dataclass(frozen=True, slots=True)
class RemoteCanvas:
    """A canvas with its size in its own units, its pictures, and where what is said of it stands: addresses of pages of
    annotations, or the pages themselves."""

    id: str
    label: str
    width: float
    height: float
    images: tuple[RemoteImage, ...]
    pages: tuple[Any, ...] = ()
    rights: str = ""


@dataclass(frozen=True, slots=True)
class RemoteManifest:
    """A manifest. `pairs` are its metadata, label and value as plain text; `records` addresses of Darwin Core records of it.

    `origin` is the manifest that this one was harvested from itself, through however many hubs; its own id where from none.
    `losses` are sentences on what of it cannot be represented here.
    """

    id: str
    label: str
    pairs: tuple[tuple[str, str], ...]
    rights: str
    credit: str
    canvases: tuple[RemoteCanvas, ...]
    records: tuple[str, ...]
    origin: str
    losses: tuple[str, ...]
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A manifest that a collection or a list of changes names; `gone` where that says it is no more. `at` is when it changed."""

    iri: str
    change: Change = "there"
    at: datetime | None = None
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """An address that is harvested, with the rules for it. Of a list of changes those made before `seen_until` are known."""

    key: str
    address: str
    rules: Mapping[str, Any]
    created_at: datetime
    created_by: str
    seen_until: datetime | None
    harvested_at: datetime | None
    ingest_key: str


@dataclass(frozen=True, slots=True)
class Item:
    """A manifest that was harvested. `digest` is that of the document, so that an unchanged one is known again; `etag` and
    `modified` are what its server called it. `own` tells that its specimen came in by it, and not from another source as well.

    `state` is "here", "gone" or "refused"; `reason` says why it was refused.
    """

    name: str
    iri: str
    origin: str
    source_key: str
    specimen_key: str
    own: bool
    etag: str
    modified: str
    digest: str
    state: Literal["here", "gone", "refused"]
    reason: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a harvested manifest: the address of its file, the canvas that it stands on, and the image that it became."""

    url: str
    canvas: str
    media_key: str
    etag: str
    modified: str
