"""Specimens with small photographs of their own, indexed: what tests of datasets stand on."""

import hashlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from annotations.datasets import drafts, freezing, service
from annotations.datasets.model import Dataset, Version
from app import relay
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from tests.sheets import QUERCUS

SYSTEM = Principal.of_system()
SIDE = (64, 48)


def photograph(name: str, size: tuple[int, int] = SIDE) -> bytes:
    """A JPEG that the name decides."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1] // 8, size[0] // 8, 3), np.uint8)
    picture = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


def add(
    runtime: Runtime, number: str, terms: Mapping[str, str] | None = None, images: int = 1, **said: str
) -> tuple[Specimen, tuple[Media, ...]]:
    """A specimen with so many photographs, whose files are here."""
    at, naan = runtime.clock(), runtime.settings.naan
    files = [photograph(f"{number} {place}") for place in range(images)]
    kept = [(runtime.blobs.put(io.BytesIO(data))[0], len(data)) for data in files]
    with runtime.db.begin() as session:
        draft = catalogue.SpecimenDraft(number, {**QUERCUS, **(terms or {})}, {}, "test")
        specimen = catalogue.add_specimen(session, draft, naan=naan, at=at)
        for place, (sha256, size) in enumerate(kept):
            media = catalogue.MediaDraft(specimen.key, sha256, size, "image/jpeg", file_name=f"{number} {place}.jpg", **said)
            added = catalogue.add_media(session, media, naan=naan, at=at)
            catalogue.media_ready(session, added.key, catalogue.Derivative(*SIDE, 1, "", sha256, 1), at=at)
        return specimen, catalogue.media_of(session, specimen.key)


def index(runtime: Runtime) -> None:
    """Have the index know all."""
    while relay.update_index(runtime):
        pass


def make(runtime: Runtime, title: str = "Oaks", **said: Any) -> Dataset:
    """A dataset without a version."""
    with runtime.db.begin() as session:
        draft = drafts.draft_of({"title": title, **said})
        return service.create(session, draft, by=SYSTEM, naan=runtime.settings.naan, at=runtime.clock())


def freeze(runtime: Runtime, key: str) -> Version | None:
    """Its next version, as the index knows all."""
    index(runtime)
    return freezing.freeze(runtime, key, by=SYSTEM, wait_s=0)
