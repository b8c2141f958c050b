"""An export: from the choice to a stream of images with their statements, to the pieces of files, with or without pictures."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from sqlalchemy.orm import Session

from annotations import masks
from annotations.exchange import described, formats, store
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses
from annotations.exchange.model import ExchangeImage, Options, Piece, Statement
from annotations.exchange.pieces import gathered, report_of
from annotations.exchange.scaling import scaled_statement
from annotations.model import Annotation, Canvas
from app.exchange import choice as choices
from app.exchange import pictures
from app.exchange.choice import ExportChoice
from app.exchange.pictures import Pictures
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import places, rights
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.visibility import sees

UNFIT = re.compile(r"[^\w.-]+")
LONGEST_STEM = 60
ImageWithStatements = tuple[ExchangeImage, list[Statement]]


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked for."""

    format: str
    choice: ExportChoice = field(default_factory=ExportChoice)
    pictures: Pictures = field(default_factory=Pictures)
    options: Options = field(default_factory=Options)
    classes: ClassTable | None = None


def pieces(runtime: Runtime, export: Export, by: Principal) -> tuple[Losses, Iterator[Piece]]:
    """The report, which is filled while the pieces are drawn, and the pieces; `losses.json` is the last file.

    What is asked for is checked at once: raises Invalid, NotFound, SearchDown.
    """
    of = formats.format_of(export.format)
    losses = Losses(of.name, of.abilities)
    pages = choices.images(runtime, export.choice, by)
    first = next(pages, None)  # what cannot be answered is said before the first byte
    found = stream(runtime, export, by, losses, chain([first] if first else [], pages))
    classes = ClassTable() if export.classes is None else export.classes
    return losses, _all(runtime, export, by, losses, of.write(found, classes, losses, export.options))


def _all(runtime: Runtime, export: Export, by: Principal, losses: Losses, written: Iterator[Piece]) -> Iterator[Piece]:
    yield from gathered(written)
    if export.pictures.kind != "references":
        for keys, _ in choices.images(runtime, export.choice, by):
            yield from _pictures_of(runtime, export, by, losses, keys)
    yield "losses.json", report_of(losses)


def stream(
    runtime: Runtime, export: Export, by: Principal, losses: Losses, pages: choices.Images
) -> Iterator[ImageWithStatements]:
    """Images with their statements, page by page, each page in a transaction of its own."""
    for keys, only in pages:
        with runtime.reads.begin() as session:
            page = list(_page(session, runtime, export, by, losses, keys, only))
        yield from page


def _page(
    session: Session,
    runtime: Runtime,
    export: Export,
    by: Principal,
    losses: Losses,
    keys: Sequence[str],
    only: frozenset[str] | None,
) -> Iterator[ImageWithStatements]:
    media = catalogue.media_by_key(session, keys)
    specimens = catalogue.specimens_by_key(session, {one.specimen_key for one in media.values()})
    said = store.on_images(session, list(media), by)
    for key in keys:
        one = media.get(key)
        if one is None or not sees(one, by):
            losses.withhold(runtime.addresses.pid(key), "the image is not public")
        elif one.state != "ready":
            losses.withhold(runtime.addresses.pid(key), f"the image is {one.state}")
        else:
            specimen = specimens[one.specimen_key]
            yield _one(runtime, export, one, places.as_seen(specimen, by), said.get(key, []), only)


def _one(
    runtime: Runtime,
    export: Export,
    media: Media,
    specimen: Specimen,
    said: Sequence[Annotation],
    only: frozenset[str] | None,
) -> ImageWithStatements:
    canvas, load = Canvas(media.width_px, media.height_px), partial(masks.load, runtime.blobs)
    width, height = export.pictures.size_of(media)
    made = []
    for annotation in said:
        if only is not None and annotation.key not in only:
            continue
        one = described.statement(annotation, canvas, runtime.addresses, load)
        if export.choice.which.keeps(one, annotation.kind, annotation.run_key):
            made.append(scaled_statement(one, canvas, Canvas(width, height)))
    return image(runtime, media, specimen, export.pictures, looked=bool(said)), made


def image(runtime: Runtime, media: Media, specimen: Specimen, asked: Pictures, *, looked: bool) -> ExchangeImage:
    """The image as formats are told of it."""
    width, height = asked.size_of(media)
    return ExchangeImage(
        key=media.key,
        iri=runtime.addresses.pid(media.key),
        path=path_of(media, asked),
        width=width,
        height=height,
        sha256=media.sha256,
        file_name=media.file_name,
        specimen_key=specimen.key,
        specimen_iri=runtime.addresses.pid(specimen.key),
        licence=rights.iri_of(media.rights),
        rights_holder=media.rights_holder,
        creator=media.creator,
        looked=looked,
        record=specimen.interpreted,
        access_iri=f"{runtime.addresses.image(media.key)}/full/max/0/default.jpg",
        media_type="image/jpeg" if asked.kind == "resized" else media.format,
        versions=(media.version, specimen.record_version),
    )


def path_of(media: Media, asked: Pictures) -> str:
    """Begins with the key of the image, so that no two are the same, whatever the case of letters."""
    stem = media.file_name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
    plain = UNFIT.sub("-", stem).strip("-.")[:LONGEST_STEM]
    return f"images/{media.key}{'-' if plain else ''}{plain}.{asked.suffix_of(media)}"


def _pictures_of(runtime: Runtime, export: Export, by: Principal, losses: Losses, keys: Sequence[str]) -> Iterator[Piece]:
    with runtime.reads.begin() as session:
        media = [one for one in catalogue.media_by_key(session, keys).values() if one.state == "ready" and sees(one, by)]
        why = {one.key: pictures.withheld(session, one, export.pictures, runtime, by) for one in media}
    for one in sorted(media, key=lambda each: each.key):
        if why[one.key]:
            losses.withhold(runtime.addresses.pid(one.key), f"picture: {why[one.key]}")
            continue
        try:
            yield from pictures.pieces(runtime, one, path_of(one, export.pictures), export.pictures)
        except FileNotFoundError:
            losses.withhold(runtime.addresses.pid(one.key), "picture: its file is lost")
