"""Who is told what: every address of the hub, on an image that is open, reduced and closed, asked by nobody, a reader and a
curator. No answer, header or page tells a secret of a closed image to who may not see it.

An address that is new needs a row in TABLE: without one, the first test fails.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pytest
from werkzeug.test import Client, TestResponse

from analytics import service as analytics
from analytics import tasks
from analytics.model import Worker
from analytics.tasks import StepMark
from annotations import mask_selectors, masks
from annotations import service as annotations
from annotations.region_masks import Mask
from annotations.segments import store as segments
from app import compose, relay
from app.runtime import context, tokens
from app.runtime.context import Runtime
from app.runtime.ids import ni
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from app.web import create_app
from app.web.fast_images import FastImages
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Access, Media, Specimen
from iiif.image.actors import derive_image
from iiif.image.serving import open_images
from iiif.ingest import service as ingests
from tests.sheets import comment
from tests.unit.iiif.image.pictures import drawn, file_of

Who = Literal["nobody", "elsewhere", "reader", "curator"]
WHO: tuple[Who, ...] = ("nobody", "elsewhere", "reader", "curator")
ACCESS: tuple[Access, ...] = ("open", "reduced", "closed")
SYSTEM = Principal.of_system()
SIZES = {"open": (611, 413), "reduced": (617, 419), "closed": (619, 421)}
HERE, ELSEWHERE = "BR/HERB", "P"
MACHINE, PERSON, REPLY, DELETED, REASON = "sequoiadendron", "zanthoxylum", "metrosideros", "kokoonderry", "xylopiabarcode"


@dataclass(frozen=True)
class Sheet:
    """One specimen with one image, all that is said of it, and the words that tell of it."""

    specimen: Specimen
    media: Media
    run: str
    mask: str
    segment: str
    secrets: dict[str, str]


@dataclass(frozen=True)
class Hub:
    runtime: Runtime
    client: Client
    tokens: dict[Who, str]
    sheets: dict[Access, Sheet]
    ingest: str
    rules: set[tuple[str, str]]

    def ask(self, who: Who, method: str, path: str, body: Any = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who != "nobody" else {}
        return self.client.open(path, method=method, headers=headers, json=body)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("visibility"), base_url="http://hub.test", reduced_width=100)
    with opened(settings) as hub:
        yield hub


@contextmanager
def opened(settings: Settings) -> Iterator[Hub]:
    """A hub with a sheet of each access, and who asks for them."""
    runtime = compose.build(settings)
    compose.prepare(runtime)
    app = create_app(runtime)
    with runtime.db.begin() as session:
        at = runtime.clock()
        names: dict[Who, tuple[Any, str]] = {
            "elsewhere": ("curator", ELSEWHERE), "reader": ("reader", HERE), "curator": ("curator", "all"),
        }  # fmt: skip
        secret = {
            who: tokens.create(session, who, at, by=SYSTEM, role=role, collections=(collection,))
            for who, (role, collection) in names.items()
        }
    sheets: dict[Access, Sheet] = {access: make_sheet(runtime, access) for access in ACCESS}
    with runtime.db.begin() as session:
        at = runtime.clock()
        sources = [f"/data/{sheets['closed'].media.file_name}"]
        ingest = ingests.begin(session, sources, by=SYSTEM, code_version="1", environment={}, naan=settings.naan, at=at)
        entry = {"code": "bad-date", "place": sources[0], "catalogNumber": "closed", "sentence": "?"}
        ingests.end(session, ingest.key, {"records": 1, "warningsTotal": 1, "warnings": [entry]}, at=at)
    while relay.update_index(runtime):
        pass
    rules = {(method, rule.rule) for rule in app.url_map.iter_rules() for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    web = FastImages(app.wsgi_app, open_images.of(runtime))
    yield Hub(runtime, Client(web), secret, sheets, ingest.key, rules)
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.fixture(autouse=True)
def _hub_of_the_process(hub: Hub) -> None:
    context.use(hub.runtime)


def make_sheet(runtime: Runtime, access: Access) -> Sheet:
    """Words for each access of its own, so that what is told of one sheet can be told from what is told of another."""
    words = {name: f"{name}{access}" for name in (MACHINE, PERSON, REPLY, DELETED, REASON)}
    file_name = f"{access}filename.jpg"
    pixels = file_of(drawn(*SIZES[access]))
    sha256, size = runtime.blobs.put(io.BytesIO(pixels))
    at, naan, addresses = runtime.clock(), runtime.settings.naan, runtime.addresses
    terms = {"institutionCode": "BR", "collectionCode": "HERB", "scientificName": "Quercus robur"}
    with runtime.db.begin() as session:
        specimen = catalogue.add_specimen(session, catalogue.SpecimenDraft(f"BR {access}", terms, {}, "a.csv"), naan=naan, at=at)
        draft = catalogue.MediaDraft(specimen.key, sha256, size, "image/jpeg", file_name)
        key = catalogue.add_media(session, draft, naan=naan, at=at).key
    derive_image.fn(key)
    with runtime.db.begin() as session:
        media = catalogue.get_media(session, key)
        run = analytics.run_over(session, [media], by=SYSTEM, naan=naan, at=at)
        step = next(iter(run.parameters))
        tasks.begin(session, run.key, key, Worker("1", "f", {}), at=at)
        tasks.end_step(session, run.key, key, step, StepMark("nothing found", words[REASON], 1.0))
        canvas = addresses.canvas(specimen.key, key)
        how: dict[str, Any] = {"addresses": addresses, "at": at}
        mask = Mask.of_pixels(np.tri(*((20 + len(access),) * 2), dtype=bool), 5, 5)
        kept = masks.keep(runtime.blobs, mask)
        masks.register(session, [kept], by=SYSTEM, at=at)
        named = mask_selectors.mask_member(masks.reference(mask, kept, 0.0, addresses))
        selector = {"type": "FragmentSelector", "value": "xywh=5,5,20,20", **named}
        drawn_on = {"type": "SpecificResource", "source": canvas, "selector": selector}
        annotations.create(session, comment(drawn_on, words[PERSON]), by=SYSTEM, slug=f"mask-{access}", **how)
        annotations.create_machine(
            session, comment(f"{canvas}#xywh=1,1,9,9", words[MACHINE]), media=media, run_key=run.key, kind="text", **how
        )
        annotations.create(session, comment(canvas, words[PERSON]), by=SYSTEM, slug=f"note-{access}", **how)
        annotations.create(
            session, comment(addresses.annotation(f"note-{access}"), words[REPLY]), by=SYSTEM, slug=f"reply-{access}", **how
        )
        annotations.create(session, comment(canvas, words[DELETED]), by=SYSTEM, slug=f"gone-{access}", **how)
        annotations.delete(session, f"gone-{access}", by=SYSTEM, at=at)
        annotations.create(session, comment(canvas, words[PERSON]), by=SYSTEM, slug=f"moved-{access}", **how)
        on_specimen = comment(addresses.pid(specimen.key), "about the specimen")
        annotations.replace(session, f"moved-{access}", on_specimen, by=SYSTEM, **how)
        catalogue.set_access(session, key, access, by=SYSTEM, at=at)
        media = catalogue.get_media(session, key)
        (segment,) = segments.on_image(session, key)
    digest = {"digest": sha256, "ni": ni(sha256), "derivative": media.pyramid_sha256}
    width, height = SIZES[access]
    numbers = {"width": rf"\b{width}\b", "height": rf"\b{height}\b"}
    plain = {name: re.escape(word) for name, word in (words | digest | {"file name": f"{access}filename"}).items()}
    return Sheet(specimen, media, run.key, kept.sha256, segment.key, plain | numbers | {"mask": kept.sha256})


@dataclass(frozen=True)
class Row:
    """How an address is asked for on a sheet, and the status of each access for nobody, elsewhere, reader and curator."""

    path: Callable[[Hub, Sheet], str]
    closed: tuple[int, int, int, int] = (200, 200, 200, 200)
    others: tuple[int, int, int, int] = (200, 200, 200, 200)
    body: Any = None
    reduced: tuple[int, int, int, int] | None = None  # None: as `others`

    def statuses(self, access: Access) -> dict[Who, int]:
        others = self.reduced if access == "reduced" and self.reduced else self.others
        return dict(zip(WHO, self.closed if access == "closed" else others, strict=True))


def always(path: str, *statuses: int) -> tuple[Row, ...]:
    """The same for each sheet, and for everybody but where statuses are given."""
    expected: Any = statuses if len(statuses) == 4 else (statuses or (200,)) * 4
    return (Row(lambda _hub, _sheet: path, expected, expected),)


def of(form: str, closed: tuple[int, int, int, int] = (200,) * 4, others: tuple[int, int, int, int] = (200,) * 4) -> Row:
    """A path with {specimen}, {media}, {access}, {run}, {mask}, {segment} and {ingest}."""

    def path(hub: Hub, sheet: Sheet) -> str:
        return form.format(
            specimen=sheet.specimen.key,
            media=sheet.media.key,
            access=sheet.media.access,
            run=sheet.run,
            mask=sheet.mask,
            segment=sheet.segment,
            ingest=hub.ingest,
        )

    return Row(path, closed, others)


GUARDED = (401, 403, 200, 200)
GONE_GUARDED = (401, 403, 410, 410)
WRITING = (401, 403, 403)  # nobody, elsewhere, reader; what a curator gets is said beside it
TABLE: dict[tuple[str, str], tuple[Row, ...]] = {
    ("GET", "/"): (of("/"), of("/?q=sequoiadendron{access}"), of("/?q=filename"), of("/?q=zanthoxylum*")),
    ("GET", "/specimens/<key>"): (of("/specimens/{specimen}"), of("/specimens/{specimen}?q=sequoiadendron{access}")),
    ("GET", "/embed/<key>"): (
        of("/embed/{specimen}", (401,) * 4),  # as the public sees it, whoever asks
        of("/embed/{specimen}?canvas={media}", (401,) * 4),
        of("/embed/{segment}", (401,) * 4),
    ),
    ("GET", "/embed"): (of("/embed?iiif-content=http://hub.test/iiif/presentation/3/{specimen}/manifest.json", (401,) * 4),),
    ("GET", "/embed.js"): (),  # the same bytes for everybody, where the front end was built
    ("GET", "/oembed"): (of("/oembed?url=http://hub.test/specimens/{specimen}", (401,) * 4),),
    ("GET", "/specimens/<key>/record.csv"): (of("/specimens/{specimen}/record.csv"),),
    ("GET", "/specimens/<key>/regions.csv"): (of("/specimens/{specimen}/regions.csv"),),
    ("GET", "/specimens/<key>/cite.<form>"): (of("/specimens/{specimen}/cite.bib"),),
    ("GET", "/exchange"): always("/exchange"),
    ("GET", "/exchange/export.zip"): (
        of("/exchange/export.zip?format=w3c&specimen={specimen}"),
        of("/exchange/export.zip?format=csv&image={media}&images=originals"),
    ),
    ("GET", "/exchange/imports/<key>"): always("/exchange/imports/b1nothing", 401, 403, 403, 404),
    ("POST", "/exchange/imports"): always("/exchange/imports", *WRITING, 400),
    ("POST", "/exchange/imports/<key>/accept"): always("/exchange/imports/b1nothing/accept", *WRITING, 404),
    ("GET", "/api/exports"): (
        of("/api/exports?format=coco&specimen={specimen}"),
        of("/api/exports?format=csv&q=sequoiadendron{access}"),
        of("/api/exports?format=voc&run={run}"),
    ),
    ("POST", "/api/exports"): always("/api/exports", 415),
    ("GET", "/api/imports"): always("/api/imports", 401, 403, 403, 200),
    ("GET", "/api/imports/<key>"): always("/api/imports/b1nothing", 401, 403, 403, 404),
    ("POST", "/api/imports"): always("/api/imports", *WRITING, 400),
    ("POST", "/api/imports/<key>/accept"): always("/api/imports/b1nothing/accept", *WRITING, 404),
    ("GET", "/webhooks"): always("/webhooks", 401, 403, 403, 403),
    ("GET", "/webhooks/<key>"): always("/webhooks/wh0nothing", 401, 403, 403, 403),
    ("POST", "/webhooks"): always("/webhooks", *WRITING, 403),
    ("POST", "/webhooks/<key>/<any(revoke, test, redeliver):change>"): always("/webhooks/wh0nothing/revoke", *WRITING, 403),
    ("GET", "/api/webhooks"): always("/api/webhooks", 401, 403, 403, 403),
    ("GET", "/api/webhooks/<key>"): always("/api/webhooks/wh0nothing", 401, 403, 403, 403),
    ("GET", "/api/webhooks/<key>/deliveries"): always("/api/webhooks/wh0nothing/deliveries", 401, 403, 403, 403),
    ("POST", "/api/webhooks"): always("/api/webhooks", *WRITING, 403),
    ("DELETE", "/api/webhooks/<key>"): always("/api/webhooks/wh0nothing", *WRITING, 403),
    ("POST", "/api/webhooks/<key>/test"): always("/api/webhooks/wh0nothing/test", *WRITING, 403),
    ("POST", "/api/webhooks/<key>/deliveries/<int:delivery>/redeliver"): always(
        "/api/webhooks/wh0nothing/deliveries/1/redeliver", *WRITING, 403
    ),
    ("GET", "/login"): always("/login"),
    ("GET", "/join"): always("/join"),
    ("GET", "/login/oidc/<name>"): always("/login/oidc/nobody", 404),
    ("GET", "/login/oidc/<name>/callback"): always("/login/oidc/nobody/callback", 404),
    ("POST", "/login/oidc/<name>/logout"): always("/login/oidc/nobody/logout", 404),
    ("GET", "/account"): always("/account", 401),  # tokens have no pages of their own
    ("GET", "/account/export"): always("/account/export", 401),
    ("GET", "/accounts"): always("/accounts", 401, 403, 403, 403),
    ("GET", "/accounts/<key>"): always("/accounts/v1nothing", 401, 403, 403, 403),
    ("GET", "/members"): always(f"/members?collection={HERE}", 401, 403, 403, 200),
    ("GET", "/audit"): always("/audit", 401, 403, 403, 200),
    ("GET", "/api/agents/<key>"): always("/api/agents/v1nothing", 404),
    ("GET", "/runs"): (of("/runs"), of("/runs?state=ingests"), of("/runs?state=running")),
    ("GET", "/runs/<key>"): (of("/runs/{run}"), of("/runs/{run}?media={media}"), of("/runs/{ingest}")),
    ("GET", "/assets/<name>"): always("/assets/nothing.js", 404),
    ("GET", "/favicon.ico"): always("/favicon.ico", 204),
    ("GET", "/health"): always("/health"),
    ("GET", "/health/live"): always("/health/live"),
    ("GET", "/health/ready"): always("/health/ready"),
    ("GET", "/masks/<sha256>.png"): (of("/masks/{mask}.png", GUARDED),),
    ("POST", "/masks/"): always("/masks/", 401, 415, 403, 415),
    ("GET", "/metrics"): always("/metrics", 403),
    ("GET", "/ns/1/context.jsonld"): always("/ns/1/context.jsonld"),
    ("GET", "/annotations/"): (
        of("/annotations/"),
        of("/annotations/?page=first"),
        of("/annotations/?page=last&iris=1"),
        of("/annotations/?page=first&target=http://hub.test/iiif/3/{media}"),
        of("/annotations/?page=first&target=http://hub.test/ark:99999/{specimen}"),
        of("/annotations/?page=first&target=http://hub.test/annotations/note-{access}"),
    ),
    ("GET", "/annotations/<key>"): (
        of("/annotations/note-{access}", GUARDED),
        of("/annotations/reply-{access}", GUARDED),
        of("/annotations/reply-{access}?profile=iiif3", GUARDED),
        of("/annotations/gone-{access}", GONE_GUARDED, (410,) * 4),
        of("/annotations/moved-{access}"),
    ),
    ("GET", "/annotations/<key>/versions/<int:version>"): (
        of("/annotations/note-{access}/versions/1", GUARDED),
        of("/annotations/gone-{access}/versions/1", GUARDED),
        of("/annotations/gone-{access}/versions/2", GONE_GUARDED, (410,) * 4),
        of("/annotations/moved-{access}/versions/1", GUARDED),
        of("/annotations/moved-{access}/versions/2"),
    ),
    ("GET", "/annotations/<key>/timemap"): (
        of("/annotations/note-{access}/timemap", GUARDED),
        of("/annotations/gone-{access}/timemap", GUARDED),
    ),
    ("GET", "/canvases/<media_key>/annotations/<layer>.json"): (
        of("/canvases/{media}/annotations/machine.json", GUARDED),
        of("/canvases/{media}/annotations/people.json", GUARDED),
    ),
    ("GET", "/canvases/<media_key>/annotations/<layer>/<specimen_key>.json"): (
        of("/canvases/{media}/annotations/people/{specimen}.json", GUARDED),
    ),
    ("GET", "/statements/<key>"): (
        of("/statements/note-{access}", GUARDED),
        of("/statements/mask-{access}", GUARDED),
        of("/statements/reply-{access}", GUARDED),
        of("/statements/gone-{access}", GONE_GUARDED, (410,) * 4),
    ),
    ("GET", "/specimens/<key>/draw/<media_key>"): (
        of("/specimens/{specimen}/draw/{media}", (401, 403, 403, 200), (401, 403, 403, 200)),
        of("/specimens/{specimen}/draw/{media}?annotation=note-{access}", (401, 403, 403, 200), (401, 403, 403, 200)),
    ),
    ("GET", "/specimens/<key>/segments/<media_key>"): (
        of("/specimens/{specimen}/segments/{media}", (401, 403, 403, 200), (401, 403, 403, 200)),
        of("/specimens/{specimen}/segments/{media}?segment={segment}", (401, 403, 403, 200), (401, 403, 403, 200)),
    ),
    ("GET", "/api/media/<key>/file"): (replace(of("/api/media/{media}/file", GUARDED), reduced=(403, 403, 200, 200)),),
    ("GET", "/api/annotations"): (of("/api/annotations?image={media}", GUARDED),),
    ("GET", "/api/annotations/<key>"): (
        of("/api/annotations/note-{access}", GUARDED),
        of("/api/annotations/reply-{access}?profile=annotorious", GUARDED),
        of("/api/annotations/gone-{access}", GONE_GUARDED, (410,) * 4),
    ),
    ("GET", "/api/annotations/<key>/history"): (of("/api/annotations/note-{access}/history", GUARDED),),
    ("GET", "/api/proposals"): (of("/api/proposals?limit=500"), of("/api/proposals?kind=text"), of("/api/proposals?state=stale")),
    ("GET", "/api/annotations/<key>/diff"): (of("/api/annotations/note-{access}/diff?from=1&to=1", GUARDED),),
    ("GET", "/statements/<key>/history"): (of("/statements/note-{access}/history", GUARDED),),
    ("POST", "/api/specimens/<key>/restore"): always("/api/specimens/s1nothing/restore", 401, 415, 415, 415),
    ("POST", "/statements/<key>/restore"): always("/statements/n1nothing/restore", 401, 400, 400, 400),
    ("POST", "/api/proposals"): always("/api/proposals", 401, 415, 415, 415),
    ("GET", "/api/changes/<institution>.<any(csv, json, jsonl):form_name>"): (
        of("/api/changes/BR.csv"),
        of("/api/changes/BR.json"),
        of("/api/changes/BR.jsonl"),
    ),
    ("GET", "/api/specimens/<key>/history"): (of("/api/specimens/{specimen}/history"),),
    ("GET", "/api/specimens/<key>/diff"): (of("/api/specimens/{specimen}/diff?from=1&to=1"),),
    ("GET", "/api/specimens/<key>/versions/<int:number>"): (of("/api/specimens/{specimen}/versions/1"),),
    ("GET", "/api/specimens/<key>/timemap"): (of("/api/specimens/{specimen}/timemap"),),
    ("GET", "/api/policy"): always("/api/policy"),
    ("GET", "/api/agreement"): always("/api/agreement"),
    ("GET", "/api/agreement/people"): always("/api/agreement/people", 401, 403, 403, 200),
    ("GET", "/review/agreement"): always("/review/agreement"),
    ("GET", "/api/annotations/<key>/consensus"): (of("/api/annotations/note-{access}/consensus", GUARDED),),
    ("GET", "/api/changes"): always("/api/changes", 401, 403, 403, 200),
    ("GET", "/api/events"): (),  # a stream: numbers of runs alone, see below
    ("GET", "/api/ingests"): always("/api/ingests"),
    ("GET", "/api/ingests/<key>"): (of("/api/ingests/{ingest}"),),
    ("GET", "/api/ingests/<key>/report.csv"): (of("/api/ingests/{ingest}/report.csv", *((401, 403, 403, 200),) * 2),),
    ("GET", "/api/media"): (of("/api/media"), of("/api/media?specimen={specimen}")),
    ("GET", "/api/media/<key>"): (of("/api/media/{media}"),),
    ("GET", "/api/pipelines"): always("/api/pipelines"),
    ("GET", "/api/pipelines/<name>"): always("/api/pipelines/sheet"),
    ("GET", "/api/runs"): (of("/api/runs"), of("/api/runs?media={media}"), of("/api/runs?kind=ingest")),
    ("GET", "/api/runs/<key>"): (of("/api/runs/{run}"), of("/api/runs/{ingest}")),
    ("GET", "/api/runs/<key>/tasks"): (of("/api/runs/{run}/tasks"),),
    ("GET", "/api/search"): (
        of("/api/search?type=all&limit=20"),
        of("/api/search?q=sequoiadendron{access}"),
        of("/api/search?q=zanthoxylum{access}&type=annotation"),
        of("/api/search?q={access}filename&type=all"),
        of("/api/search?q=sequoiadendron{access}&type=segment"),
        of("/api/search?q=seq*&type=all&facets=kind,media,run"),
    ),
    ("GET", "/api/search.<any(csv, json, jsonl, geojson):form>"): (
        of("/api/search.csv?q=sequoiadendron{access}"),
        of("/api/search.json?type=annotation"),
        of("/api/search.jsonl?q={access}filename&type=segment"),
        of("/api/search.geojson"),
    ),
    ("GET", "/similar"): (
        of("/similar?to={specimen}"),  # which says that nobody has looked at it yet
        of("/similar?to={segment}", (401, 403, 200, 200)),
    ),
    ("GET", "/api/similar"): (of("/api/similar?to={specimen}", (404,) * 4, (404,) * 4),),
    ("GET", "/queries"): always("/queries", 401),
    ("POST", "/queries"): always("/queries", 401, 400, 400, 400),
    ("GET", "/queries/<key>"): always("/queries/k1nothing", 404),
    ("POST", "/queries/<key>/<any(change, delete):deed>"): always("/queries/k1nothing/delete", 401, 404, 404, 404),
    ("GET", "/queries/<key>/feed.atom"): always("/queries/k1nothing/feed.atom", 404),
    ("GET", "/api/queries"): always("/api/queries"),
    ("POST", "/api/queries"): always("/api/queries", 401, 415, 415, 415),
    ("GET", "/api/queries/<key>"): always("/api/queries/k1nothing", 404),
    ("PUT", "/api/queries/<key>"): always("/api/queries/k1nothing", 401, 415, 415, 415),
    ("DELETE", "/api/queries/<key>"): always("/api/queries/k1nothing", 401, 404, 404, 404),
    ("GET", "/api/queries/<key>/versions/<int:number>"): always("/api/queries/k1nothing/versions/1", 404),
    ("GET", "/api/search/terms"): (of("/api/search/terms?q=sequ"), of("/api/search/terms?q={access}&limit=50")),
    ("GET", "/api/segments"): (of("/api/segments"), of("/api/segments?media={media}"), of("/api/segments?specimen={specimen}")),
    ("GET", "/segments/<segment:key>"): (of("/segments/{segment}", GUARDED),),
    ("GET", "/segments/<segment:key>/like"): (of("/segments/{segment}/like", GUARDED),),
    ("POST", "/segments/<segment:key>/like/proposals"): (
        of("/segments/{segment}/like/proposals", (401, 403, 403, 400), (401, 400, 403, 400)),
    ),
    ("POST", "/api/segments"): always("/api/segments", 401, 415, 403, 415),
    ("POST", "/api/segments/merge"): always("/api/segments/merge", 401, 415, 403, 415),
    ("POST", "/api/segments/<segment:key>/split"): (of("/api/segments/{segment}/split", *((401, 415, 403, 415),) * 2),),
    ("GET", "/api/segments/<segment:key>/like"): (of("/api/segments/{segment}/like", GUARDED),),
    **{
        (method, "/api/segments/<segment:key>/like/proposals"): (
            of("/api/segments/{segment}/like/proposals", *((401, 415, 403, 415),) * 2),
        )
        for method in ("POST", "DELETE")
    },
    ("PATCH", "/api/segments/<segment:key>"): (of("/api/segments/{segment}", *((401, 415, 403, 415),) * 2),),
    ("DELETE", "/api/segments/<segment:key>"): (of("/api/segments/{segment}", *((401, 428, 403, 428),) * 2),),
    ("GET", "/api/segments/<segment:key>"): (of("/api/segments/{segment}", GUARDED),),
    ("GET", "/api/segments/<segment:key>/versions/<int:number>"): (of("/api/segments/{segment}/versions/1", GUARDED),),
    ("GET", "/api/segments/<segment:key>/timemap"): (of("/api/segments/{segment}/timemap", GUARDED),),
    ("POST", "/api/segments/<segment:key>/restore"): (of("/api/segments/{segment}/restore", *((401, 415, 403, 415),) * 2),),
    ("POST", "/segments/<segment:key>/restore"): (of("/segments/{segment}/restore", *((401, 403, 403, 400),) * 2),),
    ("GET", "/api/specimens"): always("/api/specimens"),
    ("GET", "/api/specimens/<key>"): (of("/api/specimens/{specimen}"),),
    ("GET", "/api/specimens/<key>/media/<media_key>"): (of("/api/specimens/{specimen}/media/{media}"),),
    ("GET", "/ark:<naan>/<name>"): (
        of("/ark:99999/{specimen}", (303,) * 4, (303,) * 4),
        of("/ark:99999/{specimen}.ttl"),
        of("/ark:99999/{media}.jsonld"),
        of("/ark:99999/{media}.html"),
        of("/ark:99999/{segment}.nt", GUARDED),
        of("/ark:99999/{segment}?info", GUARDED),
    ),
    ("GET", "/ark:/<naan>/<name>"): (),
    ("GET", "/ark:<naan>/<name>/<path:rest>"): (of("/ark:99999/{media}/info.json", (302,) * 4, (302,) * 4),),
    ("GET", "/ark:/<naan>/<name>/<path:rest>"): (),
    ("GET", "/activity/changes"): always("/activity/changes"),
    ("GET", "/activity/changes/page/<int:number>"): always("/activity/changes/page/1"),
    ("GET", "/.well-known/void"): always("/.well-known/void"),
    ("GET", "/robots.txt"): always("/robots.txt"),
    ("GET", "/sitemap.xml"): always("/sitemap.xml"),
    ("GET", "/sitemap/<name>.xml"): always("/sitemap/specimens-s1.xml"),
    ("GET", "/sparql"): (*always("/sparql"), *always("/sparql?query=ASK%7B%7D", 503)),
    ("POST", "/sparql"): always("/sparql", 415),
    ("GET", "/dumps"): always("/dumps", 404),
    ("GET", "/dumps/<name>/<file>"): always("/dumps/x/y", 404),
    ("GET", "/inbox"): always("/inbox"),
    ("GET", "/inbox/<key>"): always("/inbox/c1none", 404),
    ("POST", "/inbox"): always("/inbox", 415),
    ("GET", "/api/notices"): always("/api/notices"),
    ("GET", "/notices"): always("/notices", 401, 200, 403, 200),
    ("POST", "/api/notices/<key>/<any(accept, reject):decision>"): always("/api/notices/c1none/accept", 401, 404, 403, 404),
    ("POST", "/notices/<key>/<any(accept, reject):decision>"): always("/notices/c1none/accept", 401, 404, 403, 404),
    ("GET", "/ns"): always("/ns"),
    ("GET", "/ns/shapes.ttl"): always("/ns/shapes.ttl"),
    ("GET", "/ns/vocabulary.<any('ttl','nt','rdf','jsonld'):suffix>"): always("/ns/vocabulary.ttl"),
    ("GET", "/.well-known/ni/sha-256/<digest>"): (of("/.well-known/ni/sha-256/x", (404,) * 4, (404,) * 4),),
    ("GET", "/iiif/<any('2','3'):version>/<path:rest>"): (
        of("/iiif/3/{media}", (401, 403, 303, 303), (303,) * 4),
        of("/iiif/3/{media}/info.json", GUARDED),
        of("/iiif/2/{media}/info.json", GUARDED),
        of("/iiif/3/{media}/full/max/0/default.jpg", GUARDED),
        of("/iiif/3/{media}:1,1,50,50/info.json", GUARDED),
        of("/iiif/3/{media}:1,1,9000,9000/info.json", (401, 403, 404, 404), (404,) * 4),
    ),
    ("GET", "/iiif/presentation/2/<key>/manifest.json"): (of("/iiif/presentation/2/{specimen}/manifest.json"),),
    ("GET", "/iiif/presentation/3/<key>/manifest.json"): (of("/iiif/presentation/3/{specimen}/manifest.json"),),
    ("GET", "/iiif/presentation/3/<key>/canvas/<name>"): (of("/iiif/presentation/3/{specimen}/canvas/{media}", GUARDED),),
    ("GET", "/iiif/presentation/3/<key>/canvas/<name>/page"): (
        of("/iiif/presentation/3/{specimen}/canvas/{media}/page", GUARDED),
    ),
    ("GET", "/iiif/presentation/3/<key>/canvas/<name>/painting"): (
        of("/iiif/presentation/3/{specimen}/canvas/{media}/painting", GUARDED),
    ),
    ("GET", "/iiif/presentation/3/<segment:key>/manifest.json"): (of("/iiif/presentation/3/{segment}/manifest.json", GUARDED),),
    ("GET", "/iiif/presentation/2/<segment:key>/manifest.json"): (of("/iiif/presentation/2/{segment}/manifest.json", GUARDED),),
    ("GET", "/iiif/presentation/3/<segment:key>/canvas/<segment:name>"): (
        of("/iiif/presentation/3/{segment}/canvas/{segment}", GUARDED),
    ),
    ("GET", "/iiif/presentation/3/<segment:key>/canvas/<segment:name>/<any(page, painting):part>"): (
        of("/iiif/presentation/3/{segment}/canvas/{segment}/page", GUARDED),
        of("/iiif/presentation/3/{segment}/canvas/{segment}/painting", GUARDED),
    ),
    ("GET", "/canvases/<segment:key>/annotations/<layer>.json"): (of("/canvases/{segment}/annotations/machine.json", GUARDED),),
    ("GET", "/canvases/<media_key>/annotations/segments.json"): (of("/canvases/{media}/annotations/segments.json", GUARDED),),
    ("GET", "/canvases/<media_key>/annotations/segments/<specimen_key>.json"): (
        of("/canvases/{media}/annotations/segments/{specimen}.json", GUARDED),
    ),
    ("GET", "/iiif/presentation/3/collection/segments-<name>.json"): always(
        "/iiif/presentation/3/collection/segments-label.json"
    ),
    ("GET", "/iiif/presentation/3/collection/<name>.json"): always("/iiif/presentation/3/collection/top.json"),
    ("GET", "/search/<int:version>/<key>"): (
        of("/search/2/{specimen}?q=sequoiadendron{access}"),
        of("/search/1/{specimen}?q=zanthoxylum{access}"),
    ),
    ("GET", "/search/<int:version>/<key>/autocomplete"): (
        of("/search/2/{specimen}/autocomplete?q=sequ"),
        of("/search/1/{specimen}/autocomplete?q=zan"),
    ),
    # forms: of pages that were sent from elsewhere, and of who is not signed in with a browser
    ("POST", "/login"): always("/login", 403),
    ("POST", "/join"): always("/join", 403),
    ("POST", "/logout"): always("/logout", 303),
    **{("POST", f"/account{path}"): always(f"/account{path}", 401) for path in ("", "/password", "/sessions/end", "/tokens")},
    **{("POST", f"/account{path}"): always(f"/account{path}", 401) for path in ("/tokens/revoke", "/remove", "/disconnect")},
    ("POST", "/runs/<key>/<any(cancel, retract, restore):change>"): always("/runs/x1nothing/cancel", *WRITING, 404),
    ("POST", "/specimens/<key>/verdicts"): always("/specimens/s1nothing/verdicts", 401, 400, 400, 400),
    ("POST", "/specimens/<key>/verdicts/<verdict>/undo"): always(
        "/specimens/s1nothing/verdicts/n1nothing/undo", 401, 404, 404, 404
    ),
    ("POST", "/specimens/<key>/comments"): always("/specimens/s1nothing/comments", 401, 404, 404, 404),
    ("POST", "/specimens/<key>/statements/<name>/<any(change, delete):deed>"): always(
        "/specimens/s1nothing/statements/n1nothing/delete", 401, 404, 404, 404
    ),
    ("POST", "/specimens/<key>/proposals"): always("/specimens/s1nothing/proposals", 401, 400, 400, 400),
    ("POST", "/specimens/<key>/lines"): always("/specimens/s1nothing/lines", 401, 404, 404, 404),
    ("POST", "/accounts"): always("/accounts", *WRITING, 403),
    ("POST", "/members"): always("/members", 401, 400, 403, 400),
    ("POST", "/accounts/<key>/role"): always("/accounts/v1nothing/role", *WRITING, 403),
    ("POST", "/accounts/<key>/link"): always("/accounts/v1nothing/link", *WRITING, 403),
    ("POST", "/accounts/<key>/<any(block, unblock, remove):change>"): always("/accounts/v1nothing/block", *WRITING, 403),
    # what changes things is refused before it tells anything; what it does for who may is tested elsewhere
    ("POST", "/annotations/"): (of("/annotations/", (401, 415, 415, 415), (401, 415, 415, 415)),),
    ("PUT", "/annotations/<key>"): (of("/annotations/note-{access}", (401, 415, 415, 415), (401, 415, 415, 415)),),
    ("DELETE", "/annotations/<key>"): (of("/annotations/gone-{access}", (401, 403, 410, 410), (401, 410, 410, 410)),),
    ("POST", "/statements/<key>/verdicts"): (
        of("/statements/note-{access}/verdicts", (401, 403, 400, 400), (401, 400, 400, 400)),
    ),
    ("POST", "/statements/<key>/verdicts/<verdict>/undo"): always(
        "/statements/n1nothing/verdicts/n1nothing/undo", 401, 404, 404, 404
    ),
    ("POST", "/statements/<key>/comments"): (
        of("/statements/note-{access}/comments", (401, 403, 400, 400), (401, 400, 400, 400)),
    ),
    ("POST", "/specimens/<key>/draw/<media_key>"): (
        of("/specimens/{specimen}/draw/{media}", (401, 403, 403, 400), (401, 403, 403, 400)),
    ),
    ("POST", "/specimens/<key>/segments/<media_key>"): (
        of("/specimens/{specimen}/segments/{media}", (401, 403, 403, 400), (401, 403, 403, 400)),
    ),
    ("POST", "/segments/<segment:key>/change"): (of("/segments/{segment}/change", *((401, 403, 403, 400),) * 2),),
    ("POST", "/segments/<segment:key>/split"): (of("/segments/{segment}/split", *((401, 403, 403, 400),) * 2),),
    ("POST", "/segments/<segment:key>/merge"): (of("/segments/{segment}/merge", *((401, 403, 403, 400),) * 2),),
    ("POST", "/segments/<segment:key>/delete"): (of("/segments/{segment}/delete", *((401, 403, 403, 400),) * 2),),
    ("POST", "/api/annotations"): (of("/api/annotations", (401, 415, 415, 415), (401, 415, 415, 415)),),
    ("PUT", "/api/annotations/<key>"): (of("/api/annotations/note-{access}", (401, 415, 415, 415), (401, 415, 415, 415)),),
    ("DELETE", "/api/annotations/<key>"): always("/api/annotations/n1nothing", 401, 428, 428, 428),
    ("POST", "/api/annotations/<key>/restore"): always("/api/annotations/n1nothing/restore", 401, 428, 428, 428),
    ("POST", "/api/verdicts"): always("/api/verdicts", 401, 415, 415, 415),
    ("DELETE", "/api/verdicts/<key>"): always("/api/verdicts/n1nothing", 401, 404, 404, 404),
    ("GET", "/review"): always("/review", 401, 200, 403, 200),
    ("GET", "/review/groups"): always("/review/groups", 401, 200, 403, 200),
    ("GET", "/review/<kind>"): always("/review/label", 401, 200, 403, 200),
    ("GET", "/api/queue"): always("/api/queue"),
    ("GET", "/api/queue/counts"): always("/api/queue/counts", 401, 200, 403, 200),
    ("POST", "/api/queue/leases"): always("/api/queue/leases", 401, 415, 415, 415),
    ("POST", "/api/verdicts/batch"): always("/api/verdicts/batch", 401, 415, 415, 415),
    ("DELETE", "/api/verdicts/batch/<key>"): always("/api/verdicts/batch/b1nothing", 401, 404, 403, 404),
    ("GET", "/api/datasets"): always("/api/datasets"),
    ("POST", "/api/datasets"): always("/api/datasets", 401, 415, 403, 415),
    ("GET", "/api/datasets/<key>"): always("/api/datasets/d1nothing", 404),
    ("PUT", "/api/datasets/<key>"): always("/api/datasets/d1nothing", 401, 404, 403, 404),
    ("GET", "/api/datasets/<key>/versions"): always("/api/datasets/d1nothing/versions", 404),
    ("POST", "/api/datasets/<key>/versions"): always("/api/datasets/d1nothing/versions", 401, 404, 403, 404),
    ("POST", "/api/datasets/<key>/versions/<int:number>/withdraw"): always(
        "/api/datasets/d1nothing/versions/1/withdraw", 401, 404, 403, 404
    ),
    ("GET", "/api/datasets/<key>/diff"): always("/api/datasets/d1nothing/diff", 404),
    ("GET", "/datasets"): always("/datasets"),
    ("POST", "/datasets"): always("/datasets", 401, 400, 403, 400),
    ("GET", "/datasets/new"): always("/datasets/new", 401, 200, 403, 200),
    ("GET", "/datasets/feed.atom"): always("/datasets/feed.atom"),
    ("GET", "/datasets/<key>/feed.atom"): always("/datasets/d1nothing/feed.atom", 404),
    ("GET", "/datasets/<name>"): always("/datasets/d1nothing", 404),
    ("GET", "/datasets/<name>/linkset.json"): always("/datasets/d1nothing/linkset.json", 404),
    ("POST", "/datasets/<key>/versions"): always("/datasets/d1nothing/versions", 401, 404, 403, 404),
    ("POST", "/datasets/<name>/withdraw"): always("/datasets/d1nothing/withdraw", 401, 404, 403, 404),
    ("GET", "/datasets/<name>/archive.zip"): always("/datasets/d1nothing/archive.zip", 404),
    ("GET", "/datasets/<name>/files/<path:file>"): always("/datasets/d1nothing/files/README.md", 404),
    ("GET", "/datasets/<name>/<any('croissant.json', 'ro-crate-metadata.json', 'datacite.json', 'datacite.xml'):file>"): always(
        "/datasets/d1nothing/croissant.json", 404
    ),
    ("GET", "/datasets/<name>/citation.<any(txt, bib, ris, json):form>"): always("/datasets/d1nothing/citation.bib", 404),
    ("POST", "/api/datasets/<key>/versions/<int:number>/exports"): always(
        "/api/datasets/d1nothing/versions/1/exports", 401, 415, 403, 415
    ),
    ("GET", "/api/exports/<key>"): always("/api/exports/e1nothing", 404),
    ("DELETE", "/api/exports/<key>"): always("/api/exports/e1nothing", 401, 404, 403, 404),
    ("GET", "/datasets/<name>/members.jsonl"): always("/datasets/d1nothing/members.jsonl", 404),
    ("GET", "/datasets/<name>/manifest.sha256"): always("/datasets/d1nothing/manifest.sha256", 404),
    ("POST", "/api/runs"): always("/api/runs", *WRITING, 400),
    ("POST", "/api/runs/<key>/cancel"): always("/api/runs/x1nothing/cancel", *WRITING, 404),
    ("POST", "/api/runs/<key>/restore"): always("/api/runs/x1nothing/restore", *WRITING, 404),
    ("POST", "/api/runs/<key>/retract"): always("/api/runs/x1nothing/retract", 401, 400, 400, 400),
    ("PUT", "/api/specimens/<key>/media/<media_key>"): (
        of("/api/specimens/{specimen}/media/m1nothing", (401, 404, 404, 404), (401, 404, 404, 404)),
    ),
    ("DELETE", "/api/specimens/<key>/media/<media_key>"): (
        of("/api/specimens/{specimen}/media/{media}", (401, 403, 403, 409), (401, 403, 403, 409)),
    ),
}
ASKED = [
    pytest.param(method, row, access, id=f"{method} {rule} {number} {access}")
    for (method, rule), rows in TABLE.items()
    for number, row in enumerate(rows)
    for access in ACCESS
]


def test_every_address_has_a_row(hub: Hub) -> None:
    assert hub.rules - set(TABLE) == set(), "say who sees what there"
    assert {rule for rule in TABLE if rule[1] != "/ark:/<naan>/<name>" and "<naan>" not in rule[1]} - hub.rules == set()


@pytest.mark.parametrize(("method", "row", "access"), ASKED)
def test_the_status_and_no_secret(hub: Hub, method: str, row: Row, access: Access) -> None:
    sheet = hub.sheets[access]
    path = row.path(hub, sheet)
    for who, status in row.statuses(access).items():
        for accept in ("application/json", "text/html"):
            headers = {"Authorization": f"Bearer {hub.tokens[who]}"} if who != "nobody" else {}
            answer = hub.client.open(path, method=method, headers=headers | {"Accept": accept})
            assert answer.status_code == status, (who, path, answer.text[:300])
            if status == 401:
                assert answer.headers["WWW-Authenticate"] == "Bearer"
            if who in ("nobody", "elsewhere"):
                assert_no_secret(hub.sheets["closed"], path, answer)
            if status == 200 and who in ("reader", "curator") and "Authorization" in answer.headers.get("Vary", ""):
                assert "private" in answer.headers["Cache-Control"]


def assert_no_secret(sheet: Sheet, path: str, answer: TestResponse) -> None:
    """In body or headers; but for what the address itself says, which answers repeat."""
    text = answer.data.decode("latin-1") + str(answer.headers)
    for name, pattern in sheet.secrets.items():
        found = re.search(pattern, text)
        told = (found is not None and found[0].lower() in path.lower()) or (found is not None and found[0] in echoed(path))
        assert found is None or told, (name, text[max(0, found.start() - 200) : found.end() + 100])


def echoed(path: str) -> str:
    return path.partition("?")[2]


def test_who_may_see_it_is_told(hub: Hub) -> None:
    """The secrets are there to be found, or the table would show nothing."""
    sheet = hub.sheets["closed"]
    everything = ""
    for rows in TABLE.values():
        for row in rows:
            everything += hub.ask("reader", "GET", row.path(hub, sheet)).data.decode("latin-1")
    derivative = sheet.secrets["derivative"]
    missing = [name for name, pattern in sheet.secrets.items() if pattern != derivative and not re.search(pattern, everything)]
    assert missing == []


def test_a_reader_of_the_collection_finds_the_words_and_nobody_counts_them(hub: Hub) -> None:
    for who, total in (("nobody", 0), ("elsewhere", 0), ("reader", 1), ("curator", 1)):
        answer: Any = hub.ask(who, "GET", f"/api/search?q={MACHINE}closed").json  # type: ignore[arg-type]
        assert answer["total"] == total, who
    totals = {who: hub.ask(who, "GET", "/annotations/").json["total"] for who in WHO}  # type: ignore[index]
    assert totals["reader"] == totals["curator"] == totals["nobody"] + 4
    assert totals["elsewhere"] == totals["nobody"]


def test_answers_that_depend_on_who_asks_say_so(hub: Hub) -> None:
    sheet = hub.sheets["closed"]
    for path in (f"/iiif/presentation/3/{sheet.specimen.key}/manifest.json", "/annotations/", "/api/search", "/api/media"):
        public, private = hub.ask("nobody", "GET", path), hub.ask("reader", "GET", path)
        assert "Authorization" in public.headers["Vary"]
        assert "private" not in public.headers.get("Cache-Control", "")
        assert "private" in private.headers["Cache-Control"]


def test_the_events_count_and_name_nothing(hub: Hub) -> None:
    stream = hub.ask("nobody", "GET", "/api/events")
    parts = iter(stream.response)
    told = str([next(parts), next(parts)])
    stream.close()
    assert "progress" in told
    assert not [name for name, pattern in hub.sheets["closed"].secrets.items() if re.search(pattern, told)]


def test_nobody_writes_about_what_they_do_not_see(hub: Hub) -> None:
    sheet = hub.sheets["closed"]
    with hub.runtime.db.begin() as session:
        annotator = tokens.create(
            session, "annotator-of-p", hub.runtime.clock(), by=SYSTEM, role="annotator", collections=(ELSEWHERE,)
        )
    canvas = hub.runtime.addresses.canvas(sheet.specimen.key, sheet.media.key)
    for target in (canvas, f"{canvas}#xywh=0,0,9999,9999", hub.runtime.addresses.annotation("note-closed")):
        answer = hub.client.post("/annotations/", headers={"Authorization": f"Bearer {annotator}"}, json=comment(target))
        assert answer.status_code == 403
        assert_no_secret(sheet, "", answer)
