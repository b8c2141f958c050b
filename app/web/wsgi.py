"""What the web server runs: Flask with the fast path for images in front of it."""

from typing import TYPE_CHECKING

from app import compose
from app.web import create_app
from app.web.below_path import BelowPath, path_of
from app.web.fast_images import FastImages
from iiif.image.serving import open_images

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def application() -> "WSGIApplication":
    """The whole web process, from the settings."""
    runtime = compose.build()
    web = FastImages(create_app(runtime).wsgi_app, open_images.of(runtime))
    return BelowPath(web, runtime.settings.base_url) if path_of(runtime.settings.base_url) else web
