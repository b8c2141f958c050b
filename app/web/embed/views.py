"""The page that stands in frames of other pages: one canvas, what is said on it, its identifier and how to cite it.

No cookie and no token is read, and nothing is kept in the browser, so the page is the same for everybody and works in a frame
that is cut off from all of that (`sandbox="allow-scripts"`, as WordPress makes it).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, make_response, render_template, request

from app.runtime import context, ids
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.web import assets
from app.web.embed import place, shapes
from app.web.embed.place import Opened, Wanted
from app.web.embed.words import LANGUAGES
from app.web.image_links import picture_of
from app.web.specimens import citing
from iiif.image.service import service_address
from iiif.presentation import manifest
from ontology.segment_classes import CLASSES

FIRST_VIEW_PX = (800, 800)
COMPONENT_S = 3_600
PROGRAMS_AND_PAGES = ("application/json", "application/problem+json", "text/html")
blueprint = Blueprint("embed", __name__, template_folder="templates")


@blueprint.get("/embed/<key>")
def embed(key: str) -> Response:
    """A specimen or a segment; `canvas`, `xywh`, `annotations` and `lang` say what of it."""
    return _shown(place.of_key(key, request.args))


@blueprint.get("/embed")
def embed_state() -> Response:
    """The place that a content state of this hub names."""
    text = request.args.get("iiif-content", "")
    if not text:
        raise Invalid("Say what to show: /embed/{key}, or /embed?iiif-content= with a manifest of this hub.")
    asked = {name: value for name, value in request.args.items() if name != "iiif-content"}
    return _shown(place.of_state(text, asked, context.current().addresses))


@blueprint.get("/embed.js")
def component() -> Response:
    """The web component, under an address that stays."""
    response = assets.send(assets.names().get("component.js", "").rpartition("/")[2])
    response.headers["Cache-Control"] = f"public, max-age={COMPONENT_S}"
    return response


def _shown(wanted: Wanted) -> Response:
    runtime = context.current()
    with runtime.reads.begin() as session:
        opened = place.open_place(session, wanted, runtime.addresses)
        sayings = shapes.on_canvas(session, opened, wanted.layers, runtime.addresses)
    words = LANGUAGES[wanted.language]
    response = frame("embed.html", 200, words=words, language=wanted.language, **_values(wanted, opened, sayings))
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]  # it is the same response


def _values(wanted: Wanted, opened: Opened, sayings: shapes.Sayings) -> dict[str, Any]:
    runtime = context.current()
    addresses, specimen, view = runtime.addresses, opened.specimen, opened.view
    width, height = place.size_of(view)
    provider, pid = runtime.settings.provider_name, addresses.pid(opened.key)
    return {
        "specimen": specimen,
        "title": opened.title,
        "provider": provider,
        "pid": pid,
        "cite": _citation(opened, provider, pid),
        "home": addresses.segment_page(opened.key) if opened.segment else addresses.specimen_page(opened.key),
        "manifest": addresses.manifest(opened.key),
        "picture": picture_of(view.media, FIRST_VIEW_PX, view.segment, "webp"),
        "rights": manifest.rights_of(specimen, view.media),
        "sayings": sayings,
        "number": opened.number + 1,
        "views": len(opened.views),
        "neighbours": {step: _neighbour(wanted, opened, step) for step in (-1, 1)},
        "scene": {
            "info": f"{service_address(addresses, view.media, view.segment)}/info.json",
            "width": width,
            "height": height,
            "box": wanted.box,
            "shapes": [[one.key, one.layer, one.path, one.line] for one in sayings.told if one.path],
        },
    }


def _citation(opened: Opened, provider: str, pid: str) -> str:
    """Of a segment that of its specimen, with what it is before, and its own identifier."""
    text = citing.source(opened.specimen, provider, pid, opened.day).text
    return text if opened.segment is None else f"{CLASSES[opened.segment.class_name].label} on: {text}"


def _neighbour(wanted: Wanted, opened: Opened, step: int) -> str:
    """The address of the canvas before or behind, in the same frame; empty where there is none."""
    number = opened.number + step
    if not 0 <= number < len(opened.views):
        return ""
    asked = {"canvas": place.name_of(opened.views[number])}
    asked |= {"lang": wanted.language} if wanted.language != "en" else {}
    if wanted.layers != place.LAYERS:
        asked["annotations"] = ",".join(wanted.layers) or "none"
    return f"{context.current().addresses.base}/embed/{opened.key}?{urlencode(asked)}"


def frame(template: str, status: int, **values: Any) -> Response:
    """A page for the frames of others: whose, the setting says."""
    settings = context.current().settings
    response = make_response(render_template(template, assets=assets.names(), **values), status)
    response.headers["Content-Security-Policy"] = _policy(settings.base_url, settings.embed_ancestors)
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.no_cache = True
    return response


def problem_page(status: int, detail: str) -> Response | None:
    """An error in the frame, with the way to the hub; None for other addresses and for programs."""
    if not (request.path == "/embed" or request.path.startswith("/embed/")):
        return None
    if request.accept_mimetypes.best_match(PROGRAMS_AND_PAGES, default="text/html") != "text/html":
        return None
    language = place.language_of(request.args)
    home = _home(request.path, request.args)
    return frame(
        "embed_problem.html", status, words=LANGUAGES[language], language=language, code=status, detail=detail, home=home
    )


def _home(path: str, asked: Mapping[str, str]) -> str:
    """The page at the hub of what was asked for, which may be closed or not there."""
    addresses = context.current().addresses
    key = path.removeprefix("/embed/") if path.startswith("/embed/") else ""
    named = addresses.identify(_page_of(key, addresses)) if key else None
    if named is None and (text := asked.get("iiif-content", "")):
        try:
            return _page_of(place.of_state(text, {}, addresses).key, addresses)
        except Exception:  # noqa: BLE001 - it is an error's page: what was wrong is told already
            return f"{addresses.base}/"
    return _page_of(named.key, addresses) if named is not None else f"{addresses.base}/"


def _page_of(key: str, addresses: Addresses) -> str:
    return addresses.segment_page(key) if key.startswith(ids.REGION) else addresses.specimen_page(key)


def _policy(base_url: str, ancestors: str) -> str:
    """Nothing from elsewhere. The public address is named beside 'self', which a frame of an opaque origin may not have."""
    here = "{0.scheme}://{0.netloc}".format(urlsplit(base_url))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {here}",
            f"style-src 'self' 'unsafe-inline' {here}",
            f"img-src 'self' data: {here}",
            f"connect-src 'self' {here}",
            "form-action 'none'",
            "base-uri 'none'",
            f"frame-ancestors {ancestors}",
        )
    )
