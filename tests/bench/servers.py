"""The servers that are measured side by side, each on a port of its own on loopback, each with two processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pyvips

from app import compose
from app.cli.ingest import ingest_paths
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from iiif.image.actors import derive_image
from tests.services import free_port

PROCESSES = 2
DEBIAN, BUILT, NODE = "iipsrv 1.1 (Debian)", "iipsrv (built)", "iiif-processor 7"
SHEET = "sheet-{side}.tif"
HERE = Path(__file__).parent
READY_S = 60.0
OTHER = """
import json, sys
from pathlib import Path
from tests.bench.servers import lectotype
server = lectotype(Path(sys.argv[1]), Path(sys.argv[2]))
print(json.dumps([server.base, server.image]), flush=True)
sys.stdin.read()  # until the bench ends
server.stop()
"""
QUALITY = 88


class CannotBench(Exception):
    """Something that the bench needs is missing; the message says what to do."""


@dataclass(slots=True)
class Server:
    """A server that runs: `base` is where its images are, `image` the sheet there, `front` a proxy that it needs."""

    name: str
    base: str
    image: str
    processes: list["subprocess.Popen[bytes]"]
    front: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]

    @property
    def front_pids(self) -> list[int]:
        return [process.pid for process in self.front]

    def path(self, picture: str, side: int = 512) -> str:
        """Of a picture on this server; `side` is that of the tiles in the file that it is taken from, where there are two."""
        return f"/{self.base.split('/', 3)[3]}/{self.image.format(side=side)}/{picture}"

    def get(self, picture: str, side: int = 512) -> bytes:
        address = self.base[: self.base.index("/", 8)] + self.path(picture, side)
        with urllib.request.urlopen(address, timeout=60) as answer:
            body: bytes = answer.read()
        return body

    def wait(self) -> "Server":
        """Until it answers. Raises CannotBench."""
        deadline = time.monotonic() + READY_S
        while True:
            try:
                self.get("info.json")
            except OSError as error:
                if time.monotonic() > deadline or any(one.poll() is not None for one in self.processes + self.front):
                    self.stop()
                    raise CannotBench(f"{self.name} does not answer at {self.base}: {error}") from error
                time.sleep(0.1)
            else:
                return self

    def stop(self) -> None:
        """End its processes with their children."""
        for process in self.front + self.processes:
            if process.stdin is not None:
                process.stdin.close()  # one that holds the server of another release
            elif process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.front + self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def lectotype(folder: Path, master: Path) -> Server:
    """The web process as `lectotype serve` starts it, with the sheet in its collection."""
    port = free_port()
    settings = Settings(data_dir=folder / "lectotype", base_url=f"http://127.0.0.1:{port}", port=port, web_processes=PROCESSES)
    runtime = compose.build(settings)
    compose.prepare(runtime)
    ingest_paths(runtime, (master,))
    with runtime.reads.begin() as session:
        (media,) = catalogue.list_media(session, limit=1)
    derive_image.fn(media.key)
    runtime.search.close()
    runtime.database.engine.dispose()
    process = _start([sys.executable, "-m", "app.cli", "web"], settings.environment(), folder / "lectotype.log")
    return Server("Lectotype", f"{settings.base_url}/iiif/3", media.key, [process]).wait()


def other_release(folder: Path, checkout: Path, master: Path) -> Server:
    """Lectotype as another checkout has it, in its own virtual environment (.venv)."""
    folder = folder / "other"
    folder.mkdir()
    python = checkout / ".venv/bin/python"
    if not python.exists():
        raise CannotBench(f"{checkout} has no .venv: run `make .venv/dev` there")
    holder = subprocess.Popen(
        [str(python), "-c", OTHER, str(folder), str(master)], cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    line = holder.stdout.readline() if holder.stdout else b""
    if not line:
        raise CannotBench(f"{checkout} does not serve the sheet")
    base, image = json.loads(line)
    return Server(f"Lectotype in {checkout.name}", base, image, [holder])


def iipsrv(folder: Path, program: Path, name: str, cache_mb: int = 10) -> Server:
    """iipsrv behind nginx, as its documentation has it: FastCGI processes on one socket, the cache of its default in each.

    A larger one would hold this one sheet decoded, as it would hold none of a collection."""
    folder = folder / f"iipsrv-{free_port()}"
    folder.mkdir()
    port, listener = free_port(), socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    listener.listen(1024)
    environment = os.environ | {
        "FILESYSTEM_PREFIX": f"{folder.parent}/",
        "MAX_IMAGE_CACHE_SIZE": str(cache_mb),
        "JPEG_QUALITY": "85",
        "MAX_CVT": "16000",
        "CORS": "*",
        "VERBOSITY": "0",
        "LOGFILE": str(folder / "log"),
        "OMP_NUM_THREADS": "1",
    }
    processes = [_start([str(program)], environment, folder / "out", stdin=listener) for _ in range(PROCESSES)]
    listener.close()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, workers=PROCESSES, user=NGINX_USER))
    front = _start(["nginx", "-p", str(folder), "-e", "stderr", "-c", "nginx.conf"], environment, folder / "nginx.log")
    return Server(name, f"http://127.0.0.1:{port}/iiif", SHEET, processes, [front]).wait()


def iiif_processor(folder: Path) -> Server:
    """npm's iiif-processor in a small server of Node's own kind, with a cluster of processes."""
    peers = HERE / "peers"
    if not (peers / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--prefix", str(peers), "--no-audit", "--no-fund", "--loglevel=error"], check=True)
    port = free_port()
    command = ["node", str(peers / "iiif-processor.mjs"), str(port), str(folder), str(PROCESSES)]
    process = _start(command, dict(os.environ), folder / "node.log")
    return Server(NODE, f"http://127.0.0.1:{port}/iiif/3", SHEET, [process]).wait()


def write_pyramids(master: Path, folder: Path) -> None:
    """The sheet as the peers like it best: pyramidal TIFFs of JPEG tiles in our own quality, of both sizes of tiles."""
    for side in (256, 512):
        pyvips.Image.new_from_file(str(master), access="sequential").tiffsave(
            str(folder / SHEET.format(side=side)),
            tile=True,
            tile_width=side,
            tile_height=side,
            pyramid=True,
            compression="jpeg",
            Q=QUALITY,
            keep="none",
        )


def require(*programs: str) -> None:
    """Install missing programs where we may, else say how. Raises CannotBench."""
    missing = [package for program in programs if shutil.which(program) is None for package in [PACKAGES[program]]]
    if not DEBIAN_IIPSRV.exists():
        missing.append("iipimage-server")
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotBench(f"Please install first: {' '.join(missing)} (on Debian: apt-get install --no-install-recommends …).")
    subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], check=True)


def _start(
    command: list[str], environment: dict[str, str], log: Path, *, stdin: socket.socket | None = None
) -> "subprocess.Popen[bytes]":
    """In a process group of its own; FastCGI programs get their listening socket as standard input."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command, env=environment, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )


PACKAGES = {"nginx": "nginx-light", "wrk": "wrk", "node": "nodejs", "npm": "npm"}
DEBIAN_IIPSRV = Path("/usr/lib/iipimage-server/iipsrv.fcgi")
NGINX_USER = "user root;" if os.geteuid() == 0 else ""
NGINX = """
daemon off; worker_processes {workers}; pid {folder}/pid; error_log {folder}/nginx.log; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location /iiif/ {{
      rewrite ^/iiif/(.*)$ /$1 break;
      fastcgi_pass unix:{folder}/socket;
      fastcgi_buffers 16 64k; fastcgi_buffer_size 64k;
      fastcgi_param PATH_INFO $fastcgi_script_name;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param QUERY_STRING IIIF=$uri;
      fastcgi_param REQUEST_URI $request_uri;
      fastcgi_param HTTP_HOST $http_host;
      fastcgi_param SERVER_PROTOCOL $server_protocol;
    }}
  }}
}}
"""
