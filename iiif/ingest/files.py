"""Find the files that sources name, without ever leaving the folders that were opened."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from iiif.ingest.model import SourceError

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".png", ".webp", ".gif", ".bmp", ".heic", ".avif"}
    | {".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jph", ".jhc"}
    | {".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}
)
URL_SCHEMES = frozenset({"http", "https", "ftp", "file"})


def is_image_name(name: str) -> bool:
    """Whether the name ends as an image's does; what is in it is seen later."""
    return Path(name).suffix.lower() in IMAGE_SUFFIXES


def is_url(text: str) -> bool:
    return address_parts(text) is not None


def address_parts(text: str) -> tuple[str, str] | None:
    """Host and path of an address, the path unquoted; None for what is no address."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return None
    if parts.scheme.lower() not in URL_SCHEMES:
        return None
    return parts.netloc, unquote(parts.path)


def is_within(path: Path, root: Path) -> bool:
    """Whether the path, all links followed, lies in the folder."""
    return path.resolve().is_relative_to(root.resolve())


def walk(root: Path) -> Iterator[Path]:
    """Every file below the folder in the order of names; hidden ones and links to folders are passed over."""
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


@dataclass(slots=True)
class Finder:
    """Resolves the names and addresses in a source to files in `roots`, the first that has one; nothing is fetched."""

    roots: tuple[Path, ...]
    _by_name: dict[str, Path] | None = field(default=None)
    _by_stem: dict[str, list[Path]] | None = field(default=None)

    def find(self, reference: str) -> Path | None:
        """The file of that path, address or name. Raises SourceError (`path-outside`) where it leads out of every root."""
        split = address_parts(reference)
        if split is not None:
            host, path = split
            relative = path.lstrip("/")
            candidates = [relative, f"{host}/{relative}"]
        else:
            relative = reference.strip().replace("\\", "/")
            candidates = [relative]
        found = self._probe(candidates, outside_is_wrong=split is None)
        return found or self._named(Path(relative).name)

    def of_stem(self, stem: str) -> list[Path]:
        """The image files whose name without extension this is."""
        self._index()
        return (self._by_stem or {}).get(stem.casefold(), [])

    def _probe(self, candidates: list[str], *, outside_is_wrong: bool) -> Path | None:
        for root in self.roots:
            for candidate in candidates:
                if not _can_be_a_path(candidate):
                    continue
                path = root / candidate
                if not any(is_within(path, each) for each in self.roots):
                    if outside_is_wrong:
                        raise SourceError("path-outside", f"{candidate[:200]!r} leads out of its folder.")
                elif path.is_file():
                    return path
        return None

    def _named(self, name: str) -> Path | None:
        self._index()
        return (self._by_name or {}).get(name.casefold())

    def _index(self) -> None:
        """Names of all image files, made when the first name could not be found directly."""
        if self._by_name is not None:
            return
        self._by_name, self._by_stem = {}, {}
        for root in self.roots:
            for path in walk(root):
                if is_image_name(path.name) and is_within(path, root):
                    self._by_name.setdefault(path.name.casefold(), path)
                    self._by_stem.setdefault(path.stem.casefold(), []).append(path)


def _can_be_a_path(text: str) -> bool:
    """Whether a file system could have it: no NUL, at most 4,000 characters, no part of more than 255 bytes."""
    parts = text.encode("utf-8", "surrogatepass").split(b"/")
    return bool(text) and "\0" not in text and len(text) <= 4000 and max(map(len, parts)) <= 255
