"""Load by wrk: a few connections that ask for the addresses of a list one after another, for so many seconds."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """
local paths, at = {{}}, 0
init = function()
  for path in io.lines({paths!r}) do paths[#paths + 1] = wrk.format("GET", path) end
end
request = function()
  at = at % #paths + 1
  return paths[at]
end
done = function(summary, latency)
  io.write(string.format('\\n{{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk counted; `refused` answers had a status of 400 or more, `broken` ones did not come."""

    requests: int
    seconds: float
    megabytes: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


class Running:
    """A load under way."""

    def __init__(self, base: str, paths: Sequence[str], *, connections: int, seconds: float, folder: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=folder)
        asked, script = Path(self._folder.name, "paths"), Path(self._folder.name, "wrk.lua")
        asked.write_text("".join(f"{path}\n" for path in paths))
        script.write_text(SCRIPT.format(paths=str(asked)))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "30s", "-s", str(script), base]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def result(self) -> Load:
        """Wait for its end."""
        told, _ = self._process.communicate()
        self._folder.cleanup()
        if self._process.returncode:
            raise RuntimeError(f"wrk ended with status {self._process.returncode}: {told}")
        return parse(told)


def run(base: str, paths: Sequence[str], *, connections: int, seconds: float, folder: Path) -> Load:
    return Running(base, paths, connections=connections, seconds=seconds, folder=folder).result()


def parse(told: str) -> Load:
    """The last line that wrk printed."""
    counted = json.loads(told.strip().splitlines()[-1])
    return Load(
        requests=counted["requests"],
        seconds=counted["microseconds"] / 1e6,
        megabytes=counted["bytes"] / 1e6,
        p50_ms=counted["p50"] / 1000,
        p99_ms=counted["p99"] / 1000,
        refused=counted["refused"],
        broken=counted["broken"],
    )
