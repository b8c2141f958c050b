"""ARKs lead to what shows the thing, and the JSON-LD context is served."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import problems
from app.runtime import ids
from app.runtime.context import Runtime
from ontology.views import blueprint


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    app = Flask(__name__)
    problems.install(app)
    app.register_blueprint(blueprint)
    return app.test_client()


@pytest.mark.parametrize("form", ["/ark:99999/{}", "/ark:/99999/{}"])
def test_a_specimen_leads_to_page_record_or_manifest(client: FlaskClient, form: str) -> None:
    key = ids.new_key(ids.SPECIMEN, "99999")
    for accept, path in (
        ("text/html,*/*;q=0.1", f"/specimens/{key}"),
        ("application/json", f"/api/specimens/{key}"),
        ("application/ld+json", f"/iiif/presentation/3/{key}/manifest.json"),
        ("*/*", f"/specimens/{key}"),
        ("text/turtle", f"/specimens/{key}"),
    ):
        response = client.get(form.format(key), headers={"Accept": accept})
        assert response.status_code == 303
        assert response.headers["Location"] == f"http://lectotype.test{path}"
        assert response.vary.as_set() == {"accept"}


@pytest.mark.parametrize(
    ("shoulder", "path"),
    [(ids.MEDIA, "/api/media/{}"), (ids.ANNOTATION, "/annotations/{}"), (ids.RUN, "/runs/{}"), (ids.INGEST, "/runs/{}")],
)
def test_other_things_lead_to_their_own_addresses(client: FlaskClient, shoulder: str, path: str) -> None:
    key = ids.new_key(shoulder, "99999")
    assert client.get(f"/ark:99999/{key}").headers["Location"] == f"http://lectotype.test{path.format(key)}"


def test_hyphens_mean_nothing(client: FlaskClient) -> None:
    key = ids.new_key(ids.SPECIMEN, "99999")
    assert client.get(f"/ark:99999/{key[:4]}-{key[4:]}").headers["Location"].endswith(key)


def test_a_wrong_character_is_noticed_and_said(client: FlaskClient) -> None:
    key = ids.new_key(ids.SPECIMEN, "99999")
    wrong = key[:5] + ("0" if key[5] != "0" else "1") + key[6:]
    response = client.get(f"/ark:99999/{wrong}")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert "check character" in response.get_json()["detail"]


def test_names_of_others_and_of_unknown_kinds_are_refused(client: FlaskClient) -> None:
    assert "ark:99999" in client.get(f"/ark:12345/{ids.new_key(ids.SPECIMEN, '12345')}").get_json()["detail"]
    assert client.get(f"/ark:99999/{ids.new_key('z1', '99999')}").status_code == 404


def test_the_context_binds_our_own_terms_to_this_hub(client: FlaskClient) -> None:
    response = client.get("/ns/1/context.jsonld")
    assert response.content_type == "application/ld+json"
    assert response.cache_control.immutable
    terms = response.get_json()["@context"]
    assert terms["hub"] == "http://lectotype.test/ns#"
    assert terms["measuring"] == "hub:measuring"
    assert client.get("/ns/1/context.jsonld", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
