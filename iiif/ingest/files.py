"""Find the files that sources name, without ever leaving the folders that were opened.

A wrong picture under a museum's number is worse than none: a path or address that says a folder is not answered by a file
of the same name in another one, and of several files that it could mean none is taken.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from iiif.catalogue.identity import folded
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

    def real_of(self, folder: str, name: str, *, is_plain: bool = False) -> str:
        """The same of a name in a folder; one that `is_plain` is known to be no link."""
        try:
            if folder not in self._folders:
                self._folders[folder] = os.path.realpath(folder)
            real = os.path.join(self._folders[folder], name)  # noqa: PTH118 - a million times, and Path takes ten times as long
            is_plain = is_plain or (name != ".." and not os.path.islink(real))  # noqa: PTH114 - the same
            return real if is_plain else str(Path(folder, name).resolve())
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
    return ((folder, name) for folder, name, _ in walk_files(root, refuse))


def walk_files(root: Path, refuse: Callable[[Path, str], None] | None = None) -> Iterator[tuple[str, str, bool]]:
    """The same as folder, name, and whether it is a file itself: no link, no pipe, no device. No file is looked at for that."""
    folders = [(str(root), 0)]
    while folders:
        folder, depth = folders.pop()
        below, names, plain = list[str](), list[str](), set[str]()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith((".", "~$")):  # "~$" is what Office puts beside a file that is open
                        continue
                    if _is_plain(entry):
                        plain.add(entry.name)
                    if entry.name in plain or not _is_folder(entry):
                        names.append(entry.name)
                    elif entry.name != "__MACOSX" and not entry.is_symlink():
                        below.append(entry.name)
        except OSError as error:
            if refuse is not None:
                refuse(Path(error.filename or folder), error.strerror or "it cannot be read")
        if depth < MAX_DEPTH:
            folders += [(_joined(folder, name), depth + 1) for name in sorted(below, reverse=True)]
        yield from ((folder, name, name in plain) for name in sorted(names))


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a folder or leads to one; no for links that lead round in a circle or where nobody may look."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_plain(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a file itself, as far as that can be seen."""
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False


def is_regular(path: Path) -> bool:
    """Whether it is a file that ends: no pipe, no device, no link that leads nowhere or round in a circle."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - a million times
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
    _is_indexed: bool = False
    _by_name: dict[str, list[str]] = field(default_factory=dict)
    _by_stem: dict[str, list[str]] = field(default_factory=dict)
    _by_beginning: dict[str, list[str]] = field(default_factory=dict)
    _by_value: dict[str, list[str]] = field(default_factory=dict)
    _parts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _linked: set[str] = field(default_factory=set)
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
            relative = relative.lstrip("/") if relative.startswith("//") else relative  # a share of Windows: as another disk
            candidates = [relative, unquote(relative)] if "%" in relative else [relative]
        if split is not None and not self.has_images():
            return Match(None)
        found = self._at_once(candidates[0]) or self._probe(candidates, outside_is_wrong=split is None)
        return Match(found) if found is not None else self._named(relative, is_address=split is not None)

    def exists(self, reference: str) -> bool:
        """Whether the text as a whole names a file, with the folders that it gives, whatever separators are in it."""
        *folders, name = [folded(part) for part in reference.replace("\\", "/").split("/") if part not in ("", ".")] or [""]
        self._index()
        paths = self._by_name.get(name, [])
        return any(not folders or _common_tail(self._parts[path], folders) == len(folders) for path in paths)

    def real(self, path: Path) -> str:
        """Where the path leads, all links followed; empty for links that lead round in a circle."""
        text = str(path)
        return self.links.real_of(*os.path.split(text), is_plain=text in self._parts and text not in self._linked)

    def has_images(self) -> bool:
        self._index()
        return bool(self._by_name)

    def of_stem(self, stem: str) -> list[Path]:
        """The image files whose name without extension this is."""
        self._index()
        return [Path(path) for path in self._by_stem.get(folded(stem), ())]

    def beginning_with(self, number: str) -> list[Path]:
        """The image files whose name is that number and something parted from it (`K1_2`, `K1-a`, `K1 (2)`, `K1b`), or the same
        but for leading zeros, as spreadsheets lose them (`0001` for `1`)."""
        self._index()
        name = folded(number)
        value = _without_zeros(name)
        same = self._by_value.get(value, ()) if value == name else (*self._by_value.get(value, ()), *self._by_stem.get(value, ()))
        others = [path for path in map(Path, same) if folded(path.stem) != name]
        return [*map(Path, self._by_beginning.get(name, ())), *others]

    def _at_once(self, candidate: str) -> Path | None:
        """The file that lies just there in the first folder, as far as that is known without a look: most rows name such."""
        self._index()
        path = _joined(str(self.roots[0]), candidate)
        return Path(path) if path in self._parts and path not in self._linked else None

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
        paths = self._by_name.get(name) or ([] if is_image_name(name) else self._by_stem.get(name, []))
        if not paths:
            return Match(None)
        tails = {path: _common_tail(self._parts[path], folders) for path in paths}
        best = max(tails.values())
        nearest = [Path(path) for path in paths if tails[path] == best]
        if len(nearest) > 1 and not all(self._contradicts(path, folders, best, is_address) for path in nearest):
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
        here = self._parts[str(path)]
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
        """Names of all image files, made when the first name is looked for; paths as text, for there may be millions."""
        if self._is_indexed:
            return
        self._is_indexed = True
        parts: dict[str, tuple[str, ...]] = {}
        for root in self.roots:
            for folder, name, is_plain in walk_files(root):
                path = _joined(folder, name)
                if not is_image_name(name) or path in self._parts or not (is_plain or self._leads_to_file(folder, name, root)):
                    continue
                if not is_plain:
                    self._linked.add(path)
                if folder not in parts:
                    parts[folder] = tuple(folded(part) for part in Path(folder).relative_to(root).parts)
                self._parts[path] = parts[folder]
                self._enter(path, folded(name))

    def _leads_to_file(self, folder: str, name: str, root: Path) -> bool:
        return self.links.is_in(self.links.real_of(folder, name), root) and is_regular(Path(folder, name))

    def _enter(self, path: str, name: str) -> None:
        stem = os.path.splitext(name)[0]  # noqa: PTH122 - the name need not be a path
        _append(self._by_name, name, path)
        _append(self._by_stem, stem, path)
        if (value := _without_zeros(stem)) != stem:
            _append(self._by_value, value, path)
        for beginning in _beginnings(stem):
            _append(self._by_beginning, beginning, path)


def _joined(folder: str, name: str) -> str:
    """The path as `Path` would write it, in a tenth of the time."""
    return name if folder == "." else os.path.join(folder, name)  # noqa: PTH118 - a million times


def _append(paths: dict[str, list[str]], name: str, path: str) -> None:
    if name in paths:
        paths[name].append(path)
    else:
        paths[name] = [path]


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
