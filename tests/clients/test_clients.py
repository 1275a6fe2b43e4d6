"""Other people's clients, unchanged, against the running product (``make test-clients``)."""

import pytest

from tests.clients.conftest import NODE, last_json

pytestmark = [pytest.mark.clients, pytest.mark.requirement("I1")]
AUDITS = 61


def test_graphql_over_http_is_spoken_as_graphql_http_audits_it(served, tell):
    results = last_json(served.run("node", NODE / "audits.mjs"))
    wrong = [one for one in results if one["status"] != "ok"]
    tell(f"graphql-http: {len(results) - len(wrong)} of {len(results)} audits hold")
    assert wrong == []
    assert len(results) == AUDITS


@pytest.mark.parametrize("client", ["apollo", "relay", "urql"])
def test_clients_of_browsers(served, tell, client):
    passed = served.run_node_tests(f"{client}.test.mjs")
    tell(f"{client}: {passed} tests passed")


@pytest.mark.parametrize("client", ["gql"])
def test_clients_of_python(served, tell, client):
    said = served.run_python_tests(f"client_{client}.py")
    tell(f"{client}: {said}")
