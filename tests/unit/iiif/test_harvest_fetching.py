"""How other servers are asked: what is refused, what is tried again, and what goes on where it broke off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from iiif.harvest.errors import CannotFetch, NotAllowedThere, NotReadable
from iiif.harvest.fetching import Fetcher, Known, Rules, check
from tests.museum import Answer, Museum, museum


@pytest.fixture(scope="module")
def there() -> Iterator[Museum]:
    with museum() as found:
        yield found


def fetcher(**rules: object) -> Fetcher:
    return Fetcher(Rules(**{"private": True, "pause_s": 0, **rules}), sleep=lambda _: None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "data:application/json,{}",
        "gopher://museum.example/",
        "http://user:secret@museum.example/",
        "http://127.0.0.1/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fd00::1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://localhost/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://museum.example:0/",
        "http://museum.example/a b",
        "http:///path",
        "http://museum.example/" + "a" * 2_000,
        "",
    ],
)
def test_addresses_that_lead_inside_or_nowhere_are_refused_with_a_reason(url: str) -> None:
    with pytest.raises(CannotFetch) as refused:
        Fetcher(Rules(), sleep=lambda _: None).document(url)
    assert refused.value.sentence


def test_a_redirection_into_our_own_network_is_refused(there: Museum, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address counts as public here; the one that it leads to does not."""
    port = there.address.rpartition(":")[2]
    there.things["/out"] = lambda _: (302, {"Location": f"http://127.0.0.1:{port}/secret"}, b"")
    monkeypatch.setattr("iiif.harvest.fetching.resolve", lambda host, port, private: "127.0.0.1")
    with pytest.raises(NotAllowedThere, match="inner network"):
        Fetcher(Rules(), sleep=lambda _: None).document(f"http://museum.example:{port}/out")
    assert "/secret" not in there.asked


def test_only_the_hosts_of_a_source_are_asked() -> None:
    assert check("https://a.example/x", Rules(hosts=("a.example",))).hostname == "a.example"
    with pytest.raises(NotAllowedThere, match="--host"):
        check("https://b.example/x", Rules(hosts=("a.example",)))


def test_what_is_not_ascii_in_a_path_is_escaped() -> None:
    assert check("https://a.example/schädel/%20x?q=é", Rules()).path == "/sch%C3%A4del/%20x"


def test_redirections_end(there: Museum) -> None:
    there.things["/round"] = lambda _: (302, {"Location": "/round"}, b"")
    with pytest.raises(CannotFetch, match="leads on more than 5 times"):
        fetcher().document(f"{there.address}/round")


def test_a_busy_server_is_asked_again_when_it_says(there: Museum) -> None:
    answers: list[Answer] = [(503, {"Retry-After": "7"}, b""), (429, {}, b""), (200, {}, b'{"type": "Manifest"}')]
    there.things["/busy"] = lambda _: answers.pop(0)
    slept: list[float] = []
    found = Fetcher(Rules(private=True, pause_s=0), sleep=slept.append).document(f"{there.address}/busy")
    assert (found is not None, slept) == (True, [7.0, 2.0])


def test_a_document_that_is_as_it_was_is_not_sent_again(there: Museum) -> None:
    there.things["/one"] = {"type": "Manifest"}
    first = fetcher().document(f"{there.address}/one")
    assert first is not None
    assert fetcher().document(f"{there.address}/one", first.known) is None


@pytest.mark.parametrize(
    ("given", "error", "why"),
    [
        (b"\x00\x01", NotReadable, "is not JSON"),
        (b"[" * 100_000, NotReadable, "is not JSON"),
        (b'{"a":' + b"[" * 101 + b"]" * 101 + b"}", NotReadable, "deeper than 100 levels"),
        (b"[1e999]", NotReadable, "too great"),
        (b"[" + b"1" * 400 + b"]", NotReadable, "too great"),
        (b"[NaN]", NotReadable, "NaN is no number"),
        (b"[1" + b" " * 3_000 + b"]", CannotFetch, "more than 2,000 bytes"),
    ],
)
def test_documents_that_are_none_or_too_large_are_refused(there: Museum, given: bytes, error: type[Exception], why: str) -> None:
    there.things["/odd"] = lambda _: (200, {}, given)
    limit = 2_000 if why.startswith("more") else 1_000_000
    with pytest.raises(error, match=why):
        fetcher(max_document_bytes=limit).document(f"{there.address}/odd")


def test_characters_that_no_text_may_hold_are_told_as_such(there: Museum) -> None:
    there.things["/odd"] = lambda _: (200, {}, rb'{"a\u0000": ["\ud800b", "\ud83c\udf3f", {"c": "\u0000"}]}')
    found = fetcher().document(f"{there.address}/odd")
    assert found is not None
    assert found.document == {"a\ufffd": ["\ufffdb", "\U0001f33f", {"c": "\ufffd"}]}


def test_304_to_a_question_without_a_condition_is_no_answer(there: Museum, tmp_path: Path) -> None:
    there.things["/odd"] = lambda _: (304, {}, b"")
    with pytest.raises(CannotFetch, match="304"):
        fetcher().document(f"{there.address}/odd")
    with pytest.raises(CannotFetch, match="304"):
        fetcher().image(f"{there.address}/odd", tmp_path / "odd")


def test_another_part_of_an_image_than_was_asked_for_is_not_put_behind_the_first(there: Museum, tmp_path: Path) -> None:
    body = bytes(range(256)) * 40
    there.things["/sheet.jpg"] = lambda _: (200, {"ETag": '"a"', "Content-Length": str(len(body))}, body[:4_000])
    with pytest.raises(CannotFetch, match="broke off"):
        fetcher().image(f"{there.address}/sheet.jpg", tmp_path / "sheet")

    def from_the_beginning(headers: dict[str, str]) -> Answer:
        whole = {"ETag": '"a"', "Content-Range": f"bytes 0-{len(body) - 1}/{len(body)}"}
        return (206, whole, body) if "range" in headers else (200, {"ETag": '"a"'}, body)

    there.things["/sheet.jpg"] = from_the_beginning
    fetcher().image(f"{there.address}/sheet.jpg", tmp_path / "sheet")
    assert (tmp_path / "sheet").read_bytes() == body


def test_an_image_that_broke_off_goes_on_where_it_stopped(there: Museum, tmp_path: Path) -> None:
    body = bytes(range(256)) * 40
    there.things["/sheet.jpg"] = lambda _: (200, {"ETag": '"a"', "Content-Length": str(len(body))}, body[:4_000])
    with pytest.raises(CannotFetch, match="broke off"):
        fetcher().image(f"{there.address}/sheet.jpg", tmp_path / "sheet")
    asked: list[str] = []

    def rest(headers: dict[str, str]) -> Answer:
        asked.append(f"{headers.get('range')} {headers.get('if-range')}")
        return 206, {"ETag": '"a"', "Content-Range": f"bytes 4000-{len(body) - 1}/{len(body)}"}, body[4_000:]

    there.things["/sheet.jpg"] = rest
    assert fetcher().image(f"{there.address}/sheet.jpg", tmp_path / "sheet") == Known('"a"', "")
    assert (asked, (tmp_path / "sheet").read_bytes()) == (['bytes=4000- "a"'], body)


def test_an_image_that_changed_meanwhile_is_fetched_anew(there: Museum, tmp_path: Path) -> None:
    there.things["/sheet.jpg"] = lambda _: (200, {"ETag": '"a"', "Content-Length": "9000"}, b"a" * 4_000)
    with pytest.raises(CannotFetch):
        fetcher().image(f"{there.address}/sheet.jpg", tmp_path / "sheet")
    there.things["/sheet.jpg"] = lambda _: (200, {"ETag": '"b"'}, b"b" * 500)
    fetcher().image(f"{there.address}/sheet.jpg", tmp_path / "sheet")
    assert (tmp_path / "sheet").read_bytes() == b"b" * 500


def test_an_image_larger_than_is_allowed_is_refused(there: Museum, tmp_path: Path) -> None:
    there.things["/large.jpg"] = b"x" * 5_000
    with pytest.raises(CannotFetch, match="more than 1,000 bytes"):
        fetcher(max_image_bytes=1_000).image(f"{there.address}/large.jpg", tmp_path / "large")
