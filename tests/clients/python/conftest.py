"""The gateway under test, as tests/clients/conftest.py tells it to a client's process."""

import os
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Address:
    url: str
    headers: dict[str, str]

    @property
    def live(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws"


@pytest.fixture(scope="session")
def address() -> Address:
    key = os.environ["KEDANG_CLIENTS_KEY"]
    return Address(os.environ["KEDANG_CLIENTS_URL"], {"authorization": f"Bearer {key}"})
