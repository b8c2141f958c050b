"""ARKs lead to what shows the thing, and the JSON-LD context is served."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import problems
from app.runtime.context import Runtime
from ontology.views import blueprint


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    app = Flask(__name__)
    problems.install(app)
    app.register_blueprint(blueprint)
    return app.test_client()


def test_the_context_binds_our_own_terms_to_this_hub(client: FlaskClient) -> None:
    response = client.get("/ns/1/context.jsonld")
    assert response.content_type == "application/ld+json"
    assert response.cache_control.immutable
    terms = response.get_json()["@context"]
    assert terms["hub"] == "http://lectotype.test/ns#"
    assert terms["measuring"] == "hub:measuring"
    assert client.get("/ns/1/context.jsonld", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
