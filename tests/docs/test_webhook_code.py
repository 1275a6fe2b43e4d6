"""The code by which an integrator verifies webhooks, run on what the product really sends."""

import asyncio
import importlib.util
import json
from base64 import b64encode
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
    *delivered, foreign = played.shop.receiver.got
    assert [one.json["type"] for one in delivered] == ["webhook.test", "customer.updated"]
    for one in delivered:
        assert verify(secret, one.headers, one.body) == one.json
    assert foreign.json["type"] == "order.updated"  # of another webhook, which has a secret of its own
    call = delivered[-1]
    late = {**call.headers, "webhook-timestamp": str(int(call.headers["webhook-timestamp"]) - 400)}
    for headers, body in (
        (call.headers, call.body.replace(b"Cowes", b"Dover")),
        (call.headers | {"webhook-id": delivered[0].headers["webhook-id"]}, call.body),
        (call.headers | {"webhook-signature": "v1,"}, call.body),
        (late, call.body),
        (foreign.headers, foreign.body),
    ):
        with pytest.raises(ValueError, match=r"too old|not signed"):
            verify(secret, headers, body)
    await played.shop.work()  # what the page sends again goes out after the secret was changed
    again = played.shop.receiver.got[-1]
    assert (again.headers["webhook-id"], again.body) == (call.headers["webhook-id"], call.body)
    for name in (SECRET, NEXT_SECRET):  # for a day either verifies
        assert verify(played.known.values[name], again.headers, again.body) == call.json


CHECK = """
import { readFileSync } from "node:fs";
import { verify } from "./verify.mjs";
const [secret, calls] = JSON.parse(readFileSync("calls.json", "utf8"));
const told = calls.map(({ headers, body }) => {
  try {
    return verify(secret, headers, Buffer.from(body, "base64"));
  } catch (error) {
    return error.message;
  }
});
console.log(JSON.stringify(told));
"""


@pytest.mark.clients
async def test_the_code_in_node_believes_what_we_sent_and_nothing_else(played):
    call, last = played.shop.receiver.got[1:]
    late = {**call.headers, "webhook-timestamp": str(int(call.headers["webhook-timestamp"]) - 400)}
    asked = (
        (call.headers, call.body),
        (call.headers, call.body.replace(b"Cowes", b"Dover")),
        (call.headers | {"webhook-signature": "v1,"}, call.body),
        (late, call.body),
        (last.headers, last.body),
    )
    calls = [{"headers": dict(headers), "body": b64encode(body).decode()} for headers, body in asked]
    (played.folder / "calls.json").write_text(json.dumps([played.known.values[SECRET], calls]))
    (played.folder / "check.mjs").write_text(CHECK)
    running = await asyncio.create_subprocess_exec(
        "node", "check.mjs", cwd=played.folder, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await running.communicate()
    refused = "not signed with this secret"
    assert json.loads(out) == [call.json, refused, refused, "too old", refused]


def _module(played: Scenario) -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify", played.folder / "verify.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
