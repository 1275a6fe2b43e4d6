"""Whatever is asked, the API answers as the naive reader does: every row in memory, field by field."""

import os
from dataclasses import replace
from random import Random, SystemRandom
from typing import Any

import orjson
import pytest

from kedang_graphql.schema import build_gateway
from tests.reading.documents import Document, Writer
from tests.reading.population import Population, populate
from tests.support.factories import Factory
from tests.support.members import make_key
from tests.support.reference_reader import CURSOR, Reader
from tests.support.reference_schema import Reference
from tests.support.telling import say

DOCUMENTS = int(os.environ.get("KEDANG_TEST_DOCUMENTS", "500"))
TOO_LARGE = {"DOCUMENT_TOO_LARGE", "QUERY_TOO_LARGE"}


def seed() -> int:
    """The same in every build, so that a red one is the change's; ``KEDANG_TEST_SEED=random`` explores, a number repeats."""
    wanted = os.environ.get("KEDANG_TEST_SEED", "1997")
    return SystemRandom().randrange(10**9) if wanted == "random" else int(wanted)


class Comparison:
    """One viewer's answers beside the reference's."""

    def __init__(self, writer: Writer, reader: Reader, reference: Reference, ask: Any) -> None:
        self.writer = writer
        self.reader = reader
        self.reference = reference
        self.ask = ask
        self.with_data = self.with_errors = self.too_large = 0

    async def compare(self, document: Document) -> None:
        text, variables = document.for_api()
        expected = self.reference.answer(self.reader, document.text, document.variables, document.operation)
        body = {"query": text, "variables": variables, "operationName": document.operation}
        got = await self.ask.http.post("/graphql", json=body)
        answer = got.json() if "json" in got.headers["content-type"] else {"data": got.text}
        if {error["extensions"]["code"] for error in answer.get("errors", ())} & TOO_LARGE:
            self.too_large += 1
            return
        if document.replaced:
            answer = _as_read(answer)
        self._check(document, expected, answer)
        self.with_errors += "errors" in answer
        self.with_data += bool(answer.get("data")) and any(
            value is not None for value in answer["data"].values()
        )

    def _check(self, document: Document, expected: dict[str, Any], answer: dict[str, Any]) -> None:
        told = sorted(((e.get("path"), e["extensions"]["code"]) for e in answer.get("errors", ())), key=repr)
        wanted = sorted(expected.get("errors", ()), key=repr)
        if wanted == [(None, {"GRAPHQL_VALIDATION_FAILED"})]:
            same = told != [] and all(error == (None, "GRAPHQL_VALIDATION_FAILED") for error in told)
        else:
            same = len(told) == len(wanted) and all(
                path == where and code in codes
                for (path, code), (where, codes) in zip(told, wanted, strict=True)
            )
        plain = orjson.loads(orjson.dumps(expected.get("data")))
        if not same or not self._equal(plain, answer.get("data")):
            self._show(document, expected, answer)

    def _equal(self, expected: Any, told: Any) -> bool:
        """Equal as JSON, also in the order of keys; each cursor of the reference is one cursor of the API."""
        if isinstance(expected, str) and expected.startswith(CURSOR):
            record = expected.split("'")[1]
            return self.writer.cursors.setdefault(record, {}).setdefault(expected, told) == told
        if isinstance(expected, dict) and isinstance(told, dict):
            return list(expected) == list(told) and all(self._equal(expected[k], told[k]) for k in expected)
        if isinstance(expected, list) and isinstance(told, list):
            return len(expected) == len(told) and all(
                self._equal(one, other) for one, other in zip(expected, told, strict=True)
            )
        return type(expected) is type(told) and expected == told

    def _show(self, document: Document, expected: Any, answer: Any) -> None:
        text, variables = document.for_api()
        shown = orjson.dumps(expected, default=list, option=orjson.OPT_INDENT_2).decode()
        told = orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode()
        message = f"{text}\n\nvariables: {variables!r}\n\nexpected {shown}\n\ntold {told}"
        pytest.fail(message, pytrace=False)


def asked_again(document: Document, random: Random) -> Document:
    """The same text with other flags: what the gateway remembers of a document must not stick to its variables."""
    flags = {
        name: random.random() < 0.5 for name, value in document.variables.items() if isinstance(value, bool)
    }
    return replace(document, variables={**document.variables, **flags})


def _as_read(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer to a change as if its record had been read: ``r.record`` as ``r``."""
    data = answer.get("data")
    payload = data and data["r"]
    if payload is not None:
        answer["data"] = {"r": payload["record"]}
    for error in answer.get("errors", ()):
        if "path" in error:
            assert error["path"][:2] == ["r", "record"]
            del error["path"][1]
    return answer


@pytest.mark.requirement("I1")
async def test_answers_are_those_of_the_naive_reader(gateway, company, database_superuser_url):
    chosen = seed()
    say(f"KEDANG_TEST_SEED={chosen}")
    random = Random(chosen)
    databases = gateway.services.databases
    population = await populate(Factory(databases, company), random, database_superuser_url)
    comparisons = await compared(gateway, population, random)
    people = list(comparisons)
    for number in range(DOCUMENTS):
        person = people[number % len(people)]
        try:
            writer = comparisons[person].writer
            changed = person == "owner" and number % 2 == 0
            document = writer.after_change() if changed else writer.document()
            await comparisons[person].compare(document)
            if not changed and not document.cursors and number % 3 == 0:
                person = random.choice(people)
                await comparisons[person].compare(asked_again(document, random))
        except BaseException:
            say(f"document {number} of {person!r}")
            raise
    found = comparisons.values()
    assert sum(one.too_large for one in found) < DOCUMENTS / 20
    assert sum(one.with_data for one in found) > DOCUMENTS / 2
    assert sum(one.with_errors for one in found) > DOCUMENTS / 50


async def compared(gateway, population: Population, random: Random) -> dict[str, Comparison]:
    core = build_gateway().core
    reference = Reference.of(core)
    made = {}
    for name, member in population.people.items():
        key = await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
        writer = Writer(random, core, population.company)
        reader = Reader(population.company, population.lookers[name])
        made[name] = Comparison(writer, reader, reference, gateway.client(key))
    return made
