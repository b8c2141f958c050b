"""The Web Annotation Protocol: each point that the web-platform tests and the recommendation ask of a server."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from app.runtime import context
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from tests.sheets import ANNO, Hub, add_sheet, comment

PREFER = 'return=representation;include="{}"'
MINIMAL = PREFER.format("http://www.w3.org/ns/ldp#PreferMinimalContainer")
IRIS = PREFER.format("http://www.w3.org/ns/oa#PreferContainedIRIs")
DESCRIPTIONS = PREFER.format("http://www.w3.org/ns/oa#PreferContainedDescriptions")


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(settings: Any, request: pytest.FixtureRequest) -> Any:
    url = "" if request.param == "sqlite" else request.getfixturevalue("migrated_url")
    return settings.with_(page_size=3, database_url=url)


@pytest.fixture
def canvas(hub: Hub) -> str:
    specimen, (media,) = add_sheet(hub.runtime)
    return hub.addresses.canvas(specimen.key, media.key)


@pytest.fixture
def container(hub: Hub) -> str:
    return f"{hub.addresses.base}/annotations/"


@pytest.fixture
def filled(hub: Hub, canvas: str) -> list[str]:
    """The ids of eight annotations."""
    return [hub.post(comment(f"{canvas}#xywh={index},0,10,10", f"number {index}")).json["id"] for index in range(8)]


def pages(hub: Hub, first: str) -> Iterator[dict[str, Any]]:
    url: str | None = first
    while url:
        response = hub.get(url)
        assert response.status_code == 200
        page: dict[str, Any] = response.json
        yield page
        url = page.get("next")


def test_the_container_says_what_it_is(hub: Hub, container: str, filled: list[str]) -> None:
    response = hub.get(container)
    body = response.json
    assert response.status_code == 200
    assert {"GET", "HEAD", "OPTIONS", "POST"} <= {method.strip() for method in response.headers["Allow"].split(",")}
    assert response.content_type == f'application/ld+json; profile="{ANNO}"'
    assert {"BasicContainer", "AnnotationCollection"} <= set(body["type"])
    assert response.headers["ETag"]
    assert {"Accept", "Prefer"} <= {name.strip() for name in response.headers["Vary"].split(",")}
    link = response.headers["Link"]
    assert '<http://www.w3.org/ns/ldp#BasicContainer>; rel="type"' in link
    assert '<http://www.w3.org/TR/annotation-protocol/>; rel="http://www.w3.org/ns/ldp#constrainedBy"' in link
    assert "application/ld+json" in response.headers["Accept-Post"]
    assert response.headers["Content-Location"] == body["id"]
    assert (body["total"], isinstance(body["first"], str), isinstance(body["last"], str)) == (8, True, True)
    assert ANNO in body["@context"]
    assert "Prefer" not in response.headers


def test_head_and_options(hub: Hub, container: str, filled: list[str]) -> None:
    for iri, method in ((container, "POST"), (filled[0], "PUT")):
        head, options = hub.write("HEAD", iri), hub.write("OPTIONS", iri)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["ETag"] == hub.get(iri).headers["ETag"]
        assert options.status_code == 200
        assert method in options.headers["Allow"]
        assert method in options.headers["Access-Control-Allow-Methods"]
        assert "If-Match" in options.headers["Access-Control-Allow-Headers"]
        assert head.headers["Link"].startswith(options.headers["Link"])
    options = hub.write("OPTIONS", container)
    for name in ("Accept-Post", "ETag", "Allow", "Link"):
        assert options.headers[name] == hub.get(container).headers[name]
    assert options.data == b""
    assert "ldp#BasicContainer" in hub.get(f"{container}?page=none").headers["Link"]


def test_a_minimal_container_of_iris_links_pages_of_iris(hub: Hub, container: str, filled: list[str]) -> None:
    wanted = "http://www.w3.org/ns/ldp#PreferMinimalContainer http://www.w3.org/ns/oa#PreferContainedIRIs"
    response = hub.get(container, Prefer=f'return=representation;include="{wanted}"')
    assert response.headers["Content-Location"] == response.json["id"] == f"{container}?iris=1"
    assert (response.json["first"], response.json["last"]) == (f"{container}?iris=1&page=first", f"{container}?iris=1&page=last")


def test_scripts_of_other_origins_read_the_headers(hub: Hub, container: str, filled: list[str]) -> None:
    for iri in (container, filled[0]):
        response = hub.get(iri, Origin="https://elsewhere.example")
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        exposed = {name.strip() for name in response.headers["Access-Control-Expose-Headers"].split(",")}
        assert {"ETag", "Link", "Allow", "Location", "Content-Location", "Vary", "Prefer", "Preference-Applied"} <= exposed


def test_preferences_choose_what_is_embedded(hub: Hub, container: str, filled: list[str]) -> None:
    minimal = hub.get(container, Prefer=MINIMAL)
    assert isinstance(minimal.json["first"], str)
    assert not {"items", "ldp:contains"} & set(minimal.json)
    assert "Prefer" in minimal.headers["Vary"]
    iris = hub.get(container, Prefer=IRIS)
    assert iris.headers["Content-Location"] == iris.json["id"] == f"{container}?iris=1"
    assert set(iris.json["first"]["items"]) <= set(filled)
    assert len(iris.json["first"]["items"]) == 3
    described = hub.get(container, Prefer=DESCRIPTIONS)
    assert described.json["id"] == f"{container}?iris=0"
    assert all(item["type"] == "Annotation" for item in described.json["first"]["items"])
    assert hub.get(iris.json["id"]).json == iris.json
    assert hub.get(iris.json["first"]["id"]).json["items"] == iris.json["first"]["items"]


def test_what_a_client_would_omit_is_left_out_and_the_answer_says_that_it_was_heard(
    hub: Hub, container: str, filled: list[str]
) -> None:
    both = "http://www.w3.org/ns/oa#PreferContainedIRIs http://www.w3.org/ns/oa#PreferContainedDescriptions"
    response = hub.get(container, Prefer=f'return=representation; include="{both}"; omit="{both.split()[0]}"')
    assert {type(item) for item in response.json["first"]["items"]} == {dict}
    assert response.headers["Preference-Applied"] == "return=representation"
    nothing = hub.get(container, Prefer='return=representation; omit="http://www.w3.org/ns/ldp#PreferContainment"')
    assert isinstance(nothing.json["first"], str)
    assert "Preference-Applied" not in hub.get(container).headers


def test_pages_lead_forwards_over_everything_once(hub: Hub, container: str, filled: list[str]) -> None:
    found = list(pages(hub, hub.get(container).json["first"]))
    assert [len(page["items"]) for page in found] == [3, 3, 2]
    assert sorted(item["id"] for page in found for item in page["items"]) == sorted(filled)
    for page in found:
        assert page["partOf"]["id"] == container
        assert page["partOf"]["total"] == 8
        assert all("@context" in item for item in page["items"])
        assert hub.get(page["id"]).json == page
        assert hub.get(page["id"]).headers["Content-Location"] == page["id"]
    assert "prev" not in found[0]
    assert all("prev" in page for page in found[1:])


def test_pages_lead_backwards_over_everything_once(hub: Hub, container: str, filled: list[str]) -> None:
    page = hub.get(hub.get(container).json["last"]).json
    assert "next" not in page
    seen = [item["id"] for item in page["items"]]
    while "prev" in page:
        before = page
        page = hub.get(page["prev"]).json
        assert hub.get(page["next"]).json["items"] == before["items"]
        seen += [item["id"] for item in page["items"]]
    assert sorted(seen) == sorted(filled)


def test_pages_of_iris(hub: Hub, container: str, filled: list[str]) -> None:
    found = [iri for page in pages(hub, f"{container}?iris=1&page=first") for iri in page["items"]]
    assert sorted(found) == sorted(filled)


def test_an_empty_container_has_no_pages(hub: Hub, container: str) -> None:
    body = hub.get(container).json
    assert body["total"] == 0
    assert not {"first", "last"} & set(body)
    assert hub.get(container, Prefer=DESCRIPTIONS).status_code == 200
    assert hub.get(f"{container}?page=last").json["items"] == []


def test_the_container_can_be_narrowed_to_a_target(hub: Hub, container: str, filled: list[str]) -> None:
    specimen, (one, other) = add_sheet(hub.runtime, "BR 0002", sizes=((100, 100), (200, 200)))
    canvases = [hub.addresses.canvas(specimen.key, media.key) for media in (one, other)]
    here = [hub.post(comment(iri)).json["id"] for iri in canvases for _ in range(4)]
    narrowed = hub.get(f"{container}?target={canvases[0]}").json
    assert narrowed["total"] == 4
    found = [item["id"] for page in pages(hub, narrowed["first"]) for item in page["items"]]
    assert sorted(found) == sorted(here[:4])
    assert hub.get(f"{container}?target={hub.addresses.pid(specimen.key)}").json["total"] == 8
    assert hub.get(f"{container}?target=http://elsewhere.example/").json["total"] == 0
    for nothing in ("elsewhere", f"{hub.addresses.base}/nothing/of/ours"):
        assert hub.get(f"{container}?target={nothing}").status_code == 400


@pytest.mark.parametrize("query", ["page=2", "page=first&after=a", "after=a&before=b"])
def test_an_unclear_question_for_a_page_is_refused(hub: Hub, container: str, query: str) -> None:
    assert hub.get(f"{container}?{query}").status_code == 400


def test_the_container_answers_304_and_changes_its_etag(hub: Hub, container: str, canvas: str, filled: list[str]) -> None:
    etag = hub.get(container).headers["ETag"]
    assert hub.get(container, If_None_Match=etag).status_code == 304
    hub.post(comment(canvas))
    assert hub.get(container, If_None_Match=etag).status_code == 200


def test_creating(hub: Hub, container: str, canvas: str) -> None:
    document = comment(canvas, canonical="urn:uuid:11111111-2222-4333-8444-555555555555")
    response = hub.post(document, Slug="first-leaf")
    assert response.status_code == 201
    assert response.headers["Location"] == response.json["id"] == f"{container}first-leaf"
    assert response.headers["ETag"]
    assert response.json["canonical"] == document["canonical"]
    again = hub.get(response.headers["Location"])
    assert again.json == response.json
    assert again.headers["ETag"] == response.headers["ETag"]
    taken = hub.post(document, Slug="first-leaf")
    assert taken.status_code == 201
    assert taken.json["id"] != response.json["id"]
    for unfit in ("../up", "a/b", "x" * 65, ".", "ä"):
        made = hub.post(document, Slug=unfit.encode().decode("latin-1"))
        assert made.status_code == 201
        assert unfit not in made.json["id"].removeprefix(container) or unfit == "."


def test_an_annotation_says_what_it_is(hub: Hub, filled: list[str]) -> None:
    response = hub.get(filled[0])
    assert {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} <= {method.strip() for method in response.headers["Allow"].split(",")}
    assert response.content_type.startswith("application/ld+json")
    assert '<http://www.w3.org/ns/ldp#Resource>; rel="type"' in response.headers["Link"]
    assert "Accept" in response.headers["Vary"]
    assert hub.get(filled[0], If_None_Match=response.headers["ETag"]).status_code == 304
    assert hub.get(filled[0], Accept="application/json").content_type == "application/json"


def test_updating_and_deleting_without_if_match(hub: Hub, filled: list[str], canvas: str) -> None:
    document = hub.get(filled[0]).json
    document["target"] = f"{canvas}#xywh=1,2,3,4"
    response = hub.write("PUT", filled[0], document)
    assert response.status_code == 200
    assert response.json["target"] == document["target"]
    assert response.json["id"] == filled[0]
    assert hub.write("DELETE", filled[0]).status_code == 204


def test_of_two_who_saw_the_same_version_only_the_first_changes_it(hub: Hub, filled: list[str], canvas: str) -> None:
    etag = hub.get(filled[0]).headers["ETag"]
    first = hub.write("PUT", filled[0], comment(canvas, "first"), If_Match=etag)
    assert first.status_code == 200
    assert first.headers["ETag"] != etag
    for method, body in (("PUT", comment(canvas, "second")), ("DELETE", None)):
        late = hub.write(method, filled[0], body, If_Match=etag)
        assert late.status_code == 412
        assert late.content_type == "application/problem+json"
    assert hub.get(filled[0]).json["body"]["value"] == "first"
    weakened = "W/" + first.headers["ETag"]
    assert hub.write("PUT", filled[0], comment(canvas, "third"), If_Match=weakened).status_code == 200
    assert hub.write("DELETE", filled[0], If_Match="*").status_code == 204


def test_of_two_at_the_same_time_one_changes_it(hub: Hub, filled: list[str], canvas: str) -> None:
    etag = hub.get(filled[0]).headers["ETag"]

    def change(name: int) -> int:
        other = replace(hub, client=hub.client.application.test_client())
        return other.write("PUT", filled[0], comment(canvas, f"change {name}"), If_Match=etag).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(change, range(8)))
    assert answers == [200] + [412] * 7
    assert hub.get(f"{filled[0]}/versions/2").status_code == 200
    assert hub.get(f"{filled[0]}/versions/3").status_code == 404


def test_of_many_posted_at_the_same_time_none_is_lost(hub: Hub, canvas: str) -> None:
    """One gets the name that all ask for; each raises the version of the specimen, by which the index orders writes."""
    specimen_key = canvas.split("/")[-3]

    def version() -> int:
        with hub.runtime.reads.begin() as session:
            return catalogue.get_specimen(session, specimen_key).version

    def post(number: int) -> str:
        other = replace(hub, client=hub.client.application.test_client())
        response = other.post(comment(canvas if number % 2 else hub.addresses.pid(specimen_key)), Slug="wanted")
        assert response.status_code == 201
        return str(response.json["id"])

    before = version()
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(post, range(16)))
    assert len(made) == 16
    assert f"{hub.addresses.base}/annotations/wanted" in made
    assert version() == before + 16


NAMES = ["id", "type", "value", "source", "selector", "items", "purpose", "x"]
MEMBERS = ["@context", "id", "type", "target", "body", "bodyValue", "motivation", "created", "via", "x"]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["http://a.example/"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "value", "source", "selector", "items", "purpose", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@hypothesis.settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    name=st.sampled_from(["@context", "id", "type", "target", "body", "bodyValue", "motivation", "created", "via", "x"]),
    value=json_values,
)
def test_any_json_is_accepted_or_refused_with_a_sentence(hub: Hub, canvas: str, name: str, value: Any) -> None:
    for document in (
        comment(canvas) | {name: value},
        comment({"source": canvas, "selector": {"type": "FragmentSelector", name: value}}),
    ):
        response = hub.post(document)
        assert response.status_code in (201, 400, 413)
        if response.status_code == 201:
            assert hub.get(response.json["id"]).json == response.json
            for profile in ("iiif3", "iiif2", "annotorious"):
                assert hub.get(f"{response.json['id']}?profile={profile}").status_code == 200


def test_the_etag_of_another_profile_is_good_for_a_change_too(hub: Hub, filled: list[str]) -> None:
    shown = hub.get(f"{filled[0]}?profile=annotorious")
    assert shown.headers["ETag"] != hub.get(filled[0]).headers["ETag"]
    response = hub.write("PUT", f"{filled[0]}?profile=annotorious", shown.json, If_Match=shown.headers["ETag"])
    assert response.status_code == 200


def test_the_settings_may_require_if_match(hub: Hub, filled: list[str], canvas: str) -> None:
    runtime = hub.runtime
    strict = Runtime(
        runtime.settings.with_(require_if_match=True), runtime.database, runtime.blobs, runtime.search, runtime.clock
    )
    context.use(strict)
    for method, body in (("PUT", comment(canvas)), ("DELETE", None)):
        response = hub.write(method, filled[0], body)
        assert response.status_code == 428
        assert response.content_type == "application/problem+json"
    etag = hub.get(filled[0]).headers["ETag"]
    assert hub.write("DELETE", filled[0], If_Match=etag).status_code == 204


def test_a_deleted_annotation_is_gone_but_its_versions_stay(hub: Hub, filled: list[str], container: str) -> None:
    document = hub.get(filled[0]).json
    hub.write("DELETE", filled[0])
    gone = hub.get(filled[0])
    assert gone.status_code == 410
    assert gone.content_type == "application/problem+json"
    assert gone.json["id"] == filled[0]
    assert gone.json["deleted"].endswith("Z")
    assert hub.get(gone.json["lastVersion"]).json == document
    assert hub.write("DELETE", filled[0]).status_code == 410
    assert hub.write("PUT", filled[0], document).status_code == 410
    assert hub.get(container).json["total"] == 7


def test_every_version_has_an_address(hub: Hub, filled: list[str], canvas: str) -> None:
    first = hub.get(filled[0]).json
    hub.write("PUT", filled[0], comment(canvas, "second"))
    assert f'<{filled[0]}/versions/1>; rel="predecessor-version"' in hub.get(filled[0]).headers["Link"]
    assert hub.get(f"{filled[0]}/versions/1").json == first
    assert hub.get(f"{filled[0]}/versions/2").json == hub.get(filled[0]).json
    assert hub.get(f"{filled[0]}/versions/3").status_code == 404
    assert hub.get(f"{filled[0]}/versions/99999999999999999999").status_code == 404


def test_writing_needs_a_token(hub: Hub, filled: list[str], canvas: str) -> None:
    for authorization in ("", "Bearer wrong", "Basic YTpi"):
        for method, iri in (("POST", "/annotations/"), ("PUT", filled[0]), ("DELETE", filled[0])):
            response = hub.write(method, iri, comment(canvas), Authorization=authorization)
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
    assert hub.get(filled[0]).json["body"]["value"] == "number 0"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"@context": 1e999}'])
def test_a_body_that_is_no_annotation_is_refused(hub: Hub, body: bytes) -> None:
    response = hub.write("POST", "/annotations/", body)
    assert response.status_code in (400, 413)
    assert response.content_type == "application/problem+json"
    assert json.loads(response.data)["detail"].endswith(".")


def test_another_media_type_is_refused(hub: Hub, canvas: str) -> None:
    assert hub.post(comment(canvas), Content_Type="text/turtle").status_code == 415


def test_unknown_annotations_and_profiles(hub: Hub, filled: list[str]) -> None:
    assert hub.get("/annotations/nothing").status_code == 404
    assert hub.write("PUT", "/annotations/nothing", {}).status_code == 404
    assert hub.write("DELETE", "/annotations/nothing").status_code == 404
    assert hub.get(f"{filled[0]}?profile=rdf").status_code == 400
    assert hub.write("PUT", f"{filled[0]}?profile=iiif2", {}).status_code == 400
