"""What those who belong to a suspended company are told, at once and everywhere (O2)."""

import asyncio

import pytest

from kedang_platform.clock import SystemClock
from kedang_platform.identity.errors import WrongCredentials
from kedang_platform.identity.signing_in import SignedIn, sign_in
from kedang_platform.registry import CompanySuspended
from kedang_tenants.people.suspending import resume_company, suspend_company
from tests.support.members import make_key, make_member
from tests.support.people import ADDRESS, FULLER, PASSWORD

pytestmark = pytest.mark.requirement("O2", "T5")

_ASKED = "{ customers(first: 1) { nodes { id } } }"


async def test_signing_in_is_refused_only_to_who_knows_the_password(town):
    owner = await town.open()
    who = {"email": FULLER.email, "address": ADDRESS}
    about = {"company_id": owner.company.id, "operator": "wei", "clock": town.clock}
    await suspend_company(town.databases, reason="Unpaid", **about)
    town.services.credentials.forget()
    assert await town.services.credentials.identify(bearer=None, cookie=owner.token) is None
    with pytest.raises(CompanySuspended):
        await sign_in(town.services, password=PASSWORD, **who)
    with pytest.raises(WrongCredentials):
        await sign_in(town.services, password="drei Pferde im Regen", **who)
    assert await town.rows("session") == []
    await resume_company(town.databases, **about)
    assert isinstance(await sign_in(town.services, password=PASSWORD, **who), SignedIn)


async def test_a_key_is_refused_at_once_though_it_was_remembered_and_works_again_afterwards(
    gateway, databases, company
):
    member = await make_member(databases, company, "OWNER")
    client = gateway.client(bearer=await make_key(databases, member, key=gateway.services.identity.key))
    assert (await client(_ASKED)).data is not None
    about = {"company_id": company.id, "operator": "wei", "clock": SystemClock()}
    await suspend_company(databases, reason="Unpaid", **about)
    for _ in range(100):  # the announcement is on its way; without it, the answer would be 5 seconds old
        answer = await client(_ASKED)
        if answer.codes:
            break
        await asyncio.sleep(0.02)
    assert (answer.codes, answer.http.status_code) == (["COMPANY_SUSPENDED"], 403)
    await resume_company(databases, **about)
    await asyncio.sleep(0.1)
    assert (await client(_ASKED)).data is not None
