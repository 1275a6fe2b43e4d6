"""A restricted archive is not there for whoever has no right to it, on whatever way they look (A11)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.errors import Forbidden, NotFound
from kedang_tenants.approvals.asking import NobodyToDecide
from kedang_tenants.approvals.deciding import decide
from kedang_tenants.catalogue import catalogue
from kedang_tenants.customers.collaborating import EndOutOfRange, add_collaborator
from kedang_tenants.customers.restricting import (
    NothingToAskFor,
    ReasonMissing,
    lift_restriction,
    request_archive_access,
    restrict_customer,
    revoke_archive_access,
)
from kedang_tenants.followups.reminders import remind_part
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.people.viewers import system_viewer
from tests.policy.conftest import NOW, Firm
from tests.support.factories import Factory
from tests.support.gateway import GraphQLClient

PHONE = "13800138000"


async def archive(firm: Firm, name: str = "Alfreds Futterkiste", phone: str = PHONE) -> dict[str, UUID]:
    """A customer of the seller's with something of everything below it."""
    make, seller = firm.factory.one, firm.people["seller"].id
    customer = await make("customer", name=name, owner_id=seller, phone=phone, number=name[:5])
    below: dict[str, Any] = {"customer": customer}
    below["contact"] = await make("contact", customer_id=customer, name=f"Contact of {name}", phone=phone)
    below["order"] = await make("order", customer_id=customer, number=f"O {name[:5]}")
    below["order_line"] = await make("order_line", order_id=below["order"])
    below["delivery"] = await make("delivery", order_id=below["order"])
    below["follow_up_plan"] = await make("follow_up_plan", customer_id=customer, owner_id=seller)
    below["follow_up_record"] = await make("follow_up_record", customer_id=customer, member_id=seller)
    below["service_request"] = await make("service_request", customer_id=customer, owner_id=seller)
    below["service_note"] = await make("service_note", request_id=below["service_request"])
    below["survey_invitation"] = await make("survey_invitation", customer_id=customer)
    below["file"] = await make("file", attached_to=f"cus_{customer.hex}", uploaded_by_id=seller)
    return below


async def restrict(firm: Firm, customer: UUID, by: str = "keeper") -> None:
    await firm.do(restrict_customer, by, customer_id=customer, reason="merger talks")


async def grant(firm: Firm, customer: UUID, to: str = "seller", **until: float) -> UUID:
    """An access that the keeper has approved."""
    made = await firm.do(
        request_archive_access, to, customer_id=customer, reason="renewal", until=firm.later(**until)
    )
    await judge(firm, "APPROVE")
    return made


async def judge(firm: Firm, decision: str, by: str = "keeper") -> None:
    request = await firm.value("SELECT id FROM approval_request ORDER BY created_at DESC, id DESC LIMIT 1")
    stage = await firm.value("SELECT stage FROM approval_request WHERE id = $1", request)
    await firm.do(decide, by, request_id=request, stage=stage, decision=decision, remark="as asked")


SEES = "query ($id: ID!) { customer(id: $id) { name } }"


async def seen(firm: Firm, name: str, customer: UUID) -> bool:
    answer = await (await firm.client(name))(SEES, {"id": f"cus_{customer.hex}"})
    return answer.data["customer"] is not None


@pytest.mark.requirement("A11")
async def test_keepers_see_it_and_nobody_else_does_not_even_its_owner(firm):
    below = await archive(firm)
    for name, role in (("manager", "GENERAL_MANAGER"), ("money", "FINANCE"), ("market", "MARKETER")):
        await firm.hire(name, role)
    everybody = ("owner", "keeper", "manager", "seller", "money", "market", "looker")
    for name in everybody:
        assert await seen(firm, name, below["customer"]), name
    await restrict(firm, below["customer"])
    told = {name: await seen(firm, name, below["customer"]) for name in everybody}
    assert told == {
        "owner": True,
        "keeper": True,
        "manager": True,
        "seller": False,
        "money": False,
        "market": False,
        "looker": False,
    }
    await firm.do(lift_restriction, "keeper", customer_id=below["customer"], reason="done")
    assert await seen(firm, "seller", below["customer"])


async def test_only_keepers_restrict_with_a_reason_that_is_kept(firm):
    below = await archive(firm)
    customer = below["customer"]
    with pytest.raises(Forbidden):
        await restrict(firm, customer, by="seller")
    with pytest.raises(ReasonMissing):
        await firm.do(restrict_customer, "keeper", customer_id=customer, reason=" ")
    assert await firm.value("SELECT restricted FROM customer WHERE id = $1", customer) is False
    await restrict(firm, customer)
    await restrict(firm, customer)
    notes = await firm.value(
        "SELECT array_agg(changes->'reason'->>1) FROM audit WHERE action = 'customer.restricted'"
    )
    assert notes == ["merger talks"]
    with pytest.raises(NotFound):
        await firm.do(restrict_customer, "keeper", customer_id=UUID(int=1), reason="no such thing")


BELOW = (
    "customer", "contact", "order", "order_line", "delivery", "follow_up_plan", "follow_up_record", "service_request",
    "service_note", "survey_invitation", "file",
)  # fmt: skip


def _id(name: str, found: UUID) -> str:
    return f"{catalogue().record(name).prefix}_{found.hex}"


# Every way on which somebody may look: what each tells of a customer, as text

Look = Callable[[GraphQLClient, dict[str, str]], Any]


def query(text: str, *names: str) -> Look:
    async def look(client: GraphQLClient, ids: dict[str, str]) -> Any:
        answer = await client(text, {name: ids[name] for name in names})
        assert not answer.errors, answer.body
        return answer.data

    return look


def by_id(record: str, api: str) -> Look:
    return query(f"query (${record}: ID!) {{ found: {api}(id: ${record}) {{ id }} }}", record)


WAYS: dict[str, Look] = {
    "customer": by_id("customer", "customer"),
    "contact": by_id("contact", "contact"),
    "order": by_id("order", "order"),
    "order line": by_id("order_line", "orderLine"),
    "delivery": by_id("delivery", "delivery"),
    "plan": by_id("follow_up_plan", "followUpPlan"),
    "record": by_id("follow_up_record", "followUpRecord"),
    "request": by_id("service_request", "serviceRequest"),
    "note": by_id("service_note", "serviceNote"),
    "invitation": by_id("survey_invitation", "surveyInvitation"),
    "file": by_id("file", "file"),
    "list": query("{ customers { nodes { name } totalCount } }"),
    "contacts": query("{ contacts { nodes { name customer { name } } totalCount } }"),
    "search": query('{ customers(where: {search: "futterkiste"}) { nodes { id } totalCount } }'),
    "contact search": query('{ contacts(where: {search: "futterkiste"}) { nodes { id } totalCount } }'),
    "filter through": query(
        '{ orders(where: {customer: {name: {startsWith: "Alfreds"}}}) { nodes { id } totalCount } }'
    ),
    "filter below": query("{ customers(where: {contacts: {some: {}}}) { nodes { id } } }"),
    "sorting": query("{ customers(orderBy: [{field: NAME, direction: DESC}]) { nodes { name } } }"),
    "owner's list": query("{ members { nodes { name } } customers(where: {}) { nodes { owner { name } } } }"),
    "groups": query("{ customerAggregates(groupBy: [OWNER_ID]) { groups { count key { ownerId } } } }"),
    "sums": query("{ orderAggregates { groups { count } } }"),
    "call": query(f'{{ callLookup(number: "{PHONE}") {{ matches {{ customer {{ name }} }} }} }}'),
    "call by ending": query('{ callLookup(number: "8000") { matches { phone contact { name } } } }'),
    "files": query("{ files { nodes { id } } }"),
    "inbox": query("{ notices { nodes { title } totalCount } inbox { unread } }"),
    "node": query("query ($customer: ID!) { node(id: $customer) { id } }", "customer"),
    "timeline": query(
        "query ($customer: ID!) { customerTimeline(customerId: $customer) { nodes { title } } }", "customer"
    ),
}


async def notice(firm: Firm, ids: dict[str, UUID]) -> int:
    """The seller is told of the request; how many notices came of it."""
    telling = Telling(
        kind="REQUEST_ASSIGNED",
        member_id=firm.people["seller"].id,
        occasion=f"request:{ids['service_request'].hex}:{firm.clock.now().isoformat()}",
        title="{customer} asks",
        body="{customer}",
        params={"customer": "Alfreds Futterkiste"},
        about=("service_request", ids["service_request"]),
    )
    async with firm.databases.tenant_write(firm.company.ref) as write:
        viewer = await system_viewer(write, company=firm.company)
        return await tell(write, viewer, [telling], clock=firm.clock)


@pytest.mark.requirement("A11")
async def test_on_every_way_it_is_as_if_it_were_not_there(firm):
    plain = {"seller": await firm.client("seller"), "looker": await firm.client("looker")}
    empty = {
        (who, way): await look(client, {name: _id(name, UUID(int=7)) for name in BELOW})
        for who, client in plain.items()
        for way, look in WAYS.items()
        if not (who == "looker" and way.startswith("call"))  # who may read no number looks none up
    }
    below = await archive(firm)
    assert await notice(firm, below) == 1
    ids = {name: _id(name, found) for name, found in below.items()}
    for (who, way), nothing in empty.items():
        if who == "seller" or way not in {"file", "inbox"}:
            assert await WAYS[way](plain[who], ids) != nothing, (who, way)
    await restrict(firm, below["customer"])
    firm.gateway.services.viewers.forget()
    for (who, way), nothing in empty.items():
        assert await WAYS[way](plain[who], ids) == nothing, (who, way)
    # The product tells nobody of it any more, neither at once nor when it reminds.
    firm.clock.move(timedelta(minutes=1))
    assert await notice(firm, below) == 0
    today = date(2099, 1, 1)
    async with firm.databases.tenant_write(firm.company.ref) as write:
        viewer = await system_viewer(write, company=firm.company)
        part = await remind_part(write, viewer, day=today, after=None, clock=firm.clock)
        assert (part.seen, part.changed) == (0, 0)


@pytest.mark.requirement("A11")
async def test_a_grant_opens_it_for_reading_till_its_end_and_no_longer(firm):
    below = await archive(firm)
    customer = below["customer"]
    await restrict(firm, customer)
    # Who owns it gets back what they had; for somebody else it counts as shared for reading.
    await grant(firm, customer, days=1)
    await grant(firm, customer, to="colleague", days=2)
    for name in ("seller", "colleague"):
        viewer = await firm.viewer(name)
        assert (viewer.closed, viewer.opened) == (True, (customer,)), name
    firm.clock.move(timedelta(days=1) - timedelta(microseconds=1))
    assert (await firm.viewer("seller")).opened == (customer,)
    firm.clock.move(timedelta(microseconds=1))
    assert (await firm.viewer("seller")).opened == ()
    assert (await firm.viewer("colleague")).opened == (customer,)


async def test_a_grant_is_seen_with_the_next_request_and_revoked_at_once(firm):
    below = await archive(firm)
    customer = below["customer"]
    await restrict(firm, customer)
    firm.clock.move(datetime.now(UTC) - firm.clock.now())
    made = await grant(firm, customer, days=1)
    firm.gateway.services.viewers.forget()
    assert await seen(firm, "seller", customer)
    grants = "{ archiveGrants { nodes { state reason member { name } customer { name } } } }"
    (told,) = (await (await firm.client("keeper"))(grants)).data["archiveGrants"]["nodes"]
    assert told == {
        "state": "GRANTED",
        "reason": "renewal",
        "member": {"name": "seller"},
        "customer": {"name": "Alfreds Futterkiste"},
    }
    with pytest.raises(NotFound):
        await firm.do(revoke_archive_access, "colleague", grant_id=made)
    await firm.do(revoke_archive_access, "keeper", grant_id=made)
    await firm.do(revoke_archive_access, "keeper", grant_id=made)
    firm.gateway.services.viewers.forget()
    assert not await seen(firm, "seller", customer)
    assert await firm.value("SELECT state FROM archive_grant WHERE id = $1", made) == "REVOKED"


async def test_what_is_refused_opens_nothing(firm):
    below = await archive(firm)
    await restrict(firm, below["customer"])
    made = await firm.do(
        request_archive_access,
        "seller",
        customer_id=below["customer"],
        reason="please",
        until=firm.later(days=1),
    )
    assert (await firm.viewer("seller")).opened == ()
    with pytest.raises(NothingToAskFor):
        await grant(firm, below["customer"], days=1)
    await firm.hire("manager", "GENERAL_MANAGER")
    with pytest.raises(NotFound):
        await judge(firm, "APPROVE", by="manager")
    await judge(firm, "REFUSE")
    assert await firm.value("SELECT state FROM archive_grant WHERE id = $1", made) == "DENIED"
    assert (await firm.viewer("seller")).opened == ()


@pytest.mark.requirement("A11")
async def test_asking_tells_nobody_whether_something_exists(firm):
    below = await archive(firm)
    open_one = await archive(firm, "Bon app", phone="030-0074321")
    await restrict(firm, below["customer"])
    asks = {"reason": "why not", "until": firm.later(days=1)}
    refused = []
    for name, customer in (
        ("seller", UUID(int=1)),
        ("colleague", open_one["customer"]),
        ("looker", below["customer"]),
        ("looker", UUID(int=1)),
    ):
        with pytest.raises(NotFound) as error:
            await firm.do(request_archive_access, name, customer_id=customer, **asks)
        refused.append((error.value.message, error.value.path))
    assert len(set(refused)) == 1
    with pytest.raises(EndOutOfRange):
        await grant(firm, below["customer"], days=91)
    assert await firm.value("SELECT count(*) FROM archive_grant") == 0


async def test_where_nobody_could_decide_it_is_not_taken(gateway, company):
    firm = Firm(gateway, Factory(gateway.services.databases, company), FixedClock(NOW), {}, {})
    await firm.hire("seller", "REPRESENTATIVE")
    await firm.hire("gone", "OWNER")
    below = await archive(firm)
    await restrict(firm, below["customer"], by="gone")
    async with firm.databases.tenant_write(company.ref) as write:
        await write.fetch("UPDATE member SET state = 'SUSPENDED' WHERE name = 'gone'")
    with pytest.raises(NobodyToDecide):
        await grant(firm, below["customer"], days=1)
    assert await firm.value("SELECT count(*) FROM archive_grant") == 0


async def test_a_share_does_not_open_a_restricted_archive(firm):
    below = await archive(firm)
    customer = below["customer"]
    await firm.do(
        add_collaborator,
        "seller",
        customer_id=customer,
        member_id=firm.people["colleague"].id,
        role="WRITE",
        until=firm.later(days=5),
    )
    await restrict(firm, customer)
    viewer = await firm.viewer("colleague")
    assert (viewer.shared, viewer.opened, viewer.closed) == ((customer,), (), True)
    assert not await seen(firm, "colleague", customer)
