"""Other people's clients, unchanged, against the running product (``make test-clients``)."""

import json
import os
import re

import pytest

from tests.clients.conftest import NODE, PYTHON, PYTHON_TESTS, last_json

pytestmark = [pytest.mark.clients, pytest.mark.requirement("I1")]
AUDITS = 61
EXAMPLES = os.environ.get("EXAMPLES", "2")  # of each root field
SEED = "20261122"
SOME = """
mutation ($customer: ID!) {
  createTag(input: {name: "Spring fair"}) { userErrors { code } }
  createProduct(input: {number: "1", name: "Chai", currency: "USD"}) { record { id } userErrors { code } }
  createFollowUpPlan(input: {customerId: $customer, dueOn: "2026-12-01"}) { userErrors { code } }
  createServiceRequest(input: {customerId: $customer, kind: COMPLAINT, title: "When?"}) { userErrors { code } }
}"""
ORDER = """
mutation ($order: CreateOrderInput!, $product: ID!) {
  placeOrder(input: {order: $order, lines: [{productId: $product, quantity: "2", unitPrice: "18.5"}]}) {
    record { total } userErrors { path code }
  }
}"""


def test_graphql_over_http_is_spoken_as_graphql_http_audits_it(served, tell):
    results = last_json(served.run("node", NODE / "audits.mjs"))
    wrong = [one for one in results if one["status"] != "ok"]
    tell(f"graphql-http: {len(results) - len(wrong)} of {len(results)} audits hold")
    assert wrong == []
    assert len(results) == AUDITS


@pytest.mark.requirement("I2")
@pytest.mark.parametrize("client", ["apollo", "codegen", "graphql-ws", "relay", "urql"])
def test_clients_of_browsers(served, tell, client):
    passed = served.run_node_tests(f"{client}.test.mjs")
    tell(f"{client}: {passed} tests passed")


@pytest.mark.parametrize("client", ["answers", "gql"])
def test_clients_of_python(served, tell, client):
    said = served.run_python_tests(f"client_{client}.py")
    tell(f"{client}: {said}")


def test_requests_that_schemathesis_makes_up(served, tell, tmp_path):
    """Valid ones and wrong ones, of every root field, against a company that has a record of the commonest kinds."""
    fill(served.api)
    said = served.run(
        *(PYTHON, "-m", "schemathesis.cli", "run", f"{served.url}/graphql"),
        *(
            "--header",
            f"authorization: Bearer {served.key}",
            "--phases",
            "fuzzing",
            "--max-examples",
            EXAMPLES,
        ),
        *(
            "--seed",
            SEED,
            "--checks",
            "answers_are_right,negative_data_rejection",
            "--continue-on-failure",
            "--no-shrink",
        ),
        cwd=tmp_path,
        seconds=600,
        SCHEMATHESIS_HOOKS="fuzzing",
        PYTHONPATH=str(PYTHON_TESTS),
        KEDANG_CLIENTS_COUNTS=str(tmp_path / "counts.json"),
    )
    roots = served.api.ask("{ __schema { queryType { fields { name } } mutationType { fields { name } } } }")[
        "__schema"
    ]
    fields = sum(len(root["fields"]) for root in roots.values())
    assert f"Operations:       {fields} selected / {fields} total" in said
    (made,) = re.findall(r"(\d+) generated, \1 passed", said)
    counts = json.loads((tmp_path / "counts.json").read_text())
    tell(f"schemathesis: {made} requests to {fields} root fields, {counts['with data']} answered with data")
    assert int(made) > fields
    assert counts["with data"] > int(made) / 4


def fill(api) -> None:
    (customer,) = api.ask("{ customers(first: 1) { nodes { id } } }")["customers"]["nodes"]
    made = api.ask(SOME, customer=customer["id"])
    assert [payload["userErrors"] for payload in made.values()] == [[]] * 4
    order = {"customerId": customer["id"], "number": "1", "orderedOn": "2026-03-02", "currency": "USD"}
    placed = api.change(ORDER, order=order, product=made["createProduct"]["record"]["id"])
    assert placed["record"] == {"total": 3700}
