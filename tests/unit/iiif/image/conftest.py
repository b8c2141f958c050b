"""The image server as a whole: views behind the fast path, on a runtime of the test's own."""

import pytest
from flask import Flask
from werkzeug.test import Client

from app import problems
from app.runtime.context import Runtime
from app.web.fast_images import FastImages
from iiif.image import views
from iiif.image.serving import open_images


@pytest.fixture
def flask_app(runtime: Runtime) -> Flask:
    app = Flask("images")
    problems.install(app)
    app.register_blueprint(views.blueprint)
    return app


@pytest.fixture
def slow(flask_app: Flask) -> Client:
    """Flask alone."""
    return Client(flask_app)


@pytest.fixture
def client(flask_app: Flask, runtime: Runtime) -> Client:
    """Flask behind the fast path, as in the web process."""
    return Client(FastImages(flask_app.wsgi_app, open_images.of(runtime)))
