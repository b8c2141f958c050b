"""Image API 3.0 and 2.1 over HTTP; aligned tiles and info.json are usually answered before, by app/web/wsgi.py."""

from typing import cast

from flask import Blueprint, Response, redirect, request

from app.runtime import context
from iiif.image import answers, gallery
from iiif.image.answers import Answer, Conditions
from iiif.image.errors import BadParameter
from iiif.image.request import ImageRequest, Version

blueprint = Blueprint("image", __name__, url_prefix="/iiif/<any('2','3'):version>/<key>")


@blueprint.get("")
@blueprint.get("/")
def base(version: str, key: str) -> Response:
    """Section 2: the base URI leads to the information document."""
    found = gallery.of(context.current())
    found.find(key)
    response = redirect(f"{found.addresses.image(key, int(version))}/info.json", 303)
    return cast(Response, response)


@blueprint.get("/info.json")
def information(version: str, key: str) -> Response:
    """Section 5."""
    found = gallery.of(context.current())
    return _response(answers.of_info(found, key, _version(version), request.headers.get("Accept", ""), _conditions()))


@blueprint.get("/<region>/<size>/<rotation>/<last>")
def picture(version: str, key: str, region: str, size: str, rotation: str, last: str) -> Response:
    """Section 4."""
    quality, dot, format_ = last.rpartition(".")
    if not dot:
        raise BadParameter("format", "", "is missing")
    parsed = ImageRequest.parse(_version(version), region, size, rotation, quality, format_)
    return _response(answers.of_picture(gallery.of(context.current()), key, parsed, _conditions()))


@blueprint.after_request
def _preflight(response: Response) -> Response:
    """Scripts of any origin may send what a conditional or negotiated request needs."""
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Accept, If-Modified-Since, If-None-Match"
        response.headers["Access-Control-Max-Age"] = "86400"
    return response


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, answer.headers)
    if answer.status == 304:
        response.headers.pop("Content-Type", None)
    return response


def _conditions() -> Conditions:
    return Conditions(request.headers.get("If-None-Match", ""), request.headers.get("If-Modified-Since", ""))


def _version(text: str) -> Version:
    return 2 if text == "2" else 3
