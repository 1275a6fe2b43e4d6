"""What is open with customers and what they last paid, for viewers whose rights reach unequally far."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType

import pytest

from kedang_platform.errors import BadUserInput
from kedang_tenants.portrait.briefs import OpenMatters, last_prices, open_matters
from kedang_tenants.reading import NO_ACCESS, Access, Scope
from tests.support.members import viewer_of

ALL, OWN = Access(names=Scope.ALL, read=Scope.ALL), Access(names=Scope.OWN, read=Scope.OWN)


@pytest.fixture
async def bought(office):
    """A customer of somebody else that bought once, with something open of each kind."""
    owner, _ = await office.hire("OWNER")
    make = office.factory
    customer = await make.one("customer", name="Hers", owner_id=owner.id)
    order = await make.one("order", customer_id=customer, ordered_on=date(2026, 1, 5), currency="CNY")
    price = {"quantity": Decimal(2), "unit_price": Decimal("9.5")}
    await make.one("order_line", order_id=order, **price)
    await make.one("delivery", order_id=order)
    await make.one("service_request", customer_id=customer, owner_id=owner.id, state="NEW")
    return customer


async def asked(office, customer, **access):
    """Prices and open matters for a member who has these rights in place of a role's."""
    member, _ = await office.hire("REPRESENTATIVE")
    viewer = await viewer_of(office.factory.databases, member)
    known = {
        "customer": ALL,
        "order": ALL,
        "order_line": ALL,
        "delivery": ALL,
        "service_request": ALL,
    } | access
    viewer = replace(viewer, access=MappingProxyType(known), known_masks={})
    async with office.factory.databases.tenant_read(office.factory.company.ref) as read:
        prices = await last_prices(read, viewer, customer_ids=[customer], limit=5)
        matters = await open_matters(read, viewer, customer_ids=[customer])
    return prices.get(customer), matters[customer]


@pytest.mark.requirement("A10", "A11")
async def test_only_what_the_viewer_sees_is_counted_and_told(office, bought):
    prices, matters = await asked(office, bought)
    assert [(price.unit_price, price.quantity) for price in prices] == [(Decimal("9.5"), Decimal(2))]
    assert matters == OpenMatters(orders=1, deliveries=1, requests=1)
    for record in ("order", "order_line"):
        assert (await asked(office, bought, **{record: OWN}))[0] == ()
        assert (await asked(office, bought, **{record: NO_ACCESS}))[0] is None
    own = dict.fromkeys(("order", "delivery", "service_request"), OWN)
    assert (await asked(office, bought, **own))[1] == OpenMatters(orders=0, deliveries=0, requests=0)
    none = dict.fromkeys(own, NO_ACCESS)
    assert (await asked(office, bought, **none))[1] == OpenMatters(
        orders=None, deliveries=None, requests=None
    )


async def test_nobody_is_told_nothing_of_nobody(office, bought):
    owner, _ = await office.hire("OWNER")
    viewer = await viewer_of(office.factory.databases, owner)
    async with office.factory.databases.tenant_read(office.factory.company.ref) as read:
        assert await last_prices(read, viewer, customer_ids=[], limit=5) == {}
        assert await open_matters(read, viewer, customer_ids=[]) == {}
        for limit in (0, 51):
            with pytest.raises(BadUserInput):
                await last_prices(read, viewer, customer_ids=[bought], limit=limit)
