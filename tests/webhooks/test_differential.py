"""Whatever a webhook's query asks, its payload is what the API answers to the same document, for everybody."""

import os
from random import Random
from uuid import UUID

import orjson
import pytest

from kedang_graphql.schema import build_gateway
from kedang_graphql.webhook_queries import read_webhook_query
from kedang_platform.errors import KedangError
from kedang_tenants.catalogue import catalogue
from kedang_tenants.people.viewers import load_viewer
from kedang_tenants.webhooks.models import TOLD_RECORDS
from kedang_tenants.webhooks.questions import (
    answer,
    decode_question,
    encode_question,
    ensure_readable,
)
from tests.reading.documents import Writer
from tests.reading.population import populate
from tests.reading.test_differential import seed
from tests.support.factories import Factory
from tests.support.members import make_key
from tests.support.telling import say

DOCUMENTS = int(os.environ.get("KEDANG_TEST_WEBHOOK_DOCUMENTS", "80"))
LIMITS = {"DOCUMENT_TOO_LARGE", "QUERY_TOO_LARGE"}


class QueryWriter(Writer):
    """Writes queries of webhooks: one record by ``$id``, whatever is selected of it."""

    def _begin(self) -> None:
        super()._begin()
        self.declared = ["$id: ID!"] * 25  # so many that no other variable is declared
        self.nodes_left = 400

    def query(self) -> tuple[str, str]:
        """A document, and the id of a record that it may be asked of."""
        self._begin()
        record = catalogue().record(self.random.choice(TOLD_RECORDS))
        selected = self._record(record, 1, 0)
        one = record.api_name[0].lower() + record.api_name[1:]
        root = f"r: {one}(id: $id) {{ {selected} }}"
        if self.chance(0.3):
            root = f"node(id: $id) {{ __typename ... on {record.api_name} {{ {selected} }} }}"
        fragments = [text for known in self.fragments.values() for _, text in known]
        wanted = f"{record.prefix}_{self.random.choice(list(self.company.of(record))).hex}"
        return "\n".join([f"query ($id: ID!) {{ {root} }}", *fragments]), wanted


async def told(databases, viewer, text: str, public: str):
    """Data and masks as a webhook would tell them; the code of what is wrong with the query."""
    record = catalogue().by_prefix(public[:3])
    try:
        question = read_webhook_query(build_gateway().core, viewer, text)
        async with databases.tenant_read(viewer.company) as read:
            await ensure_readable(read, viewer, question)
    except KedangError as error:
        return error.code
    question = decode_question(encode_question(question))
    async with databases.tenant_read(viewer.company) as read:
        found = await answer(read, viewer, question, record=record, record_id=UUID(hex=public[4:]))
    if found.error is not None:
        return found.error
    return {"data": orjson.loads(orjson.dumps(found.payload)), "masked": list(found.masked)}


@pytest.mark.requirement("I1", "A11")
async def test_payloads_are_what_the_api_answers(gateway, company, database_superuser_url):
    chosen = seed()
    say(f"KEDANG_TEST_SEED={chosen}")
    random = Random(chosen)
    databases = gateway.services.databases
    population = await populate(Factory(databases, company), random, database_superuser_url)
    people = {}
    for name, member in population.people.items():
        key = await make_key(databases, member, key=gateway.services.identity.key)
        async with databases.tenant_read(company.ref) as read:
            people[name] = (
                await load_viewer(read, company=company, member_id=member.id),
                gateway.client(key),
            )
    writer = QueryWriter(random, build_gateway().core, population.company)
    compared = masked = nothing = refused = 0
    for number in range(DOCUMENTS):
        viewer, client = people[random.choice(list(people))]
        text, public = writer.query()
        ours = await told(databases, viewer, text, public)
        api = await client(text, {"id": public})
        where = f"document {number}: {text} of {public}"
        if isinstance(ours, str):
            assert ours in {*LIMITS, *api.codes}, (where, ours, api.body)
            refused += 1
            continue
        assert not api.errors, (where, api.body)
        assert ours["data"] == api.data, where
        if any(value is not None for value in api.data.values()):
            assert orjson.dumps(ours["data"]) == orjson.dumps(api.data), where  # in the same order
        assert ours["masked"] == api.masked, where
        compared += 1
        masked += bool(api.masked)
        nothing += api.data == {next(iter(api.data)): None}
    assert compared > DOCUMENTS * 0.8, (compared, refused)
    assert masked > DOCUMENTS / 10
    assert nothing > 0  # out of sight
    assert compared - nothing > DOCUMENTS / 4
