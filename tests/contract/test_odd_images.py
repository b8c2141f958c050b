"""Odd images, from the file to the last step of the analysis: each is analysed, or declined in a sentence, and kills nobody."""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from analytics import service as analytics
from analytics.model import ENDED_STEPS
from app.cli.ingest import ingest_paths
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from tests.drain import drain
from tests.unit.iiif.image import sources
from tests.unit.iiif.image.pictures import drawn, file_of

GREY, RGB, CMYK = 1, 2, 5
NOISE = np.random.default_rng(8)


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return NOISE.integers(0, 255, (height, width, 3), np.uint8)


def file(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def plain(width: int, height: int, kind: str = "PNG") -> bytes:
    return file_of(noise(width, height), kind)


def wide(mode: str) -> bytes:
    samples = NOISE.integers(0, 65_535, (90, 120), np.uint16)
    return file(Image.fromarray(samples), "PNG") if mode == "png" else sources.tiff_of(samples[:, :, None], GREY, 16)


def mode(name: str, kind: str, **options: object) -> bytes:
    return file(Image.fromarray(drawn(130, 90)).convert(name), kind, **options)


def lying() -> bytes:
    """The EXIF of a camera that was held upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def see_through_palette() -> bytes:
    return file(Image.fromarray(drawn(130, 90)).quantize(8), "PNG", transparency=bytes((0, 128, 255)))


def moving(kind: str) -> bytes:
    frames = [Image.fromarray(drawn(130, 90)[:, ::-1] if number % 2 else drawn(130, 90)) for number in range(3)]
    return file(frames[0], kind, save_all=True, append_images=frames[1:])


def pages(*sizes: tuple[int, int]) -> bytes:
    frames = [Image.fromarray(drawn(*size)) for size in sizes]
    return file(frames[0], "TIFF", save_all=True, append_images=frames[1:])


ANALYSED: dict[str, Callable[[], bytes]] = {
    "the least that is analysed": lambda: plain(16, 16),
    "long and low": lambda: plain(9001, 17),
    "tall and narrow": lambda: plain(16, 12_000),
    "the longest side": lambda: plain(32_000, 20),
    "of one colour": lambda: file_of(np.full((300, 200, 3), 255, np.uint8)),
    "all black": lambda: file_of(np.zeros((300, 200, 3), np.uint8)),
    "grey of one bit": lambda: mode("1", "PNG"),
    "grey with alpha": lambda: mode("LA", "PNG"),
    "grey of 16 bits": lambda: wide("png"),
    "grey TIFF of 16 bits": lambda: wide("tif"),
    "palette with transparency": see_through_palette,
    "nothing but transparency": lambda: file(Image.new("RGBA", (120, 90), (200, 10, 10, 0)), "PNG"),
    "CMYK JPEG": lambda: mode("CMYK", "JPEG"),
    "CMYK TIFF": lambda: mode("CMYK", "TIFF"),
    "L*a*b* TIFF": lambda: mode("LAB", "TIFF"),
    "turned by its EXIF": lambda: mode("RGB", "JPEG", exif=lying()),
    "animated GIF": lambda: moving("GIF"),
    "animated WebP": lambda: moving("WEBP"),
    "animated PNG": lambda: moving("PNG"),
    "a pyramid of pages": lambda: pages((400, 300), (200, 150), (100, 75)),
}  # fmt: skip
DECLINED: dict[str, tuple[Callable[[], bytes], str]] = {
    "one pixel": (lambda: plain(1, 1), "1 × 1 pixels"),
    "one pixel wide": (lambda: plain(1, 5000), "1 × 5000 pixels"),
    "one pixel high": (lambda: plain(40_000, 1, "PNG"), "40000 × 1 pixels"),
    "9001 by 5": (lambda: plain(9001, 5), "9001 × 5 pixels"),
    "too long a side": (lambda: plain(32_001, 20), "32001 × 20 pixels"),
    "the longest side that is taken in": (lambda: plain(200_000, 2), "200000 × 2 pixels"),
}
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "several pages": (lambda: pages((400, 300), (390, 310)), "several-pages"),
    "longer than any side may be": (lambda: plain(200_001, 1), "too-many-pixels"),
    "floating point": (lambda: file(Image.fromarray(np.ones((90, 120), np.float32)), "TIFF"), "unsupported-pixels"),
    "integers of 32 bits": (lambda: file(Image.fromarray(np.ones((90, 120), np.int32)), "TIFF"), "unsupported-pixels"),
    "12 bits": (lambda: sources.tiff_of(np.ones((90, 120, 1), np.uint16), GREY, 12), "unsupported-pixels"),
    "nothing at all": (lambda: b"", "empty-file"),
    "a bitmap of Windows": (lambda: mode("RGB", "BMP"), "not-an-image"),
}  # fmt: skip


Fate = tuple[str, str]


def fates(runtime: Runtime, files: Mapping[str, bytes], folder: Path) -> dict[str, Fate]:
    """Of each file by its name: the code of its refusal, or the state of the task that analyses it; and why."""
    folder.mkdir()
    numbers = {f"B-{number:03}": name for number, name in enumerate(files)}
    for number, name in numbers.items():
        (folder / f"{number}.tif").write_bytes(files[name])
    report = ingest_paths(runtime, [folder]).to_json()
    found = {numbers[entry["value"][:5]]: (entry["code"], entry["sentence"]) for entry in report["rejected"]}
    drain(runtime)
    with runtime.reads.begin() as session:
        (run,) = analytics.page(session, limit=2)
        for task in analytics.list_tasks(session, run.key, limit=100):
            assert all(mark["state"] in ENDED_STEPS for mark in task.steps.values()) or task.state == "failed"
            media = catalogue.get_media(session, task.media_key)
            found[numbers[media.file_name[:5]]] = (task.state, task.reason)
    assert found.keys() == files.keys()
    return found


def test_odd_images_are_analysed_to_the_last_step(prepared: Runtime, tmp_path: Path) -> None:
    found = fates(prepared, {name: made() for name, made in ANALYSED.items()}, tmp_path / "in")
    assert found == dict.fromkeys(ANALYSED, ("completed", ""))


def test_what_cannot_be_analysed_is_served_and_declined_in_a_sentence(prepared: Runtime, tmp_path: Path) -> None:
    found = fates(prepared, {name: made() for name, (made, _) in DECLINED.items()}, tmp_path / "in")
    assert {name: state for name, (state, _) in found.items()} == dict.fromkeys(DECLINED, "failed")
    for name, (_, says) in DECLINED.items():
        assert found[name][1] == f"The image has {says}; one of 16 to 32,000 on each side can be analysed."
    with prepared.reads.begin() as session:
        assert catalogue.count_media(session) == {"ready": len(DECLINED)}


def test_what_cannot_be_shown_is_refused_by_name(prepared: Runtime, tmp_path: Path) -> None:
    found = fates(prepared, {name: made() for name, (made, _) in REFUSED.items()}, tmp_path / "in")
    assert {name: code for name, (code, _) in found.items()} == {name: code for name, (_, code) in REFUSED.items()}
    assert all(why.endswith(".") for _, why in found.values())
