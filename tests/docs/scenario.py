"""A page of the guide executed from top to bottom against the real gateway, as an integrator would.

What a page is made of:

- ``graphql``: sent by POST, with the ``json variables`` that follow and the headers of an ``http`` block before it.
- ``json answer``: what that answers, whole; ``json answer 429`` with the status where it is not 200.
- ``sh`` and ``python``: run in a folder of the page, with KEDANG_URL and KEDANG_KEY; ``text output`` or ``json
  output`` or ``jsonl output`` is what they print. ``python verify.py`` is only written there, ``jsonl customers.jsonl`` is a file there.
- ``json delivery``: the body of the last webhook that the integrator's system got.
- notes: ``as`` who asks, ``jobs`` what is due is done, ``working`` it is done while the next program runs,
  ``spent`` the bucket is emptied, ``varies`` keys of the next answer
  whose values differ each time, ``told`` the webhook's receiver answers with this status from now on.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.docs.matching import Known, printed
from tests.docs.northwind import Northwind
from tests.docs.pages import Part, parts

HOOK = "https://erp.example/kedang"
MODERN = "application/graphql-response+json"
FILLING = bool(os.environ.get("KEDANG_FILL_GUIDE"))  # writes what is answered into the pages, to be read then


@dataclass
class Scenario:
    """One page while it is executed."""

    shop: Northwind
    folder: Path
    page: str
    who: str = "owner"
    headers: dict[str, str] = field(default_factory=dict)
    varying: frozenset[str] = frozenset()
    known: Known = field(default_factory=Known)
    document: str | None = None
    variables: Any = None
    output: str = ""
    fillings: list[tuple[Part, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    executed: int = 0
    working: asyncio.Task[None] | None = None

    async def play(self) -> None:
        """Execute the page; AssertionError tells all differences by their line."""
        found = parts(self.page)
        for n, part in enumerate(found):
            following = next((p for p in found[n + 1 :] if not p.kind.endswith(":")), None)
            await self._step(part, following)
        assert not self.wrong, "\n".join(self.wrong)

    async def _step(self, part: Part, following: Part | None) -> None:
        kind, _, rest = part.kind.partition(" ")
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            "json answer": lambda: self._answer(part, rest.removeprefix("answer").strip()),
            "json output": lambda: self._printed(part),
            "jsonl output": lambda: self._printed_lines(part),
            "text output": lambda: self._printed(part),
            "json delivery": lambda: self._delivery(part),
            "jobs:": self.shop.work,
            "working:": self._begin_work,
            "spent:": lambda: self.shop.spend(self.who),
        }
        whole = " ".join(part.kind.split()[:2])
        if whole in steps:
            await steps[whole]()
        elif part.kind == "as:":
            self.who = part.text
        elif part.kind == "varies:":
            self.varying = frozenset(part.text.split(", "))
        elif part.kind == "told:":
            self.shop.receiver.status = int(part.text)
        elif part.kind == "http":
            self.headers = dict(line.split(": ", 1) for line in part.text.splitlines())
        elif part.kind == "graphql":
            assert following is not None
            assert following.kind.startswith(("json variables", "json answer")), (
                f"line {part.line}: no answer"
            )
            self.document, self.variables = part.text, None
        elif part.kind == "json variables":
            self.variables = json.loads(self._real(part.text))
        elif rest and kind in {"python", "js", "jsonl"}:
            (self.folder / rest).write_text(part.text)
        elif kind in {"sh", "python"}:
            await self._run(part, kind)
        else:
            raise AssertionError(f"line {part.line}: nobody knows what to do with {part.kind!r}")

    def _real(self, text: str) -> str:
        return self.known.full(text).replace(HOOK, self.shop.receiver.url)

    async def _answer(self, part: Part, status: str) -> None:
        assert self.document is not None, f"line {part.line}: an answer to nothing"
        headers = {"accept": MODERN, **(await self.shop.credential(self.who)), **self.headers}
        body = {"query": self._real(self.document), "variables": self.variables or {}}
        async with httpx.AsyncClient(base_url=self.shop.url, timeout=30) as client:
            answer = await client.post("/graphql", json=body, headers=headers)
        self.document, self.headers = None, {}
        self._compare(part, answer.json())
        if answer.status_code != int(status or 200):
            self.wrong.append(f"line {part.line}: the status is {answer.status_code}")

    async def _run(self, part: Part, kind: str) -> None:
        script = self._real(part.text)
        command = ["bash", "-euc", script] if kind == "sh" else [sys.executable, "-c", script]
        key = (await self.shop.credential(self.who)).get("authorization", "").removeprefix("Bearer ")
        running = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env=os.environ
            | {
                "KEDANG_URL": self.shop.url,
                "KEDANG_KEY": key,
                "PYTHONPATH": str(self.folder),
                "no_proxy": "*",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await running.communicate()
        await self._end_work()
        self.output = out.decode()
        self.executed += 1
        if running.returncode:
            self.wrong.append(f"line {part.line}: ended with {running.returncode}\n{err.decode()}")

    async def _begin_work(self) -> None:
        async def work() -> None:
            while True:
                await self.shop.work()
                await asyncio.sleep(0.05)

        self.working = asyncio.create_task(work())

    async def _end_work(self) -> None:
        if self.working is not None:
            self.working.cancel()
            await asyncio.wait([self.working])
            self.working = None

    async def _printed(self, part: Part) -> None:
        if part.kind.startswith("json"):
            self._compare(part, json.loads(self.output))
            return
        printed = [self._real(line) for line in part.text.splitlines()]
        if FILLING:
            self.fillings.append((part, self._shown(self.output)))
        elif (told := self.output.splitlines()) != printed:
            self.wrong.append(f"line {part.line}: printed {told}, shown {printed}")

    async def _printed_lines(self, part: Part) -> None:
        self._compare(part, [json.loads(line) for line in self.output.splitlines()], by_line=True)

    async def _delivery(self, part: Part) -> None:
        assert self.shop.receiver.got, f"line {part.line}: nothing was delivered"
        self._compare(part, self.shop.receiver.got[-1].json)

    def _compare(self, part: Part, found: Any, *, by_line: bool = False) -> None:
        self.executed += 1
        found = json.loads(json.dumps(found, ensure_ascii=False).replace(self.shop.receiver.url, HOOK))
        shown = [json.loads(line) for line in part.text.splitlines()] if by_line else json.loads(part.text)
        wrong = self.known.differences(shown, found, varying=self.varying)
        if FILLING and wrong:
            told = self.known.shortened(found)
            lines = [json.dumps(line, ensure_ascii=False) for line in told] if by_line else [printed(told)]
            self.fillings.append((part, "\n".join(lines)))
            return
        for difference in wrong:
            self.wrong.append(f"line {part.line}: {difference}")
        self.varying = frozenset()

    def _shown(self, text: str) -> str:
        for name, value in self.known.values.items():
            text = text.replace(value, name)
        return text.rstrip("\n")

    def filled(self) -> str:
        """The page with what was answered."""
        page = self.page
        for part, text in reversed(self.fillings):
            page = page[: part.start] + text + "\n" + page[part.end :]
        return page
