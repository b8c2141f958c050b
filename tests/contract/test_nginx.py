"""A hub below `/collections/` behind a real nginx with the configuration of the documents: nothing leads out, nothing is lost."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from app import proxy
from app.runtime import tokens
from app.runtime.principal import Principal
from tests import live
from tests.drain import drain
from tests.live import ROOT, Live
from tests.services import free_port, missing, wait_until
from tests.sheets import comment
from tests.unit.iiif.image.pictures import derived, drawn, file_of

pytestmark = pytest.mark.slow
PATH = "/collections"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
IN_PAGES = re.compile(r'(?:href|src|action|data-manifest|data-show|data-later|data-image)="([^"]*)"')
IN_STYLES = re.compile(r'url\("?([^")]+)"?\)')
IN_SCRIPTS = re.compile(r'(?:from|import)\(?"(\./[^"]+)"')
ELSEWHERE = ("data:", "mailto:", "https://")  # the names of licences, standards and the like
MAIN = """
user root;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    {rest}
}}
"""


class Stay(urllib.request.HTTPRedirectHandler):
    """Redirections are looked at."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Answer:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, data: bytes | None = None, **headers: str) -> Answer:
    request = urllib.request.Request(url, data, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=30) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def shipped() -> str:
    """docker/nginx.conf."""
    return (ROOT / "docker/nginx.conf").read_text()


def documented() -> str:
    """The locations for a hub below a path, from docs/operations.md."""
    (block,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs/operations.md").read_text(), re.DOTALL)
    return str(block)


def configured(folder: Path, port: int, hub: int, *, below: bool) -> Path:
    """The shipped configuration for these ports; `below`: with the documented locations in place of its own."""
    text = (
        shipped().replace("server web:8000;", f"server 127.0.0.1:{hub};").replace("listen 80 default", f"listen {port} default")
    )
    assert text.count(str(port)) == 1
    assert text.count(str(hub)) == 1
    if below:
        text = re.sub(r"    location .*\n}\n", f"{documented()}}}\n", text, flags=re.DOTALL)
    path = folder / "nginx.conf"
    path.write_text(MAIN.format(folder=folder, rest=text))
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, str]]:
    """A hub, and its public address."""
    if shutil.which("nginx") is None:
        missing("nginx (apt-get install nginx-light)")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    base = f"http://127.0.0.1:{port}{PATH}"
    with live.web(folder, web_processes=1, base_url=base) as hub:
        media = derived(hub.runtime, file_of(drawn(700, 500)))
        with hub.runtime.db.begin() as session:
            token = tokens.create(session, "nginx", hub.runtime.clock(), by=Principal.of_system())
        path = configured(folder, port, urlsplit(hub.url).port or 0, below=True)
        server = subprocess.Popen(["nginx", "-c", path, "-p", folder], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: _reached(base), "an answer through nginx", 30)
            document = comment(hub.runtime.addresses.canvas(media.specimen_key, media.key) + "#xywh=10,20,30,40")
            said = {"Authorization": f"Bearer {token}", "Content_Type": "application/ld+json"}
            posted = ask(f"{base}/annotations/", json.dumps(document).encode(), **said)
            assert posted.status == 201, posted.body
            assert posted.headers["Location"] == posted.json()["id"]
            drain(hub.runtime)
            yield hub, base
        finally:
            server.terminate()
            server.wait(10)


def _reached(base: str) -> bool:
    try:
        return ask(f"{base}/health/live").status == 200
    except OSError:
        return False


def test_the_shipped_configuration_is_valid(tmp_path: Path) -> None:
    if shutil.which("nginx") is None:
        missing("nginx (apt-get install nginx-light)")
    path = configured(tmp_path, free_port(), free_port(), below=False)
    done = subprocess.run(["nginx", "-t", "-c", path, "-p", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def leads_to(answer: Answer, address: str) -> set[str]:
    """All that a page, style or script fetches or leads to."""
    kind = answer.headers.get_content_type()
    pattern = {"text/html": IN_PAGES, "text/css": IN_STYLES, "text/javascript": IN_SCRIPTS}.get(kind)
    if pattern is None:
        return set()
    found = (unescape(one) for one in pattern.findall(answer.body.decode()))
    return {urljoin(address, one).partition("#")[0] for one in found if not one.startswith(ELSEWHERE)}


def test_every_link_and_file_of_every_page_lies_below_the_path_and_is_answered(site: tuple[Live, str]) -> None:
    _, base = site
    waiting, seen, pages = {f"{base}/"}, set(), 0
    while waiting:
        address = waiting.pop()
        seen.add(address)
        assert address.startswith(f"{base}/") or address == base, f"{address} leads out of the hub"
        answer = ask(address, **BROWSER)
        if answer.status in (301, 302, 303, 308):
            waiting |= {urljoin(address, answer.headers["Location"])} - seen
            continue
        assert answer.status in (200, 204, 405), f"{address}: {answer.status}"
        pages += answer.headers.get_content_type() == "text/html"
        waiting |= leads_to(answer, address) - seen
    assert pages >= 4
    kinds = {urlsplit(address).path.removeprefix(PATH).split("/")[1] for address in seen}
    assert {"assets", "iiif", "specimens", "runs", "annotations", "ark:99999"} <= kinds
    assert [one for one in seen if "/assets/viewer-" in one], "scripts are followed to the viewer"
    assert [one for one in seen if ".woff2" in one], "and styles to the fonts"


def test_every_id_in_documents_lies_below_the_path_and_is_answered(site: tuple[Live, str]) -> None:
    _, base = site
    waiting, seen = {f"{base}/iiif/presentation/3/collection/top.json"}, set()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = ask(address)
        assert answer.status in (200, 303), f"{address}: {answer.status}"
        if "json" not in answer.headers.get_content_type():
            continue
        for one in re.findall(r'"(http://127[^"#]*)', answer.body.decode()):
            assert one.startswith(base), f"{one} leads out of the hub"
            if not re.search(r"/(ark:/?\d+/n|search/)", one):
                waiting |= {one} - seen
    assert any("/iiif/3/" in one for one in seen)
    assert any("/annotations/" in one for one in seen)


def test_the_doctor_finds_nothing_that_the_proxy_spoils(site: tuple[Live, str]) -> None:
    hub, _ = site
    found = {name: check() for name, check in proxy.checks(hub.runtime)}
    assert found.keys() == {"answers", "CORS", "escapes", "headers", "pictures"}


def test_redirections_stay_below_the_path_whatever_the_slashes(site: tuple[Live, str]) -> None:
    _, base = site
    for address in (f"{base}/annotations", f"{base}/iiif//3/nothing/info.json", base):
        answer = ask(address)
        assert answer.status in (301, 308), address
        assert urljoin(address, answer.headers["Location"]).startswith(f"{base}/"), answer.headers["Location"]
    assert ask(f"{base.removesuffix(PATH)}/specimens/").status == 404, "nothing else of the host is ours"


def test_events_come_through_at_once_and_metrics_do_not_come_out(site: tuple[Live, str]) -> None:
    _, base = site
    with urllib.request.urlopen(f"{base}/api/events", timeout=10) as stream:
        assert stream.headers.get_content_type() == "text/event-stream"
        assert stream.readline().startswith(b"retry:")
    for address in (f"{base}/metrics", f"{base}//metrics"):
        assert ask(address).status in (401, 404), address


def test_an_annotation_keeps_its_strong_etag_and_a_page_its_compression(site: tuple[Live, str]) -> None:
    _, base = site
    (annotation,) = ask(f"{base}/annotations/?page=first").json()["items"]
    answer = ask(annotation["id"], Accept_Encoding="gzip")
    assert answer.headers["ETag"].startswith('"')
    page = ask(f"{base}/", Accept_Encoding="gzip", **BROWSER)
    assert page.headers["Content-Encoding"] == "gzip"
    assert ask(f"{base}/", Accept_Encoding="gzip", If_None_Match=page.headers["ETag"], **BROWSER).status == 304
