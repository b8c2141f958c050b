"""Answers in full: HEAD, conditions, ranges, metadata, lost derivatives, and what the cache gives again."""

import gc
import io
import os
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select
from werkzeug.test import Client

from app.runtime import context, tokens
from app.runtime.context import Runtime
from app.runtime.outbox import OutboxRow
from app.runtime.principal import Principal
from app.web.fast_images import FastImages
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Access, Media
from iiif.image import info
from iiif.image.actors import derive_image
from iiif.image.masters.derivatives import derive
from iiif.image.rendering import render
from iiif.image.serving import conditions, open_images
from tests.unit.iiif.image.pictures import derived, drawn, file_of

WIDTH, HEIGHT = 1300, 900
RENDERED = "11,13,300,200/150,/0/default.jpg"
STORED = "0,0,512,512/512,512/0/default.jpg"


@pytest.fixture
def media(runtime: Runtime) -> Media:
    return derived(runtime, file_of(drawn(WIDTH, HEIGHT)))


@pytest.fixture
def base(media: Media) -> str:
    return f"/iiif/3/{media.key}"


def _anew(flask_app: Flask, runtime: Runtime) -> Client:
    """A client of another process: nothing is in its memory."""
    open_images._of_process.clear()
    return Client(FastImages(flask_app.wsgi_app, open_images.of(runtime)))


def _set(runtime: Runtime, media: Media, access: Access) -> None:
    with runtime.db.begin() as session:
        catalogue.set_access(session, media.key, access, by=Principal.of_system(), at=runtime.clock())


def _fail(*_: object, **__: object) -> bytes:
    raise AssertionError("rendered again")


def test_a_picture_is_made_once_and_then_kept_for_all_processes(
    client: Client, flask_app: Flask, runtime: Runtime, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = (
        RENDERED,
        "full/301,/0/default.jpg",
        "full/!350,350/0/default.jpg",
        "full/max/0/default.jpg",
        "square/99,/7.5/gray.png",
    )
    first = {path: client.get(f"{base}/{path}") for path in paths}
    assert {response.status_code for response in first.values()} == {200}
    monkeypatch.setattr(render, "render", _fail)
    other = _anew(flask_app, runtime)
    for path in paths:
        for again in (client.get(f"{base}/{path}"), other.get(f"{base}/{path}"), other.get(f"{base}/{path}")):
            assert (again.status_code, again.data) == (200, first[path].data)
            assert again.headers["ETag"] == first[path].headers["ETag"]


def test_the_same_picture_by_another_address_is_not_made_again(
    client: Client, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = client.get(f"{base}/0,0,{WIDTH},{HEIGHT}/325,225/0/color.jpg")
    monkeypatch.setattr(render, "render", _fail)
    for path in (
        "full/325,225/0/default.jpg",
        "full/325,/360/default.jpg",
        "pct:0,0,100,100/!325,500/0/default.jpg",
        "full/pct:25/0/default.jpg",
    ):
        assert client.get(f"{base}/{path}").data == one.data, path


def test_a_picture_that_was_spoiled_on_disk_is_made_again(client: Client, flask_app: Flask, runtime: Runtime, base: str) -> None:
    first = client.get(f"{base}/{RENDERED}")
    (file,) = runtime.settings.pictures_dir.glob("??/*")
    file.write_bytes(file.read_bytes()[:-9])
    assert _anew(flask_app, runtime).get(f"{base}/{RENDERED}").data == first.data


def test_pictures_are_given_out_where_they_cannot_be_kept(client: Client, runtime: Runtime, base: str) -> None:
    folder = runtime.settings.pictures_dir
    folder.parent.mkdir(parents=True)
    folder.write_text("no folder")
    for _ in range(2):
        assert client.get(f"{base}/{RENDERED}").status_code == 200


def test_head_makes_no_picture(client: Client, slow: Client, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(render, "render", _fail)
        for either in (client, slow):
            head = either.head(f"{base}/{RENDERED}")
            assert (head.status_code, head.data) == (200, b"")
            assert head.headers["Content-Type"] == "image/jpeg"
            assert "Content-Length" not in head.headers
            assert either.head(f"{base}/full/5000,/0/default.jpg").status_code == 400
    got = client.get(f"{base}/{RENDERED}")
    for path in (RENDERED, STORED, "info.json"):
        got = client.get(f"{base}/{path}")
        for either in (client, slow):
            head = either.head(f"{base}/{path}")
            assert (head.data, head.headers["Content-Length"]) == (b"", str(len(got.data)))
            assert head.headers["ETag"] == got.headers["ETag"]


def test_what_is_unchanged_is_told_without_any_file_being_read(
    client: Client, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = {
        path: client.get(f"{base}/{path}").headers["ETag"] for path in (RENDERED, STORED, "full/max/0/default.jpg", "info.json")
    }
    assert len(set(tags.values())) == len(tags)
    monkeypatch.setattr(os, "pread", _fail)
    monkeypatch.setattr("iiif.image.serving.picture_cache.PictureCache.get", _fail)
    for path, tag in tags.items():
        for method in (client.get, client.head):
            same = method(f"{base}/{path}", headers={"If-None-Match": tag})
            assert (same.status_code, same.data) == (304, b"")
            assert "Content-Length" not in same.headers
            assert same.headers["Cache-Control"].startswith("public")


def test_a_part_of_a_picture_is_sent_by_range(client: Client, slow: Client, base: str) -> None:
    for path in (RENDERED, STORED):
        whole = client.get(f"{base}/{path}")
        length = len(whole.data)
        assert whole.headers["Accept-Ranges"] == "bytes"
        for either in (client, slow):
            for sent, expected, said in (
                ("bytes=0-99", whole.data[:100], f"bytes 0-99/{length}"),
                ("bytes=100-", whole.data[100:], f"bytes 100-{length - 1}/{length}"),
                ("bytes=-50", whole.data[-50:], f"bytes {length - 50}-{length - 1}/{length}"),
                (f"bytes=0-{10 * length}", whole.data, f"bytes 0-{length - 1}/{length}"),
                (f"bytes=-{10 * length}", whole.data, f"bytes 0-{length - 1}/{length}"),
            ):
                part = either.get(f"{base}/{path}", headers={"Range": sent})
                assert (part.status_code, part.data) == (206, expected), sent
                assert part.headers["Content-Range"] == said
                assert part.headers["Content-Length"] == str(len(expected))
                assert part.headers["ETag"] == whole.headers["ETag"]
            for sent in (f"bytes={length}-", "bytes=-0"):
                outside = either.get(f"{base}/{path}", headers={"Range": sent})
                assert (outside.status_code, outside.data) == (416, b"")
                assert outside.headers["Content-Range"] == f"bytes */{length}"
                assert outside.headers["Cache-Control"] == "no-store"
                assert "ETag" not in outside.headers, "it would be the picture's"
            for ignored in ("bytes=0-1,5-6", "bytes=9-3", "bytes=-", "lines=0-9", "bytes=a-b", "bytes=" + "9" * 40 + "-"):
                assert either.get(f"{base}/{path}", headers={"Range": ignored}).status_code == 200, ignored
            first = {"Range": "bytes=0-9"}
            head = either.head(f"{base}/{path}", headers=first)
            assert (head.status_code, head.headers["Content-Length"]) == (200, str(length)), "a range is for GET"
            assert either.get(f"{base}/{path}", headers=first | {"If-Range": whole.headers["ETag"]}).status_code == 206
            assert either.get(f"{base}/{path}", headers=first | {"If-Range": '"other"'}).status_code == 200
            assert either.get(f"{base}/{path}", headers=first | {"If-Range": f"W/{whole.headers['ETag']}"}).status_code == 200
            assert either.get(f"{base}/{path}", headers=first | {"If-None-Match": whole.headers["ETag"]}).status_code == 304


def test_a_date_is_no_condition(flask_app: Flask, runtime: Runtime, media: Media, base: str) -> None:
    """What was open is reduced now, at the same addresses and out of the same file."""
    blob = runtime.blobs.path(media.pyramid_sha256)
    at = formatdate(blob.stat().st_mtime, usegmt=True)
    client = _anew(flask_app, runtime)
    before = {path: client.get(f"{base}/{path}").headers["ETag"] for path in ("info.json", "full/300,/0/default.jpg")}
    _set(runtime, media, "reduced")
    client = _anew(flask_app, runtime)
    for path, tag in before.items():
        for sent in ({"If-Modified-Since": at}, {"If-None-Match": tag}, {"Range": "bytes=0-9", "If-Range": at}):
            assert client.get(f"{base}/{path}", headers=sent).status_code == 200, sent


def test_another_renderer_makes_another_picture(
    client: Client, flask_app: Flask, runtime: Runtime, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: client.get(f"{base}/{path}") for path in (RENDERED, STORED)}
    monkeypatch.setattr(render, "RENDER_VERSION", render.RENDER_VERSION + 1)
    monkeypatch.setattr(render, "render", lambda *_: file_of(drawn(150, 100)))
    other = _anew(flask_app, runtime)
    after = {path: other.get(f"{base}/{path}", headers={"If-None-Match": before[path].headers["ETag"]}) for path in before}
    assert after[RENDERED].status_code == 200
    assert after[RENDERED].data != before[RENDERED].data
    assert after[STORED].status_code == 304, "stored pictures stay what they are"


def test_limits_hold_for_stored_pictures(flask_app: Flask, runtime: Runtime, base: str) -> None:
    for limits in ({"max_width": 300}, {"max_area": 90_000}):
        narrow = Runtime(
            settings=runtime.settings.with_(**limits), database=runtime.database, blobs=runtime.blobs, search=runtime.search
        )
        context.use(narrow)
        client = _anew(flask_app, narrow)
        for path in (STORED, "full/400,277/0/default.jpg", "full/1300,900/0/default.jpg", "full/400,/0/default.jpg"):
            assert client.get(f"{base}/{path}").status_code == 400, path
        assert client.get(f"{base}/0,0,256,256/256,256/0/default.jpg").status_code == 200


def test_a_picture_that_get_refuses_head_refuses_too(client: Client, slow: Client, base: str) -> None:
    for either in (client, slow):
        for method in (either.head, either.get):
            refused = method(f"{base}/full/^4300,/0/default.avif")
            assert refused.status_code == 400
            assert refused.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("header", "length", "part"),
    [("bytes=0-0", 1, (0, 1)), ("bytes=0-", 0, (0, 0)), ("bytes=-5", 3, (0, 3)), ("bytes=5-2", 9, None), ("bytes=٣-", 9, None)],
)
def test_ranges(header: str, length: int, part: tuple[int, int] | None) -> None:
    assert conditions.part_of(header, length) == part


def test_pictures_carry_where_they_come_from_and_tiles_do_not(client: Client, base: str, media: Media) -> None:
    for path in (RENDERED, "full/max/0/default.jpg", "full/325,/0/default.jpg", "full/90,/0/gray.png", "full/91,/0/default.webp"):
        data = client.get(f"{base}/{path}").data
        assert f"ark:99999/{media.key}".encode() in data, path
        Image.open(io.BytesIO(data)).load()
    assert b"ark:" not in client.get(f"{base}/{STORED}").data


def test_other_metadata_is_another_picture(client: Client, flask_app: Flask, runtime: Runtime, base: str) -> None:
    before = client.get(f"{base}/{RENDERED}")
    without = Runtime(
        settings=runtime.settings.with_(picture_metadata="none"),
        database=runtime.database,
        blobs=runtime.blobs,
        search=runtime.search,
    )
    after = _anew(flask_app, without).get(f"{base}/{RENDERED}")
    assert after.headers["ETag"] != before.headers["ETag"]
    assert b"ark:" not in after.data


def test_files_stay_open_for_no_more_images_than_the_gallery_keeps(
    flask_app: Flask, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_images, "KEPT_IMAGES", 2)
    client, blobs = _anew(flask_app, runtime), str(runtime.settings.blobs_dir)
    with runtime.db.begin() as session:
        token = {"Authorization": f"Bearer {tokens.create(session, 'curator', runtime.clock(), by=Principal.of_system())}"}
    images = [derived(runtime, file_of(drawn(60 + number, 40))) for number in range(8)]
    for image in images[4:]:
        _set(runtime, image, "closed")
    for image in images:
        for path in ("full/max/0/default.jpg", "full/30,/0/default.jpg", "info.json"):
            assert client.get(f"/iiif/3/{image.key}/{path}", headers=token).status_code == 200
    gc.collect()
    opened = [
        file for file in Path("/proc/self/fd").iterdir() if os.path.lexists(file) and str(file.readlink()).startswith(blobs)
    ]
    assert len(opened) <= 2 * open_images.KEPT_IMAGES, "app/machine.py counts so many"


@pytest.mark.parametrize("access", ["reduced", "closed"])
def test_an_information_document_is_made_once_while_it_holds(
    client: Client, runtime: Runtime, media: Media, base: str, monkeypatch: pytest.MonkeyPatch, access: Access
) -> None:
    _set(runtime, media, access)
    with runtime.db.begin() as session:
        token = (
            {"Authorization": f"Bearer {tokens.create(session, 'curator', runtime.clock(), by=Principal.of_system())}"}
            if access == "closed"
            else {}
        )
    first = client.get(f"{base}/info.json", headers=token)
    monkeypatch.setattr(info, "build", _fail)
    assert client.get(f"{base}/info.json", headers=token).data == first.data


def _waiting(runtime: Runtime) -> list[str]:
    with runtime.reads.begin() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.name == "derive_image").order_by(OutboxRow.id)).all()
        return [row.payload["media_key"] for row in rows]


@pytest.mark.parametrize("loss", ["gone", "cut", "old", "rubbish"])
def test_a_lost_derivative_is_asked_for_once_and_made_again(
    client: Client, flask_app: Flask, runtime: Runtime, media: Media, base: str, loss: str
) -> None:
    with runtime.db.begin() as session:
        for row in session.scalars(select(OutboxRow)):
            session.delete(row)
    path = runtime.blobs.path(media.pyramid_sha256)
    data = path.read_bytes()
    if loss == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": data[:-20], "old": data[:-4] + b"LTX0", "rubbish": b"\xff" * 16}[loss])
    for either in (client, client, _anew(flask_app, runtime)):
        lost = either.get(f"{base}/{STORED}")
        assert lost.status_code == 503
        assert int(lost.headers["Retry-After"]) > 0
        assert lost.json is not None
        assert "made again" in lost.json["detail"]
    assert _waiting(runtime) == [media.key]
    derive_image.fn(media.key)
    assert client.get(f"{base}/{STORED}").status_code == 200


def test_a_derivative_that_was_made_again_is_read_from_its_new_file_without_a_restart(
    client: Client, runtime: Runtime, media: Media, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.get(f"{base}/{STORED}")
    path = runtime.blobs.path(media.pyramid_sha256)
    with path.open("r+b") as damaged:  # the file that is open here, and its size stays
        damaged.write(b"\x00" * path.stat().st_size)
    path.unlink()
    assert derive(runtime, media.key).result == "made"
    with runtime.reads.begin() as session:
        assert catalogue.get_media(session, media.key).pyramid_sha256 == media.pyramid_sha256, "another file of the same digest"
    ahead = time.monotonic() + 2 * open_images.KEPT_S
    monkeypatch.setattr("iiif.image.serving.open_images.time.monotonic", lambda: ahead)
    assert client.get(f"{base}/{STORED}").data == whole.data


def test_a_derivative_that_was_cut_while_open_is_made_anew_and_read_though_its_digest_is_the_same(
    client: Client, runtime: Runtime, media: Media, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.get(f"{base}/{STORED}")
    path = runtime.blobs.path(media.pyramid_sha256)
    path.write_bytes(path.read_bytes()[:100])
    for picture in (STORED, "0,0,256,256/256,256/0/default.jpg", "3,5,400,400/90,90/0/default.png"):
        assert client.get(f"{base}/{picture}").status_code == 503, picture
    assert derive(runtime, media.key).result == "made"
    ahead = time.monotonic() + 2 * open_images.KEPT_S
    monkeypatch.setattr("iiif.image.serving.open_images.time.monotonic", lambda: ahead)
    assert client.get(f"{base}/{STORED}").data == whole.data
