"""Which image of the hub a foreign file means: by our key or ARK, SHA-256, exact path, unique name, unique stem, or the
catalogue number of a specimen with one image, in that order.

Names are compared in one Unicode form and in any case of letters; what could be two images is none.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from sqlalchemy.orm import Session, sessionmaker

from annotations.exchange.model import ImageReference
from app.runtime import ids
from app.runtime.addresses import Addresses
from iiif.catalogue import service as catalogue
from iiif.catalogue.identity import folded
from iiif.catalogue.model import Media

PAGE = 1_000
AMBIGUOUS = "?"
KEY = re.compile(ids.KEY_PATTERN, re.ASCII)


class ImageFinder:
    """Finds the images of one import. `prepare` goes once through the names of all images, and keeps only those asked for."""

    def __init__(self, reads: sessionmaker[Session], addresses: Addresses) -> None:
        self.reads, self.addresses = reads, addresses
        self._by_path: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        self._by_stem: dict[str, str] = {}

    def prepare(self, references: Iterable[ImageReference]) -> None:
        """Look up the names of the images that nothing but a name tells."""
        paths = {_path(one.name) for one in references if one.name and not self._key_in(one)}
        if not paths:
            return
        names = {PurePosixPath(path).name for path in paths}
        stems = {PurePosixPath(path).stem for path in paths}
        for media_key, file_name in self._names():
            path = _path(file_name)
            pure = PurePosixPath(path)
            for wanted, text, found in (
                (paths, path, self._by_path),
                (names, pure.name, self._by_name),
                (stems, pure.stem, self._by_stem),
            ):
                if text in wanted:
                    found[text] = AMBIGUOUS if found.get(text, media_key) != media_key else media_key

    def find(self, session: Session, reference: ImageReference) -> Media | str:
        """The image, or the sentence that says why there is none."""
        key = self._key_in(reference)
        if key and (found := catalogue.media_by_key(session, [key]).get(key)) is not None:
            return found
        if reference.sha256 and (by_hash := catalogue.find_media_by_hash(session, reference.sha256)) is not None:
            return by_hash
        path = PurePosixPath(_path(reference.name))
        ways = ((self._by_path, str(path), "path"), (self._by_name, path.name, "name"), (self._by_stem, path.stem, "name"))
        for known, text, word in ways:
            found_key = known.get(text)
            if found_key == AMBIGUOUS:
                return f"Several images have the {word} {text[:200]!r}, and nothing tells which is meant."
            if found_key is not None:
                return catalogue.get_media(session, found_key)
        return (
            self._numbered(session, PurePosixPath(reference.name.replace("\\", "/")).stem)
            or f"There is no image {(reference.name or reference.iri)[:200]!r} here."
        )

    def _numbered(self, session: Session, number: str) -> Media | str | None:
        """The image of the specimen with that catalogue number, where there is one of each."""
        specimens = catalogue.list_specimens_by_number(session, number, limit=2) if number else ()
        images = [media for specimen in specimens for media in catalogue.media_of(session, specimen.key)]
        if len(images) > 1:
            return f"The catalogue number {number[:200]!r} has several images, and nothing tells which is meant."
        return images[0] if images else None

    def _key_in(self, reference: ImageReference) -> str:
        """The key of an image of ours that its IRI, its name or the beginning of its name says."""
        for text in (reference.iri, reference.name):
            named = self.addresses.identify(text) if text else None
            if named is not None and named.media_key:
                return named.media_key
        match = KEY.match(PurePosixPath(_path(reference.name)).name) if reference.name else None
        found = match[0] if match else ""
        return found if found.startswith(ids.MEDIA) and ids.is_key(found, self.addresses.naan) else ""

    def _names(self) -> Iterator[tuple[str, str]]:
        after = ""
        while True:
            with self.reads.begin() as session:
                page = catalogue.list_media(session, after=after, limit=PAGE)
            yield from ((media.key, media.file_name) for media in page)
            if len(page) < PAGE:
                return
            after = page[-1].key


def _path(name: str) -> str:
    """The name with `/`, without what leads nowhere, in the form in which names are compared."""
    parts = [part for part in folded(name).replace("\\", "/").split("/") if part not in ("", ".")]
    return "/".join(parts)
