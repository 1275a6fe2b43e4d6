"""Filters over lists below a record: some of them, none of them, every one of them."""

import pytest

from tests.support.factories import Factory
from tests.support.members import make_key, make_member

QUERY = "query ($w: CustomerWhere) { customers(where: $w) { nodes { name } } }"
BUYER = {"title": {"eq": "Buyer"}}


@pytest.mark.requirement("I1")
@pytest.mark.parametrize(
    ("link", "names"),
    [
        ({"some": BUYER}, ["all", "mixed"]),
        ({"none": BUYER}, ["nobody", "others"]),
        ({"every": BUYER}, ["all", "nobody"]),
        ({"every": BUYER, "some": {}}, ["all"]),
        ({"every": {}}, ["all", "mixed", "nobody", "others"]),
        ({"every": {"NOT": BUYER}}, ["nobody", "others"]),
        ({"every": {"customer": {"contacts": {"every": BUYER}}}}, ["all", "nobody"]),
        ({"some": {}}, ["all", "mixed", "others"]),
        ({}, ["all", "mixed", "nobody", "others"]),
    ],
    ids=str,
)
async def test_a_list_below_is_asked_of_some_none_or_every_one(gateway, company, link, names):
    databases = gateway.services.databases
    factory = Factory(databases, company)
    titles = {"all": ["Buyer", "Buyer"], "mixed": ["Buyer", None], "others": ["Owner", None], "nobody": []}
    for name, each in titles.items():
        customer = await factory.one("customer", name=name)
        rows = [{"customer_id": customer, "name": str(n), "title": title} for n, title in enumerate(each)]
        await factory.many("contact", rows)
    owner = await make_member(databases, company, "OWNER")
    ask = gateway.client(await make_key(databases, owner, key=gateway.services.identity.key))
    answer = await ask(QUERY, {"w": {"contacts": link}})
    assert sorted(node["name"] for node in answer.data["customers"]["nodes"]) == names
