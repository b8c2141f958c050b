"""Whether every file that the database names is there and sound, and which files nobody names.

Images, and the masks of annotations, are read page by page. On the way the names of all blobs that are needed go to 256
small files by their first two digits, one for each folder of blobs, so that the comparison the other way holds only one
folder's names in memory. The rows of targets are held to the documents of their annotations, page by page too.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Literal

from annotations import masks, target_check
from annotations.datasets import service as datasets
from annotations.exchange import store as exchange
from annotations.masks import KeptMask
from annotations.segments import following as segments
from app.runtime.blobs import LEFTOVER, BlobEntry, sha256_of
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.image.masters import derivatives

PAGE = 500
EXPORTS_KEPT = timedelta(days=30)  # since somebody asked for them last
NAMES = [f"{number:02x}" for number in range(256)]
Fault = Literal["lost original", "damaged original", "lost derivative", "damaged derivative", "lost mask", "damaged mask"]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class FileFault:
    """Something that is wrong with a file of an image; `repair` says whether its derivative is to be made again, as this run or
    one before it has asked. A mask that annotations name has no `media`."""

    media: str
    fault: Fault
    sha256: str
    repair: bool = False


@dataclass(frozen=True, slots=True)
class TargetFault:
    """That the rows of an annotation's targets are not those of its document, in a sentence; `repaired`: they are now."""

    annotation: str
    sentence: str
    repaired: bool
    fault: Literal["wrong targets"] = "wrong targets"


@dataclass(frozen=True, slots=True)
class SegmentFault:
    """That a segment is stored otherwise than follows from what stands behind it; `repaired`: it is brought in line now."""

    segment: str
    sentence: str
    repaired: bool
    fault: Literal["wrong segment"] = "wrong segment"


@dataclass(slots=True)
class Account:
    """What was looked at, besides findings: images by number, and files that no image names."""

    images: int = 0
    masks: int = 0
    annotations: int = 0  # of which the targets were compared, deleted ones included
    unread: int = 0  # of these, whose targets cannot be resolved any more: only their specimens were compared
    first_unread: str = ""  # one of them, and why
    older: int = 0  # derivatives of an older recipe, which are made anew when they are asked for
    orphans: int = 0
    orphan_bytes: int = 0
    fresh: int = 0  # unnamed, but so young that an ingest may be about to name them
    leftovers: int = 0  # half-written files of processes that ended
    collected: bool = False
    refused: list[str] = field(default_factory=list)  # images of which no derivative could be made, each with the reason
    strange: list[str] = field(default_factory=list)  # files that are no blobs


class Check:
    """One run. `findings` is to be read to its end before `account` is complete."""

    def __init__(
        self, runtime: Runtime, *, deep: bool = False, repair: bool = False, collect: bool = False, older_than_s: float = LEFTOVER
    ) -> None:
        """`deep` reads every file; `repair` has lost derivatives made again; `collect` removes what nobody names and what has
        not changed for `older_than_s` seconds."""
        self.runtime = runtime
        self.deep, self.repair, self.collect = deep, repair, collect
        self.older_than_s = older_than_s
        self.account = Account(collected=collect)

    def findings(self, progress: Progress = lambda _: None) -> Iterator[FileFault]:
        """What is wrong, image by image; then what nobody names is counted, and removed with `collect`."""
        before = time.time() - self.older_than_s
        with tempfile.TemporaryDirectory(prefix="lectotype-fsck-") as folder:
            needed = Path(folder)
            with ExitStack() as stack:
                buckets = {name: stack.enter_context((needed / name).open("wb")) for name in NAMES}
                for media in self._images():
                    _note(buckets, media.sha256, media.pyramid_sha256)
                    yield from self._examine(media)
                    self.account.images += 1
                    progress(self.account.images)
                self._forget_masks(before)
                self._forget_exports()
                yield from self._masks(buckets)
                self._pin(buckets)
            for name in NAMES:
                self._unnamed(name, _read(needed / name), before)
        self.account.strange.extend(self.runtime.blobs.strangers())
        self._leftovers()

    def wrong_targets(self, progress: Progress = lambda _: None) -> Iterator[TargetFault]:
        """Each difference between the document of an annotation and the rows of its targets; laid again with `repair`."""
        after, addresses = "", self.runtime.addresses
        while True:
            with self.runtime.reads.begin() as session:
                page = target_check.page(session, addresses, after=after, limit=PAGE)
            for key, compared in page.items():
                if compared.unread:
                    self.account.unread += 1
                    self.account.first_unread = self.account.first_unread or f"{key}: {compared.unread}"
                if compared.differences:
                    yield from self._target_faults(key)
            self.account.annotations += len(page)
            progress(self.account.annotations)
            if len(page) < PAGE:
                return
            after = next(reversed(page))

    def wrong_segments(self) -> Iterator[SegmentFault]:
        """Each segment that is stored otherwise than follows from its statements; brought in line with `repair`."""
        after, more = "", True
        while more:
            with self.runtime.reads.begin() as session:
                found, after = segments.differing(session, after=after, limit=PAGE)
            for key, sentence in found:
                if self.repair:
                    with self.runtime.db.begin() as session:
                        segments.refresh(session, [key], self.runtime.clock())
                yield SegmentFault(key, sentence, self.repair)
            more = bool(after)

    def _target_faults(self, key: str) -> Iterator[TargetFault]:
        """Asked once more of that annotation alone: it may have been changed while its page was read."""
        if self.repair:
            with self.runtime.db.begin() as session:
                compared, repaired = target_check.repair(session, key, self.runtime.addresses, self.runtime.clock())
        else:
            with self.runtime.reads.begin() as session:
                compared, repaired = target_check.check(session, key, self.runtime.addresses), False
        yield from (TargetFault(key, sentence, repaired) for sentence in compared.differences)

    def _images(self) -> Iterator[Media]:
        after = ""
        while True:
            with self.runtime.reads.begin() as session:
                page = catalogue.list_media(session, after=after, limit=PAGE)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].key

    def _forget_masks(self, before: float) -> None:
        """Masks that came in for an annotation which never came are named by nobody from here on."""
        page = ""
        while self.collect:
            with self.runtime.db.begin() as session:
                page = masks.forget_unused(session, before=datetime.fromtimestamp(before, UTC), after=page, limit=PAGE)
            if not page:
                return

    def _masks(self, buckets: Mapping[str, BinaryIO]) -> Iterator[FileFault]:
        """What is wrong with the files of masks, all of which are needed."""
        after = ""
        while True:
            with self.runtime.reads.begin() as session:
                page = masks.page(session, after=after, limit=PAGE)
            for mask in page:
                _note(buckets, mask.sha256)
                self.account.masks += 1
                if (fault := self._fault_of(mask)) is not None:
                    yield FileFault("", fault, mask.sha256)
            if len(page) < PAGE:
                return
            after = page[-1].sha256

    def _forget_exports(self) -> None:
        """Files of exports that nobody has asked for in a month are made again when somebody does."""
        if self.collect:
            with self.runtime.db.begin() as session:
                datasets.forget_files(session, before=self.runtime.clock() - EXPORTS_KEPT)

    def _pin(self, buckets: Mapping[str, BinaryIO]) -> None:
        """What versions of datasets are made of is needed, whatever has become of its image, and so are the files of imports."""
        for pinned in (datasets.pinned, exchange.files):
            after, more = "", True
            while more:
                with self.runtime.reads.begin() as session:
                    page = pinned(session, after=after, limit=PAGE)
                _note(buckets, *page)
                after, more = (page[-1] if page else after), len(page) == PAGE

    def _fault_of(self, mask: KeptMask) -> Fault | None:
        try:
            size = self.runtime.blobs.size(mask.sha256)
        except FileNotFoundError:
            return "lost mask"
        return "damaged mask" if size != mask.byte_size or self._is_rotten(mask.sha256) else None

    def _examine(self, media: Media) -> Iterator[FileFault]:
        fault = self._original(media)
        if fault is not None:
            yield FileFault(media.key, fault, media.sha256)
        if media.state == "failed":
            self.account.refused.append(f"{media.key}: {media.state_reason}")
        if media.state != "ready":
            return
        broken = self._derivative(media)
        if broken is not None:
            asked = media.derivative_version == catalogue.DISTRUSTED
            if self.repair and fault is None:
                self._mend(media)
                asked = True
            yield FileFault(media.key, broken, media.pyramid_sha256, repair=asked and fault is None)

    def _original(self, media: Media) -> Fault | None:
        try:
            size = self.runtime.blobs.size(media.sha256)
        except FileNotFoundError:
            return "lost original"
        if size != media.byte_size or self._is_rotten(media.sha256):
            return "damaged original"
        return None

    def _derivative(self, media: Media) -> Fault | None:
        fault = derivatives.fault_of(self.runtime.blobs, media)
        if fault == "lost":
            return "lost derivative"
        if fault == "damaged" or self._is_rotten(media.pyramid_sha256):
            return "damaged derivative"
        self.account.older += fault == "older"
        return None

    def _mend(self, media: Media) -> None:
        """It is served as it is until there is a better one."""
        with self.runtime.db.begin() as session:
            catalogue.distrust_derivative(session, media.key)
            catalogue.derive_again(session, media.key)

    def _unnamed(self, name: str, needed: set[bytes], before: float) -> None:
        """The blobs whose names begin so and that nobody needs."""
        for entry in self.runtime.blobs.entries(name):
            if bytes.fromhex(entry.sha256) not in needed:
                self._orphan(entry, before)

    def _orphan(self, entry: BlobEntry, before: float) -> None:
        """Count it, and remove it if it has not changed since `before`, which the store looks up last of all: the same bytes
        may just have been taken in again."""
        if entry.changed_at >= before:
            self.account.fresh += 1
            return
        if self.collect and not self.runtime.blobs.delete(entry.sha256, unless_changed_since=before):
            self.account.fresh += self.runtime.blobs.has(entry.sha256)  # else an ingest refused it meanwhile
            return
        self.account.orphans += 1
        self.account.orphan_bytes += entry.size

    def _is_rotten(self, sha256: str) -> bool:
        """Whether, as far as this run looks so deep, the blob holds other bytes than its name says, or cannot be read."""
        if not self.deep:
            return False
        try:
            with self.runtime.blobs.open(sha256) as stream:
                return sha256_of(stream) != sha256
        except OSError:
            return True

    def _leftovers(self) -> None:
        if self.collect:
            self.account.leftovers = self.runtime.blobs.sweep(self.older_than_s)


def _note(buckets: Mapping[str, BinaryIO], *needed: str) -> None:
    for sha256 in needed:
        if sha256:
            buckets[sha256[:2]].write(bytes.fromhex(sha256))


def _read(bucket: Path) -> set[bytes]:
    data = bucket.read_bytes()
    return {data[at : at + 32] for at in range(0, len(data), 32)}
