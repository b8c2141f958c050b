"""What a row says of its images: lists of names and addresses, however parted, and the files that they lead to."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from iiif.ingest.columns import kind_of, order_of
from iiif.ingest.files import IMAGE_SUFFIXES, Finder, is_image_name, is_url
from iiif.ingest.model import MAX_VALUE, ImageFile, IngestIssue, SourceError, warning

MAX_REFERENCES = 1000
_BEFORE_ADDRESS = r"(?:\s/\s|[\s,;|])*(?<=[\s,;|\w])(?=(?:https?|ftp|file)://)"
_ENDINGS = "|".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
_IMAGE_NAMES = re.compile(rf"""[^\s,;|<>"'&()\[\]]+\.(?:{_ENDINGS})(?![\w.])""", re.IGNORECASE)
_WORDS = re.compile(r"(?!\b(?:and|und|et|y|e|en|or|oder)\b)\b\w+", re.IGNORECASE)
_ONE_NAME = re.compile(r"[\w./\\\-]+")  # nothing that parts a list
_SCHEME_INSIDE = re.compile(r"(?<=[^/=&?#%:])(?:https?|ftp|file)://")


@dataclass(slots=True)
class Resolution:
    """The files that a row's references lead to, what is wrong with others, and files that must not be taken by themselves."""

    images: list[ImageFile] = field(default_factory=list)
    issues: list[IngestIssue] = field(default_factory=list)
    held: list[Path] = field(default_factory=list)

    def has(self, path: Path) -> bool:
        return any(path == image.path for image in self.images)


def references_of(cells: Mapping[str, str], finder: Finder) -> list[tuple[str, list[str]]]:
    """Columns that speak of images, those of files before addresses, with the references in each."""
    found = []
    for column in _image_columns(tuple(cells)):
        references = split_references(cells[column], finder.exists)
        if kind_of(column) == "address":
            references = [text for text in references if is_url(text) or _IMAGE_NAMES.search(text)]
        if references:
            found.append((column, references[:MAX_REFERENCES]))
    return found


@lru_cache(maxsize=512)
def _image_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted((column for column in columns if kind_of(column)), key=order_of))


def split_references(text: str, exists: Callable[[str], bool] = lambda _: False) -> list[str]:
    """The names or addresses in a list that is parted by bars, semicolons, commas, blanks or line ends, or written as JSON.

    A text that as a whole names a file is no list; nor is an address with a comma in it (`…/full/600,/0/default.jpg`),
    unless each part names an image.
    """
    text = text.strip()
    if _ONE_NAME.fullmatch(text):
        return [text]
    if not text or (not is_url(text) and exists(text)):
        return [text] if text else []
    if text.startswith("[") and text.endswith("]"):
        return _listed(text, exists)
    if len(_SCHEME_INSIDE.findall(" " + text)) > 1 or (_SCHEME_INSIDE.search(text) and not is_url(text)):
        parts = [part.strip(" ,;|\t\r\n") for part in re.split(_BEFORE_ADDRESS, text)]
        parts = [part for part in parts if part]
        if len(parts) > 1:
            return [each for part in parts for each in split_references(part, exists)]
    for pattern, is_certain in ((r"[|¦\r\n\t]+", True), (r";", not is_url(text)), (r",", False), (r"\s+", False)):
        parts = [part.strip() for part in re.split(pattern, text) if part.strip()]
        if len(parts) > 1 and (is_certain or all(_names_an_image(part) or exists(part) for part in parts)):
            return [each for part in parts for each in split_references(part, exists)]
    names = [name.strip() for name in _IMAGE_NAMES.findall(text)]
    if names and (len(names) > 1 or text.strip("<>\"'()[] ") == names[0]) and not _WORDS.search(_IMAGE_NAMES.sub(" ", text)):
        return names
    return [text.strip("|;, ")]


def _names_an_image(text: str) -> bool:
    return is_image_name(text.split("?")[0]) and not text.startswith("/")


def _listed(text: str, exists: Callable[[str], bool]) -> list[str]:
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return split_references(text[1:-1], exists)
    values = [value for each in listed for value in (each.values() if isinstance(each, dict) else [each])]
    texts = [value.strip() for value in values if isinstance(value, str) and value.strip()]
    return (
        texts
        if all(isinstance(each, str) for each in listed)
        else [text for text in texts if is_url(text) or _names_an_image(text)]
    )


def resolve(references: list[tuple[str, list[str]]], finder: Finder) -> Resolution:
    """The files of all columns, each once.

    Columns may name the same image in several ways, so that an address that leads nowhere is said only where no column
    leads to a file, or where it plainly names another image.
    """
    found = Resolution()
    misses: list[tuple[str, list[IngestIssue]]] = []
    for column, texts in references:
        missed: list[IngestIssue] = []
        for text in texts:
            _resolve_one(column, text, finder, found, missed)
        misses.append((column, missed))
    said = False
    if not any(missed for _, missed in misses):
        return found
    stems = {Path(image.file_name).stem.casefold() for image in found.images}
    for column, missed in misses:
        if found.images and kind_of(column) == "address" and column.casefold().rsplit(":", 1)[-1] != "associatedmedia":
            continue
        if found.images:
            found.issues += [issue for issue in missed if _stem(issue.value) not in stems]
        elif not said and missed:
            found.issues += missed
            said = True
    return found


def _resolve_one(column: str, text: str, finder: Finder, found: Resolution, missed: list[IngestIssue]) -> None:
    try:
        match = finder.find(text)
    except SourceError as error:
        found.issues.append(IngestIssue(error.finding.code, error.finding.sentence, column, text[:MAX_VALUE]))
        return
    if match.path is not None:
        if not found.has(match.path):
            found.images.append(ImageFile.at(match.path))
    elif match.issue is not None:
        found.held += match.candidates
        found.issues.append(IngestIssue(match.issue.code, match.issue.sentence, column, text[:MAX_VALUE]))
    else:
        sentence = f"The image {text[:MAX_VALUE]!r} is not among the files."
        missed.append(IngestIssue("missing-file", sentence, column, text[:MAX_VALUE]))


def by_number(number: str, found: Resolution, finder: Finder) -> Resolution:
    """Where a row's own references lead to no file: the files that have its number as their name, if all is well otherwise."""
    if found.images or not number or any(issue.code != "missing-file" for issue in found.issues) or found.held:
        return found
    paths = finder.of_stem(number)
    folders = {path.parent for path in paths}
    if len(folders) > 1 and len({path.name for path in paths}) < len(paths):
        sentence = f"Several folders have files named {number!r}: none is taken."
        return Resolution([], [*found.issues, IngestIssue("ambiguous-file", sentence, value=number[:MAX_VALUE])], list(paths))
    return Resolution([replace(ImageFile.at(path), by_number=True) for path in paths], [] if paths else found.issues)


def resembling(path: Path, number: str) -> IngestIssue:
    """Why an image that no row names does not become a specimen: its name begins with the number of one."""
    sentence = f"{path.name!r} looks like another picture of {number!r}, but no row names it; it was not taken in."
    return warning("unnamed-image", sentence, value=path.name)


def _stem(reference: str) -> str:
    return Path(reference.split("?")[0].replace("\\", "/").rsplit("/", 1)[-1]).stem.casefold()
