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
