"""A town whose people may sign in with a provider, and the browser that goes there and back."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kedang_platform.clock import SystemClock
from kedang_platform.identity.openid.entering import Departure, Proved, Return, arrive, depart
from kedang_platform.identity.openid.providers import Providers
from kedang_platform.settings import OpenIdProvider
from tests.support.openid_provider import CLIENT, SECRET, TestProvider, running_provider
from tests.support.people import ADDRESS, Town

BACK = "http://127.0.0.1:8400/sign-in/with/acme/back"


@dataclass
class WayIn:
    """Signing in with the provider "acme", step by step."""

    town: Town
    provider: TestProvider

    async def depart(self, **more) -> Departure:
        asked = {"provider_key": "acme", "redirect_uri": BACK, "address": ADDRESS, "language": "en"}
        return await depart(self.town.services, **(asked | more))

    async def visit(self, departure: Departure) -> Return:
        """The browser at the provider, and what stands in the address that it is sent back to."""
        async with httpx.AsyncClient() as http:
            answer = await http.get(departure.address)
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        return Return(
            state=query["state"][0],
            browser=departure.browser,
            code=query["code"][0],
            issuer=query.get("iss", [None])[0],
        )

    async def arrive(self, came: Return, **more) -> Proved:
        return await arrive(
            self.town.services, **({"provider_key": "acme", "redirect_uri": BACK, "came": came} | more)
        )

    async def sign_in(self, **more) -> Proved:
        came = await self.visit(await self.depart(**more))
        return await self.arrive(came, signed_in=more.get("person_id"))

    def configure(self, **differences) -> None:
        """Name the provider to the installation, anew with what differs."""
        given = {
            "key": "acme",
            "name": "Acme",
            "issuer": self.provider.url,
            "client_id": CLIENT,
            "client_secret": SECRET,
        }
        providers = Providers([OpenIdProvider(**(given | differences))])
        object.__setattr__(self.town.services, "openid", providers)


@pytest.fixture(scope="session")
async def acme_running():
    async with running_provider() as provider:
        yield provider


@pytest.fixture
async def way(town, acme_running):
    """The town's clock goes: a provider's tokens are of now."""
    for name, value in vars(TestProvider(acme_running.url)).items():
        setattr(acme_running, name, value)
    object.__setattr__(town.services, "clock", SystemClock())
    way = WayIn(town, acme_running)
    way.configure()
    return way
