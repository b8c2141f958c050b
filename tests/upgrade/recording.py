"""What a hub answers, recorded from one release and compared with another.

A recording is a list of exchanges: an address of the hub, whether a token was shown, and of the answer what has to stay.
This file runs in the environments of both releases, so it imports nothing of ours.
"""

import hashlib
import http.client
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from PIL import Image

KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Link")
GRID = 8  # a picture is kept as the digest of its pixels and the mean colours of so many fields across and down
CLOSE = 3  # levels of 255 by which a mean colour may differ where another libvips rendered the picture
Json = dict[str, Any]


@dataclass(frozen=True)
class Hub:
    """A running server, whose addresses begin with `base` whatever port it listens on."""

    port: int
    base: str
    token: str

    def ask(self, path: str, *, token: bool = False) -> Json:
        """The exchange: GET of the path, and what is kept of its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"} if token else {})
            answer = connection.getresponse()
            headers = {name: answer.headers[name] for name in KEPT_HEADERS if answer.headers[name]}
            return {"path": path, "token": token, "status": answer.status, "headers": headers} | _body(
                answer.status, headers, answer.read()
            )
        finally:
            connection.close()

    def record(self, seeds: Iterable[str], *, limit: int = 1500) -> list[Json]:
        """Ask for the seeds and for every address of ours that an answer names, without and with the token.

        What the token does not change is kept once.
        """
        exchanges: list[Json] = []
        waiting = list(dict.fromkeys(seeds))
        known = set(waiting)
        for path in waiting:  # it grows
            if len(waiting) > limit:
                raise ValueError(f"more than {limit} addresses")
            open_, trusted = self.ask(path), self.ask(path, token=True)
            exchanges.append(open_)
            if {**trusted, "token": False} != open_:
                exchanges.append(trusted)
            for iri in _strings([open_.get("json"), trusted.get("json")]):
                found = iri.removeprefix(self.base).partition("#")[0]
                if iri.startswith(f"{self.base}/") and found not in known and "{" not in found and " " not in found:
                    known.add(found)
                    waiting.append(found)
        return exchanges


Expected = Callable[[str, str, Any, Any], bool]


def differences(old: Json, new: Json, expected: Expected = lambda *_: False) -> list[str]:
    """What of the old answer is not in the new one, a line for each; a JSON object may have more members than before.

    `expected` is asked whether a difference is meant: of the address, the place in its answer (a JSON pointer, `status`,
    `picture` or a header), what stood there before, and what does now.
    """
    return [f"{old['path']}{' (token)' if old['token'] else ''} {line}" for line in _differences(old, new, expected)]


def _differences(old: Json, new: Json, expected: Expected) -> Iterator[str]:
    path = old["path"]
    if old["status"] != new["status"]:
        if not expected(path, "status", old["status"], new["status"]):
            yield f"answers {new['status']}, before {old['status']}"
        return
    for name, value in old["headers"].items():
        other = new["headers"].get(name)
        if _is_lasting(path, name) and other != value and not expected(path, name, value, other):
            yield f"{name}: {other!r}, before {value!r}"
    if "json" in old:
        yield from _json_differences(old["json"], new.get("json"), "", partial(expected, path))
    if "picture" in old:
        before, now = old["picture"], new.get("picture")
        if not _same_picture(before, now) and not expected(path, "picture", before, now):
            yield "is another picture"


def _is_lasting(path: str, header: str) -> bool:
    """ETags of single annotations are promised to clients; those of listings follow from what is listed."""
    return header != "ETag" or (path.startswith("/annotations/") and "?" not in path and path != "/annotations/")


def _json_differences(old: Any, new: Any, pointer: str, expected: Callable[[str, Any, Any], bool]) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in old.items():
            below = f"{pointer}/{name}"
            if name in new:
                yield from _json_differences(value, new[name], below, expected)
            elif not expected(below, value, None):
                yield f"lacks {below}, before {_short(value)}"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _json_differences(one, other, f"{pointer}/{number}", expected)
    elif (old != new or type(old) is not type(new)) and not expected(pointer, old, new):
        yield f"{pointer or '/'}: {_short(new)}, before {_short(old)}"


def _same_picture(old: Json, new: Json | None) -> bool:
    """Whether the pixels are the same, or so close that only a library's rounding can lie between."""
    if new is None or (old["mode"], old["size"]) != (new["mode"], new["size"]):
        return False
    return bool(old["sha256"] == new["sha256"]) or all(
        abs(one - other) <= CLOSE for one, other in zip(old["grid"], new["grid"], strict=True)
    )


def _body(status: int, headers: Mapping[str, str], data: bytes) -> Json:
    kind = headers.get("Content-Type", "").partition(";")[0]
    if status >= 400 and status != 410:
        return {}  # of errors, the status; a tombstone is no error
    if kind.endswith("json"):
        return {"json": json.loads(data)}
    if kind.startswith("image/") and "svg" not in kind:
        return {"picture": _picture(data)}
    return {}  # of pages for people, status and type


def _picture(data: bytes) -> Json:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
    small = image.convert("RGB").resize((GRID, GRID), Image.Resampling.BOX)
    return {"mode": image.mode, "size": list(image.size), "sha256": hashlib.sha256(image.tobytes()).hexdigest(),
            "grid": list(small.tobytes())}  # fmt: skip


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"
