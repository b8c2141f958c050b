"""What stands in a version, read again as it was frozen: images page by page, with their annotations in the version that is a
member. No session is held while somebody reads slowly."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from annotations import columns, frames, masks, targets
from annotations import store as statements
from annotations.datasets import store
from annotations.datasets.model import AnnotationMember, ImageMember, Version
from annotations.datasets.verifying import documents
from annotations.errors import BadSelector, UnknownMask
from annotations.model import Annotation, Canvas
from annotations.regions import Region
from annotations.tables import AnnotationRow
from app.runtime.context import Runtime
from app.runtime.errors import Invalid
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue

PAGE = 500  # images at once
EXTENSIONS: Mapping[str, str] = {
    "image/jpeg": "jpg", "image/png": "png", "image/tiff": "tif", "image/webp": "webp", "image/gif": "gif", "image/avif": "avif",
    "image/jp2": "jp2", "image/x-adobe-dng": "dng",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frozen:
    """An annotation as it is a member: `annotation.document` is that of the frozen version, `region` in canvas units."""

    member: AnnotationMember
    annotation: Annotation
    region: Region | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An image of a version with its annotations; `given` says whether its bytes go out now, `told` whether what is said of it
    does."""

    image: ImageMember
    annotations: tuple[Frozen, ...]
    given: bool
    told: bool


@dataclass(frozen=True, slots=True)
class Withheld:
    """Images that are not given out: those closed since (nothing of them), those reduced, and those `placed` on which a record
    holds its place back, which the file may tell (of both all but their bytes). `hidden` are images of splits of which the labels
    are hidden; `originals` says whether the hub gives files out at all. `unsaid` are annotations about a closed image.
    """

    closed: frozenset[str]
    reduced: frozenset[str]
    placed: frozenset[str]
    hidden: frozenset[str]
    originals: bool
    unsaid: frozenset[str]

    def gives(self, image: ImageMember) -> bool:
        """Whether its bytes go out: the rules of the original files of the hub, but for the size of pictures."""
        if image.access != "open" or not self.originals:
            return False
        return not any(image.media_key in some for some in (self.closed, self.reduced, self.placed))

    def why(self, image: ImageMember) -> str:
        """Why they do not."""
        if image.media_key in self.closed:
            return "closed since it was frozen"
        if image.access != "open" or image.media_key in self.reduced:
            return "given out reduced only"
        if image.media_key in self.placed:
            return "its record holds the place back, and the file may tell it"
        return "this hub gives no originals out"


def withheld(session: Session, version: Version, settings: Settings) -> Withheld:
    """As it is now."""
    key, number = version.key, version.number
    restricted, members = sorted(catalogue.restricted(session)), set[str]()
    for start in range(0, len(restricted), PAGE):
        members |= store.staged(session, key, number, restricted[start : start + PAGE])
    access = {one.key: one.access for one in catalogue.media_by_key(session, members).values()}
    return Withheld(
        frozenset(one for one, now in access.items() if now == "closed"),
        frozenset(one for one, now in access.items() if now == "reduced"),
        catalogue.with_withheld_places(session, store.keys_of_images(key, number)),
        store.images_in(session, key, number, version.told["split"]["hidden"]),
        settings.original_files,
        store.about_closed(session, key, number),
    )


def images(runtime: Runtime, version: Version) -> Iterator[ImageMember]:
    """All images by key, each page in a session of its own."""
    after, more = "", True
    while more:
        with runtime.reads.begin() as session:
            page = store.page_of_images(session, version.key, version.number, after=after, limit=PAGE)
        yield from page
        more, after = len(page) == PAGE, page[-1].media_key if page else ""


def read(runtime: Runtime, version: Version, held: Withheld, *, split: str = "") -> Iterator[Shown]:
    """All images, or those of a split, with what is said of them."""
    after, more = "", True
    while more:
        with runtime.reads.begin() as session:
            page = store.page_of_images(session, version.key, version.number, after=after, limit=PAGE, split=split)
            keys = [one.media_key for one in page]
            open_keys = [key for key in keys if key not in held.closed and key not in held.hidden]
            said = _annotations(session, runtime, version, {one.media_key: one for one in page}, open_keys, held.unsaid)
        for one in page:
            yield Shown(one, tuple(said.get(one.media_key, ())), held.gives(one), one.media_key not in held.closed)
        more, after = len(page) == PAGE, keys[-1] if keys else ""


def _annotations(
    session: Session,
    runtime: Runtime,
    version: Version,
    images: Mapping[str, ImageMember],
    keys: Sequence[str],
    unsaid: Collection[str],
) -> dict[str, list[Frozen]]:
    members = store.annotations_on(session, version.key, version.number, keys)
    several = [one for each in members.values() for one in each if one.annotation_key not in unsaid]
    rows = statements.rows_by_key(session, [one.annotation_key for one in several])
    old = [one for one in several if rows[one.annotation_key].version != one.version or rows[one.annotation_key].deleted_at]
    earlier: dict[tuple[str, int], dict[str, Any]] = documents(session, old) if old else {}
    found: dict[str, list[Frozen]] = {}
    for one in several:
        row = rows[one.annotation_key]
        annotation = statements.annotation(row)
        if (document := earlier.get((one.annotation_key, one.version))) is not None:
            annotation = _as_it_was(session, runtime, annotation, row, document, one.version)
        annotation = replace(annotation, state=one.state, state_reason=None).seen_from(media_key=one.media_key)
        image = images[one.media_key]
        region = _region(runtime, annotation, Canvas(image.width_px, image.height_px))
        found.setdefault(one.media_key, []).append(Frozen(one, annotation, region))
    return found


def _as_it_was(
    session: Session, runtime: Runtime, now: Annotation, row: AnnotationRow, document: dict[str, Any], version: int
) -> Annotation:
    """An earlier version of the annotation; its columns follow from its document, its targets too where they can be placed."""
    beside = {name: getattr(row, name) for name in ("kind", "layer", "value", "unit", "confidence", "text")}
    said = AnnotationRow(document=document, **beside)
    columns.describe(said)
    try:
        by = Principal.of_system()
        lying = targets.flat(targets.resolve(session, document["target"], runtime.addresses, by, stored=True))
    except Invalid:
        lying = now.targets
    return replace(
        now,
        version=version,
        document=document,
        targets=lying,
        kind=said.kind,
        text=said.text,
        motivations=tuple(said.motivations),
        confidence=said.confidence,
        value=said.value,
        unit=said.unit,
        deleted_at=None,
        withdrawn_at=None,
    )


def _region(runtime: Runtime, annotation: Annotation, canvas: Canvas) -> Region | None:
    try:
        return frames.shown_region(annotation, canvas, lambda asked: masks.load(runtime.blobs, asked))
    except (UnknownMask, BadSelector):  # the file of the mask is lost: its outline stands beside it
        return frames.shown_region(annotation, canvas)


def path_of(image: ImageMember) -> str:
    """The name of the image's file in packages: by its key, so that it is unique whatever the case of letters."""
    return f"images/{image.media_key}.{EXTENSIONS.get(image.media_type, 'bin')}"
