"""Manifests, canvases and collections over HTTP (Presentation API 3.0, section 6; 2.1 beside it)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request

from app.runtime import context, principal
from app.runtime.http import IIIF_PRESENTATION, JSON, answer
from app.runtime.principal import Principal
from iiif.presentation import service, version2
from iiif.presentation.manifest import Publisher
from iiif.presentation.model import ExtrasOf

VERSION_2 = 'application/ld+json;profile="http://iiif.io/api/presentation/2/context.json"'


def make_blueprint(extras_of: ExtrasOf, services_of_top: Callable[[], Sequence[Mapping[str, Any]]] = tuple) -> Blueprint:
    """The views, with what packages further left add to manifests, and to the collection of everything."""
    blueprint = Blueprint("presentation", __name__, url_prefix="/iiif/presentation")

    @blueprint.get("/3/<key>/manifest.json")
    def manifest(key: str) -> Response:
        by = principal.of_request()
        return _answer(_manifest(key, extras_of, by), by)

    @blueprint.get("/2/<key>/manifest.json")
    def manifest_2(key: str) -> Response:
        by = principal.of_request()
        shown = version2.manifest(_manifest(key, extras_of, by), context.current().addresses.manifest(key, 2))
        return _answer(shown, by, VERSION_2)

    @blueprint.get("/3/<key>/canvas/<name>")
    def canvas(key: str, name: str) -> Response:
        by = principal.of_request()
        with context.current().reads.begin() as session:
            return _answer(service.get_canvas(session, key, name, extras_of, by=by, addresses=context.current().addresses), by)

    @blueprint.get("/3/<key>/canvas/<name>/page")
    def painting_page(key: str, name: str) -> Response:
        by = principal.of_request()
        with context.current().reads.begin() as session:
            return _answer(service.get_painting_page(session, key, name, by=by, addresses=context.current().addresses), by)

    @blueprint.get("/3/<key>/canvas/<name>/painting")
    def painting(key: str, name: str) -> Response:
        by = principal.of_request()
        with context.current().reads.begin() as session:
            page = service.get_painting_page(session, key, name, by=by, addresses=context.current().addresses)
        return _answer({"@context": page["@context"], **page["items"][0]}, by)

    @blueprint.get("/3/collection/<name>.json")
    def collection(name: str) -> Response:
        settings = context.current().settings
        by = principal.of_request()
        with context.current().reads.begin() as session:
            found = service.get_collection(
                session, name, by=by, addresses=context.current().addresses, publisher=_publisher(), page_size=settings.page_size
            )
        services = services_of_top() if name == service.TOP else ()
        return _answer({**found, "service": list(services)} if services else found, by)

    return blueprint


def _manifest(key: str, extras_of: ExtrasOf, by: Principal) -> dict[str, Any]:
    with context.current().reads.begin() as session:
        return service.get_manifest(session, key, extras_of, by=by, addresses=context.current().addresses, publisher=_publisher())


def _answer(shown: Any, by: Principal, media_type: str = IIIF_PRESENTATION) -> Response:
    """JSON-LD with the profile of the API, or plain JSON for those who ask for that (section 6.2)."""
    best = request.accept_mimetypes.best_match(["application/ld+json", JSON], default="application/ld+json")
    return answer(shown, JSON if best == JSON else media_type, by=by)


def _publisher() -> Publisher:
    settings = context.current().settings
    return Publisher(settings.provider_name, settings.provider_url or f"{settings.base_url}/")
