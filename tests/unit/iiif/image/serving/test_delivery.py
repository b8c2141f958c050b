"""Which lane a picture takes, and which are too large to be made: by what is read, what is made, and what is sent."""

import dataclasses
import threading
from collections.abc import Callable

import pytest
from werkzeug.test import Client

from app.runtime.context import Runtime
from iiif.image.rendering import render
from iiif.image.request import ImageRequest, SizeLimits
from iiif.image.serving import delivery, open_images
from iiif.image.serving.open_images import OpenImages
from tests.unit.iiif.image.pictures import derived, drawn, file_of

Lanes = Callable[[str], str]


@pytest.fixture
def base(runtime: Runtime) -> str:
    return f"/iiif/3/{derived(runtime, file_of(drawn(1300, 900))).key}"


@pytest.fixture
def lane_of(client: Client, base: str, monkeypatch: pytest.MonkeyPatch) -> Lanes:
    """The name of the thread that makes the picture of that address, where a picture of 400,000 pixels is large."""
    monkeypatch.setattr(delivery, "LARGE_PX", 400_000)
    threads: list[str] = []
    encode = render.finish

    def finish(*made: object) -> bytes:
        threads.append(threading.current_thread().name)
        return encode(*made)  # type: ignore[arg-type] # passed on as they come

    monkeypatch.setattr(render, "finish", finish)

    def lane_of(path: str) -> str:
        assert client.get(f"{base}/{path}").status_code == 200
        return threads.pop().rpartition("_")[0]

    return lane_of


def _order(size: str, rotation: str, form: str) -> delivery.Order:
    request = ImageRequest.parse(3, "full", size, rotation, "default", form)
    return delivery.Order(request.resolve(7900, 20, SizeLimits(16_000, 36_000_000)), None, "")


def test_a_turned_picture_counts_with_its_corners() -> None:
    assert _order("max", "0", "jpg").pixels == 7900 * 20
    assert _order("max", "90", "jpg").pixels == 7900 * 20
    assert _order("max", "45", "jpg").pixels == 5601**2


def test_a_picture_that_is_large_only_when_turned_is_made_alone(lane_of: Lanes) -> None:
    assert lane_of("0,0,1300,20/max/0/default.png") == "render"
    assert lane_of("0,0,1300,20/max/45/default.png") == "render large"


def test_a_picture_too_large_for_its_format_when_turned_is_refused(
    client: Client, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(delivery.MOST_PX, "avif", 100_000)
    assert client.get(f"{base}/0,0,1300,20/max/0/default.avif").status_code == 200
    assert client.get(f"{base}/0,0,1300,20/max/45/default.avif").status_code == 400


def test_a_picture_of_which_much_is_read_is_made_alone(lane_of: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LARGE_PX", 1300 * 450 / 4)
    assert lane_of("0,0,1300,400/1300,1/0/default.jpg") == "render"
    assert lane_of("0,0,1300,900/1300,1/0/default.jpg") == "render large"


def test_less_is_read_for_a_picture_that_is_much_distorted(
    runtime: Runtime, client: Client, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = open_images.of(runtime).find(base.rpartition("/")[2])
    limits = SizeLimits(16_000, 36_000_000)

    def read(size: str) -> int:
        request = ImageRequest.parse(3, "full", size, "0", "default", "jpg")
        return render.pixels_read(served.pyramid, request.resolve(1300, 900, limits))

    monkeypatch.setattr(render, "CHEAP_PX", 1000)
    assert read("1300,1") == 1300 * 900
    monkeypatch.setattr(render, "MOST_DISTORTED_PX", 300_000)
    assert read("1300,1") == 1300 * 900 // 4
    assert read("1300,800") == 1300 * 900
    assert client.get(f"{base}/full/1300,1/0/default.jpg").status_code == 200


def test_of_large_pictures_counts_what_leaves(
    runtime: Runtime, client: Client, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SEND_PX", 10_000)
    spent: list[int] = []
    monkeypatch.setattr(open_images.of(runtime).outflow, "spend", spent.append)
    large, small = f"{base}/0,0,1000,900/500,450/0/default.jpg", f"{base}/0,0,1000,900/100,90/0/default.jpg"
    length = len(client.get(large).data)
    assert spent == [length], "new"
    client.get(large)
    client.get(large, headers={"Range": "bytes=0-99"})
    client.head(large)
    client.get(small)
    assert spent == [length, length, 100]


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 6, 8, 16, 32])
def test_threads_are_kept_for_tiles_whatever_is_rendered(runtime: Runtime, threads: int) -> None:
    settings = runtime.settings.model_copy(update={"web_threads": threads})
    found = OpenImages(dataclasses.replace(runtime, settings=settings))
    assert min(found.lane.most, found.large_lane.most) >= 1
    assert threads - found.lane.most - found.large_lane.most >= (min(4, threads // 2) if threads > 2 else threads - 2)
