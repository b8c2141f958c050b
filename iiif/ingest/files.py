"""Find the files that sources name, without ever leaving the folders that were opened.

A wrong picture under a museum's number is worse than none: a path or address that says a folder is not answered by a file
of the same name in another one, and of several files that it could mean none is taken.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from iiif.ingest.model import IngestIssue, SourceError, readable

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".png", ".webp", ".gif", ".bmp", ".heic", ".avif"}
    | {".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jph", ".jhc"}
    | {".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}
)
URL_SCHEMES = frozenset({"http", "https", "ftp", "file"})
MAX_DEPTH = 100
SHOWN = 5
_SAYS_NOTHING = re.compile(
    r"(?:(?:img|dsc[nf]?|pict?|image|photo|foto|bild|scan|p|_mg|untitled)?[\s_\-]*\d{0,5})"
    r"|original|full|large|medium|small|thumb(?:nail)?|preview|default|master|native|front|back|side|dorsal|ventral|lateral"
    r"|habitus|label|left|right|top|bottom|detail|overview|main|cover|picture|index",
    re.IGNORECASE,
)


def is_image_name(name: str) -> bool:
    """Whether the name ends as an image's does; what is in it is seen later."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - the name need not be a path


def is_url(text: str) -> bool:
    return address_parts(text) is not None


def address_parts(text: str) -> tuple[str, str] | None:
    """Host and path of an address, the path unquoted; None for what is no address."""
    if "://" not in text and not text.lower().startswith("file:"):
        return None
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return None
    if parts.scheme.lower() not in URL_SCHEMES:
        return None
    return parts.netloc, unquote(parts.path)


def folded(name: str) -> str:
    """The name as it is compared: in one Unicode form (macOS keeps letters and their marks apart), in any case."""
    return unicodedata.normalize("NFC", name).casefold()


def lines_below_header(path: Path) -> int:
    """How many lines a text has below its first; a last one needs no end."""
    lines, last = 0, b"\n"
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            lines, last = lines + chunk.count(b"\n"), chunk[-1:]
    return max(0, lines + (last != b"\n") - 1)


def is_within(path: Path, root: Path) -> bool:
    """Whether the path, all links followed, lies in the folder; no for links that lead round in a circle."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


@dataclass(slots=True)
class Links:
    """Where paths lead, all links followed. Each folder is looked at once: for one source, while it is read."""

    _folders: dict[str, str] = field(default_factory=dict)

    def real(self, path: Path) -> str:
        """The real path; empty for links that lead round in a circle."""
        return self.real_of(*os.path.split(path))

    def real_of(self, folder: str, name: str) -> str:
        """The same of a name in a folder."""
        try:
            if folder not in self._folders:
                self._folders[folder] = os.path.realpath(folder)
            real = os.path.join(self._folders[folder], name)  # noqa: PTH118 - a million times, and Path takes ten times as long
            return str(Path(folder, name).resolve()) if name == ".." or os.path.islink(real) else real  # noqa: PTH114 - the same
        except (OSError, RuntimeError, ValueError):
            return ""

    def is_within(self, path: Path, root: Path) -> bool:
        """As `is_within`, of many paths in few folders."""
        return self.is_in(self.real(path), root)

    def is_in(self, real: str, root: Path) -> bool:
        """Whether a real path lies in the folder."""
        inside = self.real(root)
        return bool(real and inside) and (real == inside or real.startswith(inside.rstrip(os.sep) + os.sep))


def walk(root: Path, refuse: Callable[[Path, str], None] | None = None) -> Iterator[Path]:
    """Every file below the folder in the order of names; hidden ones and links to folders are passed over.

    `refuse` is told each folder or file that cannot be read, and why.
    """
    yield from (Path(folder, name) for folder, name in walk_names(root, refuse))


def walk_names(root: Path, refuse: Callable[[Path, str], None] | None = None) -> Iterator[tuple[str, str]]:
    """The same as folder and name, for who looks at the names of very many first."""

    def on_error(error: OSError) -> None:
        if refuse is not None:
            refuse(Path(error.filename or root), error.strerror or "it cannot be read")

    for folder, folders, names in os.walk(root, followlinks=False, onerror=on_error):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        if len(Path(folder).parts) - len(root.parts) >= MAX_DEPTH:
            folders[:] = []
        yield from ((folder, name) for name in sorted(names) if not name.startswith("."))


def is_regular(path: Path) -> bool:
    """Whether it is a file that ends: no pipe, no device, no link that leads nowhere or round in a circle."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Match:
    """The file that a reference means, or why none is taken; `candidates` are those that were not taken."""

    path: Path | None
    issue: IngestIssue | None = None
    candidates: tuple[Path, ...] = ()


NO_MATCH = Match(None)


@dataclass(slots=True)
class Finder:
    """Resolves the names and addresses in a source to files in `roots`, the first that has one; nothing is fetched."""

    roots: tuple[Path, ...]
    _by_name: dict[str, list[Path]] | None = field(default=None)
    _by_stem: dict[str, list[Path]] = field(default_factory=dict)
    _by_beginning: dict[str, list[Path]] = field(default_factory=dict)
    _by_value: dict[str, list[Path]] = field(default_factory=dict)
    _parts: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    links: Links = field(default_factory=Links)

    def find(self, reference: str) -> Match:
        """The file of that path, address or name. Raises SourceError (`path-outside`) where it leads out of every root."""
        if reference.startswith(("http://", "https://")) and not self.has_images():
            return NO_MATCH
        split = address_parts(reference)
        if split is not None:
            host, path = split
            relative = path.lstrip("/")
            candidates = [relative, f"{host}/{relative}"]
        else:
            relative = reference.strip().strip("\"'").replace("\\", "/")
            candidates = [relative, unquote(relative)] if "%" in relative else [relative]
        if split is not None and not self.has_images():
            return Match(None)
        found = self._probe(candidates, outside_is_wrong=split is None)
        return Match(found) if found is not None else self._named(relative, is_address=split is not None)

    def exists(self, reference: str) -> bool:
        """Whether the text as a whole names a file, with the folders that it gives, whatever separators are in it."""
        *folders, name = [folded(part) for part in reference.replace("\\", "/").split("/") if part not in ("", ".")] or [""]
        self._index()
        paths = (self._by_name or {}).get(name, [])
        return any(not folders or _common_tail(self._parts[path], folders) == len(folders) for path in paths)

    def has_images(self) -> bool:
        if self._by_name is None:
            self._index()
        return bool(self._by_name)

    def of_stem(self, stem: str) -> list[Path]:
        """The image files whose name without extension this is."""
        self._index()
        return self._by_stem.get(folded(stem), [])

    def beginning_with(self, number: str) -> list[Path]:
        """The image files whose name is that number and something parted from it (`K1_2`, `K1-a`, `K1 (2)`, `K1b`), or the same
        but for leading zeros, as spreadsheets lose them (`0001` for `1`)."""
        self._index()
        name = folded(number)
        others = [path for path in self._by_value.get(_without_zeros(name), ()) if folded(path.stem) != name]
        return [*self._by_beginning.get(name, ()), *others]

    def _probe(self, candidates: list[str], *, outside_is_wrong: bool) -> Path | None:
        for root in self.roots:
            for candidate in candidates:
                if not _can_be_a_path(candidate):
                    continue
                path = root / candidate
                if not any(self.links.is_within(path, each) for each in self.roots):
                    if outside_is_wrong:
                        raise SourceError("path-outside", f"{candidate[:200]!r} leads out of its folder.", value=candidate)
                elif is_regular(path):
                    return path
        return None

    def _named(self, relative: str, *, is_address: bool) -> Match:
        """By name, or by name without its ending, as far as the folders that are given allow it."""
        self._index()
        *folders, name = [folded(part) for part in relative.split("/") if part not in ("", ".")] or [""]
        paths = (self._by_name or {}).get(name) or ([] if is_image_name(name) else self._by_stem.get(name, []))
        if not paths:
            return Match(None)
        tails = {path: _common_tail(self._parts[path], folders) for path in paths}
        best = max(tails.values())
        nearest = [path for path in paths if tails[path] == best]
        if len(nearest) > 1 and not all(self._contradicts(path, folders, tails[path], is_address) for path in nearest):
            sentence = f"{relative[-150:]!r} could be any of {_listing(self._shown(path) for path in nearest)}: none is taken."
            return Match(None, IngestIssue("ambiguous-file", sentence, value=relative), tuple(nearest))
        if self._contradicts(nearest[0], folders, best, is_address):
            sentence = (
                f"The image {relative[-150:]!r} is not among the files; {_listing(self._shown(path) for path in nearest)} "
                "has its name but lies in another folder."
            )
            return Match(None, IngestIssue("missing-file", sentence, value=relative), tuple(nearest))
        return Match(nearest[0])

    def _contradicts(self, path: Path, folders: list[str], tail: int, is_address: bool) -> bool:
        """Whether the folders that the reference gives speak against the file.

        The folders of an address are those of a server: the local folder may have another name, as long as it tells nothing
        (no digit), the file's own name tells something, and the two have no folder in common elsewhere.
        """
        here = self._parts[path]
        left, others = here[: len(here) - tail], folders[: len(folders) - tail]
        if not left or not others:
            return False
        if not is_address:
            return True
        tells_something = _SAYS_NOTHING.fullmatch(path.stem) is None
        return not tells_something or any(re.search(r"\d", each) for each in left) or not set(left).isdisjoint(others)

    def _shown(self, path: Path) -> str:
        root = next((root for root in self.roots if path.is_relative_to(root)), path.parent)
        return readable(str(path.relative_to(root)))

    def _index(self) -> None:
        """Names of all image files, made when the first name could not be found directly."""
        if self._by_name is not None:
            return
        self._by_name = {}
        seen: set[Path] = set()
        parts: dict[str, tuple[str, ...]] = {}
        for root in self.roots:
            for folder, name in walk_names(root):
                if not is_image_name(name) or not self.links.is_in(self.links.real_of(folder, name), root):
                    continue
                path = Path(folder, name)
                if path in seen or not is_regular(path):
                    continue
                seen.add(path)
                if folder not in parts:
                    parts[folder] = tuple(folded(part) for part in path.relative_to(root).parts[:-1])
                self._parts.setdefault(path, parts[folder])
                self._by_name.setdefault(folded(name), []).append(path)
                self._by_stem.setdefault(folded(path.stem), []).append(path)
                self._by_value.setdefault(_without_zeros(folded(path.stem)), []).append(path)
                for beginning in _beginnings(folded(path.stem)):
                    self._by_beginning.setdefault(beginning, []).append(path)


def _without_zeros(number: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", number)


def _beginnings(stem: str) -> list[str]:
    """What a catalogue number could be where it begins a file's name: all before a separator, or before a last letter."""
    found = [stem[: match.start()] for match in re.finditer(r"[\s_\-.,(\[+]+", stem) if match.start()]
    return [*found, stem[:-1]] if re.search(r"\d[a-z]$", stem) else found


def _common_tail(parts: tuple[str, ...], others: list[str]) -> int:
    count = 0
    while count < min(len(parts), len(others)) and parts[-1 - count] == others[-1 - count]:
        count += 1
    return count


def _listing(names: Iterator[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(repr(name) for name in shown[:SHOWN]) + more


def _can_be_a_path(text: str) -> bool:
    """Whether a file system could have it: no NUL, at most 4,000 characters, no part of more than 255 bytes."""
    parts = text.encode("utf-8", "surrogatepass").split(b"/")
    return bool(text) and "\0" not in text and len(text) <= 4000 and max(map(len, parts)) <= 255
