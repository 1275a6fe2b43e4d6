"""A person who has a company opens further ones, signed in (T1)."""

import asyncio
from dataclasses import replace

import pytest

from kedang_platform.identity import throttle
from kedang_platform.identity.errors import NameMissing, TooManyAttempts
from kedang_platform.identity.people import companies_of
from kedang_platform.registry import NewCompany
from kedang_tenants.opening import CountryUnknown, further, open_further
from kedang_tenants.opening.further import TooManyCompanies

pytestmark = pytest.mark.requirement("T1")
BOSTON = NewCompany("Boston Crab", "US", "en", "America/New_York", "USD")


async def test_the_further_company_is_whole_and_its_own(town):
    opened = await town.open()
    made = await open_further(
        town.services, person_id=opened.person.id, wish=replace(BOSTON, name=" Boston  Crab ")
    )
    assert (made.name, made.status, made.currency) == ("Boston Crab", "active", "USD")
    async with town.databases.control_read() as read:
        names = [company.name for company in await companies_of(read, person_id=opened.person.id)]
    assert names == ["Boston Crab", "Northwind Traders"]
    async with town.databases.tenant_read(made.ref) as read:
        (owner,) = await read.fetch("SELECT email, roles, seat, state FROM member")
        schemes = await read.fetchval("SELECT count(*) FROM grade_scheme")
    assert dict(owner) == {
        "email": opened.person.email,
        "roles": ["OWNER"],
        "seat": "FULL",
        "state": "ACTIVE",
    }
    assert schemes >= 1


async def test_one_person_opens_so_many_and_no_more_however_fast(town):
    opened = await town.open()
    object.__setattr__(
        town.services, "settings", town.services.settings.model_copy(update={"companies_per_person": 2})
    )
    wishes = (
        open_further(town.services, person_id=opened.person.id, wish=replace(BOSTON, name=f"No. {n}"))
        for n in range(3)
    )
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "Company",
        "TooManyCompanies",
        "TooManyCompanies",
    ]
    refused = next(outcome for outcome in outcomes if isinstance(outcome, TooManyCompanies))
    assert (refused.code, refused.params) == ("TOO_MANY_COMPANIES", {"most": 2})
    assert len(await town.rows("company")) == 2


async def test_bad_wishes_and_too_many_a_day_open_nothing(town):
    opened = await town.open()
    before = await town.rows("tenant_schema")
    with pytest.raises(CountryUnknown):
        await open_further(town.services, person_id=opened.person.id, wish=replace(BOSTON, country="XX"))
    with pytest.raises(NameMissing) as refused:
        await open_further(town.services, person_id=opened.person.id, wish=replace(BOSTON, name=" "))
    assert refused.value.path == ("companyName",)
    assert await town.rows("tenant_schema") == before
    async with town.databases.control() as control:
        for _ in range(5):
            await throttle.spend(control, (further.A_DAY, str(opened.person.id)), now=town.clock.now())
    with pytest.raises(TooManyAttempts):
        await open_further(town.services, person_id=opened.person.id, wish=BOSTON)
    assert len(await town.rows("company")) == 1
