"""The product as `kedang up` starts it, a company with Northwind's customers in it, and clients in processes of their own."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kedang_platform.embedded import free_port
from kedang_workers.demo.client import Api
from kedang_workers.demo.data import load_northwind
from tests.cli.test_up import Installation

HERE = Path(__file__).parent
NODE, PYTHON_TESTS = HERE / "node", HERE / "python"
PYTHON = HERE.parents[1] / ".venv-clients" / "bin" / "python"
OWNER = "andrew.fuller@northwind.example"
SECRET = "known to the provider and to the product"
PLENTY = str(10**9)  # points: no client is throttled here

_COUNT = re.compile(r"^# (tests|pass) (\d+)$", re.MULTILINE)
SIGN_UP = "mutation ($input: SignUpInput!) { signUp(input: $input) { userErrors { path code } } }"
CONFIRM = "mutation ($token: String!) { confirmEmail(input: {token: $token}) { userErrors { path code } } }"
MAKE_KEY = """
mutation { createApiKey(input: {name: "Clients", scopes: [READ, WRITE]}) { secret userErrors { path code } } }"""
CREATE = """
mutation ($inputs: [CreateCustomerInput!]!) {
  createCustomers(inputs: $inputs) { records { id name } userErrors { path code } }
}"""


@dataclass(frozen=True)
class Served:
    """Where the product answers, and an API key of the owner of a company with 91 customers."""

    url: str
    key: str
    api: Api

    def run(self, *command: str | Path, cwd: Path = HERE, seconds: float = 60, **environment: str) -> str:
        """What a client's process says; fails the test with all of it when the process fails."""
        told = {"KEDANG_CLIENTS_URL": f"{self.url}/graphql", "KEDANG_CLIENTS_KEY": self.key}
        done = subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | told | environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run_node_tests(self, name: str) -> int:
        """How many of Node's own tests in a file passed: all of them."""
        said = self.run("node", "--test", "--test-reporter=tap", NODE / name)
        counts = {what: int(number) for what, number in _COUNT.findall(said)}
        assert counts["pass"] == counts["tests"] > 0, said
        return counts["pass"]

    def run_python_tests(self, name: str) -> str:
        """What pytest says at its end in the environment of the clients; all tests in the file passed."""
        command = [PYTHON, "-m", "pytest", "-q", "-c", PYTHON_TESTS / "pytest.ini", PYTHON_TESTS / name]
        return self.run(*command, cwd=PYTHON_TESTS).splitlines()[-1]


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """One installation for all clients: they read the same customers and change only what they create."""
    folder = Path(tempfile.mkdtemp(prefix="kedang-clients-"))
    folder.chmod(0o755)  # the servers' account has to pass
    provider_port = free_port()
    installation = Installation(
        folder,
        KEDANG_COST_POINTS=PLENTY,
        KEDANG_COST_POINTS_PER_SECOND=PLENTY,
        KEDANG_OPENID_PROVIDERS=_providers(provider_port),
    )
    provider = _openid_provider(
        provider_port, back=f"http://127.0.0.1:{installation.port}/sign-in/with/npm/back"
    )
    try:
        installation.up()
        api = Api(f"http://127.0.0.1:{installation.port}")
        api.key = _sign_up(api)
        _fill(api)
        yield Served(api.base_url, api.key, api)
        api.close()
    finally:
        provider.terminate()
        provider.wait(timeout=30)
        installation.run("down")
        installation.clean_up()
        shutil.rmtree(folder)


def _providers(port: int) -> str:
    """The setting that names the provider of npm, as an operator writes it."""
    issuer = f"http://127.0.0.1:{port}"
    given = {"key": "npm", "name": "Npm", "issuer": issuer, "client_id": "kedang", "client_secret": SECRET}
    return json.dumps([given])


def _openid_provider(port: int, *, back: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PORT": str(port), "REDIRECT": back, "SECRET": SECRET}
    return subprocess.Popen(
        ["node", NODE / "openid-provider.mjs"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def tell(capsys):
    """Prints a line that is seen also where tests pass."""

    def told(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {line}", end=" ", flush=True)  # noqa: T201 - what was audited belongs into the log of CI

    return told


def _sign_up(api: Api) -> str:
    wish = {
        "email": OWNER,
        "password": "vier Pferde im Regen",
        "name": "Andrew Fuller",
        "companyName": "Northwind Traders",
        "country": "US",
        "language": "en",
        "timeZone": "America/New_York",
        "currency": "USD",
    }
    api.change(SIGN_UP, input=wish)
    api.change(CONFIRM, token=api.token_mailed_to(OWNER))
    return str(api.change(MAKE_KEY)["secret"])


def _fill(api: Api) -> None:
    """Northwind's 91 customers, each with the person to talk to."""
    customers = [
        {
            "number": row["customer_id"],
            "name": row["company_name"],
            "city": row["city"],
            "contacts": [{"name": row["contact_name"]}],
        }
        for row in load_northwind().customers
    ]
    api.change(CREATE, inputs=customers)


def last_json(said: str) -> object:
    return json.loads(said.splitlines()[-1])
