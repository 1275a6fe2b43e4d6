"""Integrators of a company who write all the time, and write down what they asked and what they were told."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from tests.faults.history import Notebook
from tests.faults.judging import LINES

CUSTOMER = """mutation ($input: CreateCustomerInput!) {
  answer: createCustomer(input: $input) { record { id } userErrors { code path } } }"""
NOTE = """mutation ($input: UpdateCustomerInput!) {
  answer: updateCustomer(input: $input) { record { id } userErrors { code path } } }"""
ORDER = """mutation ($input: PlaceOrderInput!) {
  answer: placeOrder(input: $input) { record { id } userErrors { code path } } }"""
INVITE = """mutation ($input: InviteToSurveyInput!) {
  answer: inviteToSurvey(input: $input) { record: job { id } userErrors { code path } } }"""
PASSING = frozenset({"DATABASE_UNAVAILABLE", "DATABASE_BUSY", "STATEMENT_TIMEOUT", "IDEMPOTENCY_IN_PROGRESS"})
"""Errors that say: ask again. Whoever is told another one has met a bug."""
_PATIENCE_SECONDS = 90.0
_PAUSE_SECONDS = 0.2


def hexed(public_id: str) -> str:
    """The id as the database has it."""
    return public_id.rpartition("_")[2]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a write. ``outcome`` as in the history; ``record_id`` is public."""

    outcome: str
    record_id: str | None = None


@dataclass
class Writer:
    """Asks for writes of one company over whatever gateway there is."""

    company: str
    bearer: str
    urls: Callable[[], list[str]]
    notebook: Notebook
    chance: random.Random
    patient: bool = True
    surprises: Counter[str] = field(default_factory=Counter)

    async def write(
        self, http: httpx.AsyncClient, query: str, given: Mapping[str, Any], **noted: Any
    ) -> Told:
        """Ask, again and again under one key unless impatient, and note the outcome."""
        op = self.notebook.asks(company=self.company, **noted)
        told = await self._ask(http, query, given, key=uuid.UUID(int=self.chance.getrandbits(128)).hex)
        record_id = hexed(told.record_id) if told.record_id else None
        self.notebook.write(event=told.outcome, op=op, told=record_id)
        return told

    async def _ask(self, http: httpx.AsyncClient, query: str, given: Mapping[str, Any], *, key: str) -> Told:
        headers = {"authorization": f"Bearer {self.bearer}", "content-type": "application/json"}
        headers |= {"accept": "application/json"}
        if self.patient:
            headers["idempotency-key"] = key
        body = orjson.dumps({"query": query, "variables": {"input": given}})
        until = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            url = self.chance.choice(self.urls())
            try:
                answer = await http.post(f"{url}/graphql", content=body, headers=headers)
                told = self._understood(answer)
            except httpx.HTTPError:
                told = None
            if told is not None:
                return told
            if not self.patient or asyncio.get_running_loop().time() > until:
                return Told("unknown")
            await asyncio.sleep(_PAUSE_SECONDS)

    def _understood(self, answer: httpx.Response) -> Told | None:
        """None where the answer says nothing about what became of the write."""
        try:
            body = answer.json()
        except ValueError:
            self.surprises[f"HTTP {answer.status_code}"] += answer.status_code < 500
            return None
        for error in body.get("errors", ()):
            code = error.get("extensions", {}).get("code", "?")
            if code not in PASSING:
                self.surprises[code] += 1
        payload = (body.get("data") or {}).get("answer")
        if payload is None or (payload["record"] is None and body.get("errors")):
            return None  # what was written was undone with what could not be read
        if payload["userErrors"]:
            code = payload["userErrors"][0]["code"]
            if code in PASSING:
                return None
            self.surprises[code] += 1
            return Told("refused")
        return Told("acknowledged", payload["record"]["id"])


@dataclass
class Client(Writer):
    """Writes customers, notes on its own customers, and orders, one after the other."""

    product: str = ""
    _mine: list[str] = field(default_factory=list)
    _number: int = 0
    pause: float = 0.05

    async def run(self, stop: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=20) as http:
            while not stop.is_set():
                await self._one(http)
                await asyncio.sleep(self.pause)

    async def once(self) -> bool:
        """A single customer; whether it was acknowledged."""
        async with httpx.AsyncClient(timeout=5) as http:
            return await self._customer(http)

    async def _one(self, http: httpx.AsyncClient) -> None:
        draw = self.chance.random()
        if not self._mine or draw < 0.4:
            await self._customer(http)
        elif draw < 0.8:
            await self._note(http)
        else:
            await self._order(http)

    async def _customer(self, http: httpx.AsyncClient) -> bool:
        name = self._next("customer")
        told = await self.write(http, CUSTOMER, {"name": name}, kind="customer", subject=name, value=None)
        if told.record_id is not None:
            self._mine.append(told.record_id)
        return told.outcome == "acknowledged"

    async def _note(self, http: httpx.AsyncClient) -> None:
        customer, note = self.chance.choice(self._mine), self._next("note")
        given = {"id": customer, "note": note}
        await self.write(http, NOTE, given, kind="note", subject=hexed(customer), value=note)

    async def _order(self, http: httpx.AsyncClient) -> None:
        number = self._next("order")
        order = {"number": number, "customerId": self.chance.choice(self._mine), "orderedOn": "2026-03-02"}
        line = {"productId": self.product, "quantity": "2", "unitPrice": "3.5"}
        given = {"order": order, "lines": [line] * LINES}
        await self.write(http, ORDER, given, kind="order", subject=number, value=None)

    def _next(self, what: str) -> str:
        self._number += 1
        return f"{what} {self._number} of {self.notebook.path.stem}"


@asynccontextmanager
async def writing(clients: list[Client]):
    """The clients write as long as the block lasts, and end what they have begun."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(client.run(stop)) for client in clients]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)
