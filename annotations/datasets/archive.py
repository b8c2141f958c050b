"""A version as one zip, streamed from the blobs: documents first, then originals by the key of the image.

There is no job and no temporary file: lengths and CRC-32s are known, so that length, ETag and any range follow (`zip_stream`).
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock

from annotations.datasets import content, zip_stream
from annotations.datasets.content import Withheld
from annotations.datasets.model import Version
from annotations.datasets.packaging import KeptFile
from annotations.datasets.zip_stream import Entry, Shape
from app.runtime.context import Runtime

REMEMBERED = 64  # shapes of archives: to know one costs a pass over its members
_shapes: "OrderedDict[tuple[str, bool], Shape]" = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Archive:
    """What goes in. `tag` is its strong ETag: that of all its bytes."""

    runtime: Runtime
    version: Version
    files: Mapping[str, KeptFile]
    held: Withheld
    tag: str
    with_images: bool = True

    def entries(self) -> Iterator[Entry]:
        """Documents by name, then images by key."""
        for name in sorted(self.files, key=str.encode):
            one = self.files[name]
            yield Entry(name, one.byte_size, one.crc32, one.sha256)
        if not self.with_images:
            return
        for image in content.images(self.runtime, self.version):
            if self.held.gives(image):
                yield Entry(content.path_of(image), image.byte_size, image.crc32, image.sha256)

    def shape(self) -> Shape:
        place = (self.tag, self.with_images)
        with _lock:
            if place in _shapes:
                _shapes.move_to_end(place)
                return _shapes[place]
        found = zip_stream.shape(self.entries)
        with _lock:
            _shapes[place] = found
            while len(_shapes) > REMEMBERED:
                _shapes.popitem(last=False)
        return found

    def stream(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`. Raises FileNotFoundError where a file is lost."""
        return zip_stream.stream(self.entries, self._read, self.shape(), start, stop)

    def _read(self, sha256: str, length: int, offset: int) -> bytes:
        with self.runtime.blobs.open(sha256) as file:
            file.seek(offset)
            return file.read(length)
