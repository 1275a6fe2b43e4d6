"""Load by wrk, and the processor time that servers spend on it."""

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local requests, n = {{}}, 0
for path in io.lines("{bodies}") do
  local body, bearer = path:match("^(.-)\\t(.*)$")
  requests[#requests + 1] = wrk.format("POST", "{path}", {{
    ["host"] = "127.0.0.1", ["content-type"] = "application/json", ["authorization"] = "Bearer " .. bearer}}, body)
end
math.randomseed(os.time())
request = function()
  n = n % #requests + 1
  if {often} > 0 and math.random() < 0.5 then return requests[math.random({often})] end
  return requests[{often} > 0 and math.random(#requests) or n]
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('{{"requests": %d, "microseconds": %d, "bad": %d, "p50": %f, "p99": %f}}\\n',
    summary.requests, summary.duration, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What one run brought: milliseconds of requests, and processor milliseconds that each of them took."""

    requests: int
    seconds: float
    p50: float
    p99: float
    server_cpu: float
    database_cpu: float

    @property
    def throughput(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True)
class Asked:
    """A server and the requests that it is sent in turns: body and bearer of each."""

    port: int
    pid: int
    requests: Sequence[tuple[bytes, str]]
    path: str = "/graphql"
    often: int = 0
    """How many of the requests are half of all that are sent, drawn by chance as the rest is; 0: all in turns."""


class Wrk:
    """Runs wrk; its scripts lie in ``folder``, ``postmaster`` is PostgreSQL's first process."""

    def __init__(self, folder: Path, postmaster: int) -> None:
        self._folder = folder
        self.postmaster = postmaster

    def run(self, asked: Asked, *, seconds: int, connections: int = 1) -> Load:
        """Ask for so long; raises AssertionError for any answer that is no success."""
        script = self._script(asked)
        server, database = processor_seconds([asked.pid]), self._database_seconds()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(script)]
        told = subprocess.run(
            [*command, f"http://127.0.0.1:{asked.port}{asked.path}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        server, database = processor_seconds([asked.pid]) - server, self._database_seconds() - database
        found = json.loads(told.splitlines()[-1])
        assert found["requests"] > 0, told
        assert found["bad"] == 0, told
        return Load(
            requests=found["requests"],
            seconds=found["microseconds"] / 1e6,
            p50=found["p50"] / 1000,
            p99=found["p99"] / 1000,
            server_cpu=server * 1000 / found["requests"],
            database_cpu=database * 1000 / found["requests"],
        )

    def _database_seconds(self) -> float:
        return processor_seconds(children(self.postmaster))

    def _script(self, asked: Asked) -> Path:
        name = f"{asked.port}-{abs(hash(tuple(asked.requests)))}"
        bodies, script = self._folder / f"{name}.bodies", self._folder / f"{name}.lua"
        if not script.exists():
            lines = [f"{body.decode()}\t{bearer}\n" for body, bearer in asked.requests]
            bodies.write_text("".join(lines))
            script.write_text(_SCRIPT.format(bodies=bodies, path=asked.path, often=asked.often))
        return script


def processor_seconds(pids: Iterable[int]) -> float:
    """Processor time of these processes so far, with all their threads."""
    ticks = 0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICK


def children(parent: int) -> list[int]:
    """The processes that another has started and that still run: of PostgreSQL's first one, its backends."""
    running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in running if parent_of(pid) == parent]


def parent_of(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def private_memory(pid: int) -> int:
    """Bytes of memory that a process shares with no other (Linux, smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(
        int(line.split()[1]) * 1024 for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))
    )


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
