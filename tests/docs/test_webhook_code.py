"""The code by which an integrator verifies webhooks, run on what the product really sends."""

import importlib.util
import json
from types import ModuleType

import pytest

from tests.docs.pages import GUIDE
from tests.docs.scenario import Scenario

pytestmark = pytest.mark.requirement("I1")
SECRET, NEXT_SECRET = "whsec_…1", "whsec_…2"


@pytest.fixture
async def played(northwind, tmp_path) -> Scenario:
    """The page about webhooks, after which everything was delivered that it asks for."""
    scenario = Scenario(northwind, tmp_path, (GUIDE / "webhooks.md").read_text())
    await scenario.play()
    return scenario


async def test_the_code_in_python_believes_what_we_sent_and_nothing_else(played):
    verify = _module(played).verify
    secret = played.known.values[SECRET]
    delivered = played.shop.receiver.got
    assert [one.json["type"] for one in delivered] == ["webhook.test", "customer.updated"]
    for one in delivered:
        assert verify(secret, one.headers, one.body) == one.json
    call = delivered[-1]
    late = {**call.headers, "webhook-timestamp": str(int(call.headers["webhook-timestamp"]) - 400)}
    for headers, body in (
        (call.headers, call.body.replace(b"Cowes", b"Dover")),
        (call.headers | {"webhook-id": delivered[0].headers["webhook-id"]}, call.body),
        (call.headers | {"webhook-signature": "v1,"}, call.body),
        (late, call.body),
    ):
        with pytest.raises(ValueError, match=r"too old|not signed"):
            verify(secret, headers, body)


async def test_for_a_day_either_secret_verifies(played):
    verify = _module(played).verify
    await played.shop.work()  # what the page sends again goes out after the secret was changed
    call = played.shop.receiver.got[-1]
    assert len(played.shop.receiver.got) == 3
    for name in (SECRET, NEXT_SECRET):
        assert verify(played.known.values[name], call.headers, call.body) == call.json
    assert json.loads(call.body)["type"] == "customer.updated"


def _module(played: Scenario) -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify", played.folder / "verify.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
