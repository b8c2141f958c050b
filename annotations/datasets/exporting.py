"""Files of a version in a format: the documents of the default package, or what a writer of `annotations/exchange` makes.

Each is kept by its digest under a spec, so that what was made is not made twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from annotations import masks
from annotations.datasets import content, packaging, web_dataset
from annotations.datasets.content import Frozen, Shown, Withheld
from annotations.datasets.model import Version
from annotations.datasets.packaging import KeptFile, Piece, Progress
from annotations.exchange import described, formats
from annotations.exchange.classes import ClassTable, ExchangeClass, term_of
from annotations.exchange.losses import Losses
from annotations.exchange.model import ExchangeImage, Options, Statement
from annotations.model import Canvas
from app.runtime.context import Runtime
from app.runtime.errors import Invalid

EXPORTER = "exchange 1"  # to be counted up when what writers write changes


def format_names() -> list[str]:
    """What a version can be exported as."""
    return [packaging.PACKAGE, web_dataset.NAME, *formats.FORMATS]


def check(format_name: str) -> None:
    """Raises Invalid for a format that is none."""
    if format_name not in format_names():
        raise Invalid(f"format is one of {', '.join(format_names())}, not {format_name[:40]!r}.", parameter="format")


def is_made(runtime: Runtime, version: Version, format_name: str) -> bool:
    """Whether the files are here, for what is withheld now."""
    with runtime.reads.begin() as session:
        held = content.withheld(session, version, runtime.settings)
        known = packaging.files_of(session, _spec(runtime, version, held, format_name))
    return _is_whole(runtime, format_name, known)


def _spec(runtime: Runtime, version: Version, held: Withheld, format_name: str) -> str:
    exporter = packaging.EXPORTER if format_name == packaging.PACKAGE else EXPORTER
    return packaging.spec_of(version, held, format_name, {}, exporter, runtime.addresses.base)


def export(
    runtime: Runtime, version: Version, format_name: str, progress: Progress = lambda _stage, _done: None
) -> tuple[str, dict[str, KeptFile]]:
    """The files in that format, made where they are not here; with their spec. Raises Invalid."""
    check(format_name)
    if format_name == packaging.PACKAGE:
        return packaging.package(runtime, version, progress)
    with runtime.reads.begin() as session:
        held = content.withheld(session, version, runtime.settings)
        spec = _spec(runtime, version, held, format_name)
        known = packaging.files_of(session, spec)
    if _is_whole(runtime, format_name, known):
        return spec, known
    if format_name == web_dataset.NAME:
        return spec, web_dataset.export(runtime, version, held, spec, progress)
    made = packaging.keep(runtime, _pieces(runtime, version, format_name, held, progress))
    packaging.remember(runtime, version, spec, format_name, made.values())
    return spec, made


def _is_whole(runtime: Runtime, format_name: str, known: Mapping[str, KeptFile]) -> bool:
    """Whether all files are here; shards are kept one by one, and their list last."""
    begun = bool(known) and (format_name != web_dataset.NAME or web_dataset.INDEX in known)
    return begun and all(runtime.blobs.has(one.sha256) for one in known.values())


def _pieces(runtime: Runtime, version: Version, format_name: str, held: Withheld, progress: Progress) -> Iterator[Piece]:
    classes = ClassTable((ExchangeClass(number, name, term_of(name)) for number, name in version.told["classes"]), grows=True)
    options = Options(title=version.told["title"])
    of = formats.format_of(format_name)
    losses = Losses(of.name, of.abilities)
    yield from formats.written(format_name, _stream(runtime, version, held, losses, progress), classes, options, losses)[1]


def _stream(
    runtime: Runtime, version: Version, held: Withheld, losses: Losses, progress: Progress
) -> Iterator[tuple[ExchangeImage, Sequence[Statement]]]:
    for done, shown in enumerate(content.read(runtime, version, held), 1):
        if not shown.told:
            losses.withhold(runtime.addresses.pid(shown.image.media_key), "closed since the version was frozen")
            continue
        if not shown.given:
            losses.withhold(runtime.addresses.pid(shown.image.media_key), held.why(shown.image))
        yield _image(runtime, shown), [_statement(runtime, shown, one) for one in shown.annotations]
        if done % 200 == 0:
            progress("images", done)


def _image(runtime: Runtime, shown: Shown) -> ExchangeImage:
    image, addresses = shown.image, runtime.addresses
    return ExchangeImage(
        key=image.media_key,
        iri=addresses.pid(image.media_key),
        path=content.path_of(image),
        width=image.width_px,
        height=image.height_px,
        sha256=image.sha256,
        specimen_key=image.specimen_key,
        specimen_iri=addresses.pid(image.specimen_key),
        licence=image.licence,
        rights_holder=image.holder,
        creator=image.creator,
        looked=bool(shown.annotations),
        access_iri=f"{addresses.image(image.media_key)}/full/max/0/default.jpg",
        media_type=image.media_type,
        versions=(1, image.record_version),
    )


def _statement(runtime: Runtime, shown: Shown, one: Frozen) -> Statement:
    """Under the name of its class in the version's table, whatever the statement is called in the hub."""
    canvas = Canvas(shown.image.width_px, shown.image.height_px)
    said = described.statement(one.annotation, canvas, runtime.addresses, lambda asked: masks.load(runtime.blobs, asked))
    return replace(said, class_name=one.member.class_name, class_iri=said.class_iri or term_of(one.member.class_name))
