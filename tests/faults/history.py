"""What the clients of a house have written down: what they asked, what they were told, and what was broken when."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["acknowledged", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One write of one client. ``subject`` is what it is about: a name, an id, a number; ``value`` what is to stand there.

    An outcome of ``unknown`` says that the client gave up before it was told; ``ended`` is empty where it did not even
    come to that. ``told`` is the id that it was told.
    """

    op: str
    company: str
    kind: Literal["customer", "note", "order", "invite"]
    subject: str
    value: Any
    began: float
    ended: float | None = None
    outcome: Outcome = "unknown"
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something was broken, and at most ``in_flight`` mails were on their way over what was broken."""

    what: str
    at: float
    in_flight: int


@dataclass(frozen=True, slots=True)
class History:
    asked: tuple[Asked, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass
class Notebook:
    """A file of lines of JSON; each is on the disk before the next thing is done."""

    path: Path
    _number: int = field(default=0)

    def write(self, **line: Any) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps({**line, "at": time.time()}) + "\n")

    def asks(self, **line: Any) -> str:
        """Note what is asked now; returns the name of it."""
        self._number += 1
        op = f"{self.path.stem}-{self._number}"
        self.write(event="asked", op=op, **line)
        return op


def read_history(files: Iterable[Path]) -> History:
    """Everything in the notebooks, in the order in which it was asked."""
    asked: dict[str, dict[str, Any]] = {}
    faults: list[Fault] = []
    for file in sorted(files):
        for line in map(json.loads, file.read_text().splitlines()):
            _read_line(line, asked, faults)
    ordered = sorted((Asked(**values) for values in asked.values()), key=lambda one: one.began)
    return History(tuple(ordered), tuple(sorted(faults, key=lambda one: one.at)))


def _read_line(line: Mapping[str, Any], asked: dict[str, dict[str, Any]], faults: list[Fault]) -> None:
    match line["event"]:
        case "fault":
            faults.append(Fault(line["what"], line["at"], line["in_flight"]))
        case "asked":
            names = ("op", "company", "kind", "subject", "value")
            asked[line["op"]] = {name: line[name] for name in names} | {"began": line["at"]}
        case outcome:
            asked[line["op"]] |= {"outcome": outcome, "ended": line["at"], "told": line.get("told")}
