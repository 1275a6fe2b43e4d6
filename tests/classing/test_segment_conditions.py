"""What a segment can ask for: fields, orders, visits and answers, in any combination; counted before it is kept."""

from datetime import UTC, date, datetime

import pytest

from tests.support.factories import Factory
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("G6")
NAMES = ("Alfreds", "Bottom", "Chop", "Drachen", "Eastern")
VISIT = {"followUpRecords": {"some": {"way": {"eq": "VISIT"}, "at": {"gte": "2026-02-01T00:00:00Z"}}}}
LARGE = {"orders": {"some": {"total": {"gte": 10000}, "state": {"ne": "CANCELLED"}}}}
UNHAPPY = {"surveyAnswers": {"some": {"state": {"eq": "SUBMITTED"}, "satisfaction": {"lt": "3"}}}}
PRICE = {"itemAnswers": {"some": {"item": {"key": {"eq": "price"}}, "level": {"eq": "NOT_SATISFIED"}}}}
CONDITIONS = {
    "large orders": (LARGE, "AB"),
    "nothing since February": ({"orders": {"none": {"orderedOn": {"gte": "2026-02-01"}}}}, "BDE"),
    "of a product": ({"orders": {"some": {"lines": {"some": {"product": {"name": {"eq": "Chai"}}}}}}}, "AC"),
    "every order large": ({"orders": {"every": {"total": {"gte": 10000}}, "some": {}}}, "BC"),
    "visited": (VISIT, "AD"),
    "ordered or visited": ({"OR": [LARGE, VISIT]}, "ABD"),
    "ordered, not visited": ({**LARGE, "NOT": VISIT}, "B"),
    "not reached": ({"followUpRecords": {"some": {"reached": {"eq": False}}}}, "B"),
    "on a form": ({"followUpPlans": {"some": {"visitForm": {"state": {"eq": "DRAFT"}}}}}, "C"),
    "planned, on no form": ({"followUpPlans": {"some": {"visitFormId": {"isNull": True}}}}, "E"),
    "unhappy": (UNHAPPY, "C"),
    "unhappy with the price": ({"surveyAnswers": {"some": PRICE}}, "CD"),
    "promoters": ({"surveyAnswers": {"some": {"nps": {"gte": 9}}}}, "A"),
    "never asked": ({"surveyInvitations": {"none": {}}}, "BE"),
    "all of it": ({"AND": [{"OR": [LARGE, UNHAPPY]}, {"NOT": {"city": {"eq": "Berlin"}}}]}, "B"),
}  # fmt: skip


@pytest.fixture
async def world(gateway, company):
    """Five customers with what the conditions above ask for, and whoever owns the first three of them."""
    databases, key = gateway.services.databases, gateway.services.identity.key
    factory = Factory(databases, company)
    owner, seller = [await make_member(databases, company, role) for role in ("OWNER", "REPRESENTATIVE")]
    cities = ("Berlin", "Bonn", "Berlin", "Bonn", "Berlin")
    made = await factory.many(
        "customer",
        [
            {"name": name, "city": city, "owner_id": seller.id if name[0] in "ABC" else owner.id}
            for name, city in zip(NAMES, cities, strict=True)
        ],
    )
    customers = {name[0]: one for name, one in zip(NAMES, made, strict=True)}
    await ordered(factory, customers)
    await visited(factory, customers, seller.id)
    await answered(factory, customers)
    return [gateway.client(await make_key(databases, one, key=key)) for one in (owner, seller)]


async def ordered(factory, customers):
    chai, chang = [await factory.one("product", name=name) for name in ("Chai", "Chang")]
    for who, on, product, price, state in (
        ("A", date(2026, 1, 10), chang, "100", "OPEN"),
        ("A", date(2026, 2, 10), chai, "1", "OPEN"),
        ("B", date(2026, 1, 31), chang, "250", "DELIVERED"),
        ("C", date(2026, 2, 1), chai, "999", "CANCELLED"),
    ):
        order = await factory.one("order", customer_id=customers[who], ordered_on=on, state=state)
        await factory.one(
            "order_line", order_id=order, product_id=product, quantity="1", unit_price=price, discount="0"
        )


async def visited(factory, customers, member):
    february = datetime(2026, 2, 3, tzinfo=UTC)
    for who, way, at, reached in (
        ("A", "VISIT", february, True),
        ("B", "CALL", february, False),
        ("C", "VISIT", datetime(2026, 1, 31, tzinfo=UTC), True),
        ("D", "VISIT", february, True),
    ):
        values = {"customer_id": customers[who], "way": way, "at": at, "reached": reached}
        await factory.one("follow_up_record", **values)
    form = await factory.one("visit_form", member_id=member)
    for who, on_form in (("C", form), ("E", None)):
        plan = {"customer_id": customers[who], "owner_id": member, "visit_form_id": on_form}
        await factory.one("follow_up_plan", **plan, **({"visit_position": 1} if on_form else {}))


async def answered(factory, customers):
    asked = await factory.one("questionnaire")
    version = await factory.one("questionnaire_version", questionnaire_id=asked)
    price = await factory.one("survey_item", version_id=version, key="price", kind="LEVEL")
    for who, state, satisfaction, nps, level in (
        ("A", "SUBMITTED", "4.5", 10, "VERY_SATISFIED"),
        ("C", "SUBMITTED", "2.99", 3, "NOT_SATISFIED"),
        ("D", "STARTED", "1", None, "NOT_SATISFIED"),
    ):
        of = {"questionnaire_id": asked, "version_id": version, "customer_id": customers[who]}
        invitation = await factory.one("survey_invitation", **of)
        values = {"state": state, "satisfaction": satisfaction, "nps": nps}
        answer = await factory.one("survey_answer", **of, invitation_id=invitation, **values)
        await factory.one("survey_item_answer", answer_id=answer, item_id=price, level=level)


async def test_conditions_over_orders_visits_and_answers_are_counted_right(world):
    ask, as_seller = world
    query = """query ($where: JSON!, $filter: CustomerWhere) {
      segmentPreview(where: $where) { count } customers(where: $filter) { nodes { name } } }"""
    create = """mutation ($input: CreateSegmentInput!) { createSegment(input: $input) { record { id } userErrors { code } } }"""
    for name, (where, expected) in CONDITIONS.items():
        told = (await ask(query, {"where": where, "filter": where})).data
        assert "".join(one["name"][0] for one in told["customers"]["nodes"]) == expected, name
        assert told["segmentPreview"]["count"] == len(expected), name
        kept = (await ask(create, {"input": {"name": name, "where": where}})).data["createSegment"]
        named = {"segment": kept["record"]["id"]}
        assert (await ask(query, {"where": named, "filter": named})).data == told, name
        told = (await as_seller(query, {"where": where, "filter": where})).data
        own = [letter for letter in expected if letter in "ABC"]
        assert [one["name"][0] for one in told["customers"]["nodes"]] == own, name
        assert told["segmentPreview"]["count"] == len(own), name
