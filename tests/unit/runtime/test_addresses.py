"""Our addresses are read as what they were built from, and nothing else is taken for one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.runtime import ids
from app.runtime.addresses import Addresses, Kind, Named

BASES = ("http://lectotype.test", "https://museum.example:8443/hub")
NAAN = "99999"


def key(shoulder: str) -> st.SearchStrategy[str]:
    name = st.text(ids.ALPHABET, min_size=9, max_size=9).map(lambda text: shoulder + text)
    return name.map(lambda text: text + ids.check_character(f"{NAAN}/{text}"))


bases = st.sampled_from(BASES)
specimens, images, annotations, runs = key("s1"), key("m1"), key("n1"), key("x1")
slugs = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}", fullmatch=True)
numbers = st.integers(0, 10**6)
sides = st.integers(1, 10**6)


@given(bases, specimens, images, st.sampled_from([2, 3]))
def test_specimens_canvases_and_images(base: str, specimen: str, image: str, version: int) -> None:
    addresses = Addresses(base, NAAN)
    a_specimen, an_image = Named("specimen", specimen, specimen), Named("image", image, "", image)
    for iri in (
        addresses.manifest(specimen, version),
        addresses.specimen_page(specimen),
        addresses.specimen_record(specimen),
        addresses.pid(specimen),
        f"ark:{NAAN}/{specimen}",
        f"ark:/{NAAN}/{specimen[:4]}-{specimen[4:]}",
        f"{base}/ark:/{NAAN}/{specimen}",
    ):
        assert addresses.identify(iri) == a_specimen, iri
    assert addresses.identify(f"{addresses.pid(specimen)}.v3") == Named("specimen", specimen, specimen, version=3)
    assert addresses.identify(addresses.canvas(specimen, image)) == Named("canvas", image, specimen, image)
    for iri in (addresses.image(image), f"{addresses.image(image)}/info.json", addresses.pid(image), f"{base}/api/media/{image}"):
        assert addresses.identify(iri) == an_image, iri
    escaped = f"{base}/iiif/{version}/ark:%2F{NAAN}%2F{image}/info.json"
    assert addresses.identify(escaped) == Named("image", image, "", image, api=3 if version == 3 else 2)


@given(bases, images, numbers, numbers, sides, sides, st.sampled_from([2, 3]))
def test_segments_and_pictures(base: str, image: str, x: int, y: int, width: int, height: int, version: int) -> None:
    addresses, segment = Addresses(base, NAAN), f"{image}:{x},{y},{width},{height}"
    service = addresses.image(segment, version)
    found = addresses.identify(service)
    assert found == addresses.identify(f"{service}/info.json")
    assert found == addresses.identify(f"{base}/iiif/{version}/ark:/{NAAN}/{segment}")
    of_canvas = addresses.identify(f"{addresses.canvas('s1bcdfghjkmn', image)}:{x},{y},{width},{height}")
    assert of_canvas == Named("segment", segment, "s1bcdfghjkmn", image)
    assert found is not None
    assert (found.kind, found.key, found.media_key, found.api) == ("segment", segment, image, version)
    picture = "pct:1.5,2,3,4/!90,90/!22.5/default.jpg"
    assert addresses.identify(f"{service}/{picture}") == Named("segment", segment, "", image, 0, picture, found.api)
    of_image = addresses.identify(f"{addresses.image(image, version)}/full/max/0/default.jpg")
    assert of_image == Named("image", image, "", image, 0, "full/max/0/default.jpg", found.api)


@given(bases, slugs, st.integers(1, 10**9 - 1), runs, key("j1"), annotations)
def test_annotations_their_versions_and_runs(base: str, slug: str, version: int, run: str, ingest: str, own: str) -> None:
    addresses = Addresses(base, NAAN)
    assert addresses.identify(addresses.annotation(slug)) == Named("annotation", slug)
    assert addresses.identify(f"{addresses.annotation(slug)}/versions/{version}") == Named("annotation", slug, version=version)
    assert addresses.identify(f"ark:{NAAN}/{own}.v{version}") == Named("annotation", own, version=version)
    for name in (run, ingest):
        for iri in (addresses.run(name), addresses.ingest(name), f"{base}/runs/{name}", addresses.pid(name)):
            assert addresses.identify(iri) == Named("run", name)
    assert addresses.identify(f"{base}/api/datasets/{slug}") == Named("dataset", slug)


@given(bases, specimens, images, slugs)
def test_other_resources_are_known_by_their_path(base: str, specimen: str, image: str, name: str) -> None:
    addresses = Addresses(base, NAAN)
    for iri, of_specimen, of_image in (
        (addresses.collection("top"), "", ""),
        (addresses.collection(name), "", ""),
        (addresses.annotation_page(image, "people"), "", image),
        (addresses.annotation_page(image, "machine", specimen), specimen, image),
        (addresses.search(1, specimen), specimen, ""),
        (addresses.autocomplete(2, specimen), specimen, ""),
        (f"{addresses.canvas(specimen, image)}/page", specimen, image),
    ):
        assert addresses.identify(iri) == Named("resource", iri.removeprefix(f"{base}/"), of_specimen, of_image)


@given(images)
def test_http_and_https_of_one_host_are_the_same(image: str) -> None:
    addresses = Addresses("https://museum.example", NAAN)
    assert addresses.identify(f"http://museum.example/iiif/3/{image}") == addresses.identify(addresses.image(image))


@pytest.mark.parametrize(
    "iri",
    [
        "", "http://lectotype.test", "http://lectotype.test/", "http://lectotype.test.example/annotations/a", "annotations/a",
        "http://lectotype.test/annotations/", "http://lectotype.test/annotations/a/b", "http://lectotype.test/annotations/../a",
        "http://lectotype.test/iiif/3/m1zzzzzzzzzz:1,2,0,4", "http://lectotype.test/iiif/3/m1zzzzzzzzzz/full/max/default.jpg",
        "http://lectotype.test/iiif/4/m1zzzzzzzzzz", "ark:12345/s1zzzzzzzzzz", "ark:99999/q1zzzzzzzzzz",
        "ark:99999/s1zzzzzzzzzz.v",
        "http://lectotype.test/api/search", "http://lectotype.test/annotations/a\n", "ftp://lectotype.test/annotations/a",
        "http://lectotype.test/annotations/%ff", "http://lectotype.test/ark:99999/s1%00zzzzzzzz",
    ],
)  # fmt: skip
def test_what_is_no_address_of_ours_is_nothing(iri: str) -> None:
    assert Addresses("http://lectotype.test", NAAN).identify(iri) is None


KINDS: tuple[Kind, ...] = ("canvas", "segment", "image", "specimen", "annotation", "run", "dataset", "resource")
paths = st.lists(
    st.one_of(
        st.sampled_from(
            ["iiif", "3", "annotations", "m1zzzzzzzzzz", ":", "/", "%2F", "%", "..", "ark:", NAAN, ".json", "versions", "٣"]
        ),
        st.text(max_size=5),
    ),
    max_size=12,
).map("/".join)


@given(paths)
@example("annotations/a/versions/٣")
@example("a" * 100_000)
@example("iiif/3/" + "1," * 50_000)
@example("ark:" * 30_000)
def test_hostile_addresses_are_read_or_not_and_never_crash(path: str) -> None:
    addresses = Addresses("http://lectotype.test", NAAN)
    for iri in (path, f"http://lectotype.test/{path}", f"ark:/{NAAN}/{path}"):
        found = addresses.identify(iri)
        assert found is None or (found.kind in KINDS and len(found.key) <= 255)
