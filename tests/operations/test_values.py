"""Nothing that somebody sent is found in what is kept, told or logged of operations (a canary in every place)."""

import logging
from uuid import uuid4

import orjson
import pytest

from tests.operations.conftest import OPERATIONS, another_gateway, make_house
from tests.support.logs import lines

pytestmark = pytest.mark.requirement("O3")

CANARY = "Zitronenfalter"
TOKEN = "a token for the metrics of tests"


async def test_no_value_is_kept_told_or_logged(databases, database_settings, company, caplog):
    caplog.set_level(logging.DEBUG)
    number = 918_273_645
    async with another_gateway(
        databases, database_settings, slow_sql_seconds=0.000001, metrics_token=TOKEN
    ) as gateway:
        house = await make_house(gateway, company)
        member = house.owner.id.hex
        asked = [
            (f'query A {{ customers(where: {{name: {{eq: "{CANARY}1"}}}}) {{ nodes {{ name }} }} }}', {}),
            (f'query B {{ {CANARY}2: customers(where: {{search: "{CANARY}3"}}) {{ totalCount }} }} # {CANARY}4', {}),
            (f'query C {{ customers(where: {{address: {{contains: """{CANARY}5"""}}}}) {{ totalCount }} }}', {}),
            ("query D($n: String) { customers(where: {name: {startsWith: $n}}) { nodes { id } } }", {"n": f"{CANARY}6"}),
            (f'query E($n: String = "{CANARY}7") {{ customers(where: {{name: {{eq: $n}}}}) {{ totalCount }} }}', {}),
            (f"query F {{ orders(where: {{total: {{gt: {number}}}}}) {{ totalCount }} }}", {}),
            (f'query G {{ node(id: "cus_{uuid4().hex}") {{ id }} customer(id: "cus_{member}") {{ id }} }}', {}),
            (
                f'mutation H {{ createCustomer(input: {{name: "{CANARY}8", phone: "{CANARY}9"}}) {{ userErrors {{ code }} }} }}',
                {},
            ),
            (
                "mutation I($i: [CreateCustomerInput!]!) { createCustomers(inputs: $i) { userErrors { code } } }",
                {"i": [{"name": f"{CANARY}10"}, {"name": f"{CANARY}11"}]},
            ),
            (f'query J {{ nosuch(name: "{CANARY}12") }}', {}),
            (f'query K {{ broken "{CANARY}13', {}),
            (f'query L {{ callLookup(number: "0301234{CANARY}") {{ matches {{ phone }} }} }}', {}),
            (f'mutation M {{ signIn(input: {{email: "{CANARY}14", password: "{CANARY}15"}}) {{ userErrors {{ code }} }} }}', {}),
            (f'mutation N {{ createCustomer(input: {{name: "", phone: "{CANARY}16"}}) {{ userErrors {{ code: message }} }} }}', {}),
            (f'mutation O {{ createCustomer(input: {{name: "{CANARY}17"}}) {{ userErrors: record {{ code: name }} }} }}', {}),
            # Where any JSON may stand, words without quotes are values and keys of the client's own.
            (f'mutation P {{ createCustomer(input: {{name: "P", customFields: {{nick: {CANARY}18}}}}) {{ userErrors {{ code }} }} }}', {}),
            (f'mutation Q {{ createCustomer(input: {{name: "Q", customFields: {{{CANARY}19: [{CANARY}20]}}}}) {{ userErrors {{ code }} }} }}', {}),
            (f'query R {{ customers(where: {{custom: [{{key: "nick", eq: {CANARY}21}}]}}) {{ totalCount }} }}', {}),
        ]  # fmt: skip
        for query, variables in asked:
            await house.ask(query, variables)
        await house.flush()
        for row in await house.rows("measured_operation"):
            gateway.services.measurer._explained.clear()
            assert row["name"] is None or row["name"] in "ABCDEFGHIJKLMNOPQR"
        told = (await house.ask(OPERATIONS)).http.text
        metrics = (await house.ask.http.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).text
    kept = [
        orjson.dumps(row, default=str).decode()
        for table in ("measured_operation", "measured_hour", "measured_statement")
        for row in await house.rows(table)
    ]
    assert len(kept) > 30
    assert sum(row["slowest"] is not None for row in await house.rows("measured_operation")) >= 8
    for place in (*kept, told, metrics, *map(str, lines(caplog))):
        for planted in (CANARY, CANARY.lower(), str(number), member):
            assert planted not in place, place
    assert "kedang_operations_total" in metrics
    for known in (company.ref.schema, company.id.hex, str(company.id), "query A", 'name="A"'):
        assert known not in metrics
