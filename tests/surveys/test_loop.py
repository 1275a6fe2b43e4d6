"""An unhappy answer becomes a service request of whoever has the customer: with a deadline, and once."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from kedang_tenants.changing import fan_out
from kedang_tenants.surveys import loop
from kedang_tenants.surveys.answering import save_answers, submit_answer
from kedang_tenants.surveys.entries import Entry
from tests.support.surveying import customer_with_mail, later, survey

LOW = {"price_value": {"level": "NOT_SATISFIED", "comment": "Twice the price of last year"}}


@pytest.fixture
async def davolio(shop):
    return await shop.hire("Nancy Davolio", "REPRESENTATIVE")


@pytest.fixture
async def ask(shop, davolio):
    """A survey that went to one of Davolio's customers; answers it."""

    class Asked:
        def __init__(self, asked, customer, contact):
            self.asked, self.customer, self.contact = asked, customer, contact

        async def answer(self, answers):
            (invitation,) = await self.asked.invitations()
            items = await self.asked.items()
            entries = [Entry(items[key]["id"], values) for key, values in answers.items()]
            async with shop.databases.tenant_write(shop.company.ref) as write:
                return await submit_answer(
                    write,
                    await shop.product(),
                    invitation_id=invitation["id"],
                    entries=entries,
                    clock=shop.clock,
                )

    async def make(owner=davolio, **values):
        asked = await survey(shop, "ON_VISIT", **values)
        customer, contact = await customer_with_mail(shop, owner_id=owner)
        await asked.send(customer_ids=[customer])
        await shop.work()
        return Asked(asked, customer, contact)

    return make


async def requests(shop):
    return await shop.fetch("SELECT * FROM service_request ORDER BY id")


async def told(shop, kind="UNHAPPY_ANSWER"):
    return await shop.fetch("SELECT * FROM notice WHERE kind = $1", kind)


@pytest.mark.requirement("V7", "S1", "S6")
async def test_an_unhappy_answer_opens_a_request_of_the_customers_owner(shop, ask, davolio):
    asked = await ask()
    answer = await asked.answer(
        {
            **LOW,
            "quality_design": {"level": "VERY_SATISFIED"},
            "recommendation": {"number": Decimal(3)},
            "suggestions": {"text": "Call us before you raise prices"},
        }
    )
    await shop.work()
    (request,) = await requests(shop)
    assert {
        name: request[name] for name in ("customer_id", "contact_id", "kind", "channel", "owner_id", "state")
    } == {
        "customer_id": asked.customer,
        "contact_id": asked.contact,
        "kind": "COMPLAINT",
        "channel": "SURVEY",
        "owner_id": davolio,
        "state": "NEW",
    }
    assert request["title"] == "Unhappy answer: Survey on a visit"
    assert request["description"].splitlines() == [
        "Price / Value for the price: Not satisfied - “Twice the price of last year”",
        "Would recommend us: 3 of 10",
        "What should we do better? What would you wish for?: Call us before you raise prices",
    ]
    # Monday at nine in New York; two working days of nine hours later it is Tuesday evening.
    assert request["opened_at"] == shop.clock.now()
    assert request["solution_due_at"] == datetime(2026, 3, 3, 23, 0, tzinfo=UTC)
    row = (await shop.fetch("SELECT unhappy, request_id FROM survey_answer WHERE id = $1", answer))[0]
    assert row == {"unhappy": True, "request_id": request["id"]}
    (notice,) = await told(shop)
    assert (notice["member_id"], notice["about"]) == (davolio, f"sva_{answer.hex}")
    kinds = await shop.fetch("SELECT kind FROM notice WHERE member_id = $1", davolio)
    assert [row["kind"] for row in kinds] == ["UNHAPPY_ANSWER"]  # the request is told of with it (T10)


@pytest.mark.requirement("V7")
async def test_however_often_the_event_comes_back_there_is_one_request(shop, ask):
    asked = await ask()
    await asked.answer(LOW)
    await shop.work()
    (first,) = await requests(shop)
    transactions = await shop.fetch(
        "SELECT DISTINCT transaction FROM audit WHERE action = 'survey_answer.submitted'"
    )

    async def again():
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await fan_out(write, await shop.product(), transactions[0]["transaction"], clock=shop.clock)

    await asyncio.gather(*(again() for _ in range(5)))
    await shop.work()
    assert await requests(shop) == [first]
    assert len(await told(shop)) == 1


@pytest.mark.requirement("V7")
async def test_events_that_come_twice_at_once_open_one_request(shop, ask):
    asked = await ask()
    await asked.answer(LOW)
    transactions = await shop.fetch(
        "SELECT DISTINCT transaction FROM audit WHERE action = 'survey_answer.submitted'"
    )

    async def once():
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await fan_out(write, await shop.product(), transactions[0]["transaction"], clock=shop.clock)

    await asyncio.gather(*(once() for _ in range(5)))
    await shop.work()
    assert len(await requests(shop)) == 1


@pytest.mark.requirement("V7", "V4")
async def test_an_answer_that_is_edited_opens_no_second_request(shop, ask):
    asked = await ask()
    await asked.answer(LOW)
    await shop.work()
    await later(shop, hours=1)
    await asked.answer({"price_terms": {"level": "NOT_VERY_SATISFIED"}})
    await shop.work()
    assert len(await shop.fetch("SELECT 1 FROM audit WHERE action = 'survey_answer.submitted'")) == 2
    assert len(await requests(shop)) == 1
    assert len(await told(shop)) == 1


@pytest.mark.requirement("V7", "V4")
async def test_an_answer_that_turns_unhappy_when_it_is_edited_opens_one(shop, ask):
    asked = await ask()
    await asked.answer({"price_value": {"level": "VERY_SATISFIED"}})
    await shop.work()
    assert await requests(shop) == []
    await asked.answer(LOW)
    await shop.work()
    assert len(await requests(shop)) == 1


@pytest.mark.requirement("V7")
@pytest.mark.parametrize(
    ("level", "at_most", "opens"),
    [
        ("NOT_SATISFIED", "NOT_VERY_SATISFIED", True),
        ("NOT_VERY_SATISFIED", "NOT_VERY_SATISFIED", True),
        ("BASICALLY_SATISFIED", "NOT_VERY_SATISFIED", False),
        ("NOT_VERY_SATISFIED", "NOT_SATISFIED", False),
        ("FAIRLY_SATISFIED", "FAIRLY_SATISFIED", True),
    ],
)
async def test_from_which_level_down_is_the_questionnaires_to_say(shop, ask, level, at_most, opens):
    asked = await ask(unhappy_at_most=at_most)
    await asked.answer({"price_value": {"level": "VERY_SATISFIED"}, "price_terms": {"level": level}})
    await shop.work()
    assert bool(await requests(shop)) is opens
    assert bool(await told(shop)) is opens


@pytest.mark.requirement("V7")
@pytest.mark.parametrize(
    ("number", "detractors", "opens"), [(6, True, True), (7, True, False), (0, False, False)]
)
async def test_detractors_are_unhappy_where_the_questionnaire_says_so(shop, ask, number, detractors, opens):
    asked = await ask(unhappy_detractors=detractors)
    await asked.answer({"recommendation": {"number": Decimal(number)}})
    await shop.work()
    assert bool(await requests(shop)) is opens


@pytest.mark.requirement("V7")
async def test_nothing_is_opened_where_the_questionnaire_says_so(shop, ask):
    asked = await ask(unhappy_opens_request=False)
    await asked.answer(LOW)
    await shop.work()
    assert await requests(shop) == []
    assert await told(shop) == []
    assert await shop.value("SELECT unhappy FROM survey_answer")


@pytest.mark.requirement("V7")
async def test_the_deadline_counts_working_days_and_a_stricter_standard_holds(shop, ask):
    asked = await ask(unhappy_within_days=3)
    shop.clock.move(timedelta(days=4))  # Friday, nine in the morning
    await asked.answer(LOW)
    await shop.work()
    (request,) = await requests(shop)
    assert request["solution_due_at"] == datetime(2026, 3, 10, 22, 0, tzinfo=UTC)  # Tuesday, in summer time
    assert request["solution_minutes"] == 3 * 9 * 60


@pytest.mark.requirement("V7", "S1")
async def test_a_stricter_standard_of_the_company_holds(shop, ask):
    await shop.create("service_standard", first_answer_minutes=30, solution_minutes=240)
    asked = await ask()
    await asked.answer(LOW)
    await shop.work()
    (request,) = await requests(shop)
    assert request["solution_due_at"] == shop.clock.now() + timedelta(hours=4)


@pytest.mark.requirement("V7")
async def test_a_customer_nobody_has_is_not_left_without_a_request(shop, ask):
    asked = await ask(owner=None)
    await asked.answer(LOW)
    await shop.work()
    (request,) = await requests(shop)
    tellings = await told(shop)
    assert [notice["member_id"] for notice in tellings] == (
        [request["owner_id"]] if request["owner_id"] else []
    )


@pytest.mark.requirement("V7")
async def test_a_begun_answer_opens_nothing(shop, ask):
    asked = await ask()
    invitation = await asked.asked.invitation()
    item = (await asked.asked.items())["price_value"]["id"]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await save_answers(
            write,
            await shop.product(),
            invitation_id=invitation["id"],
            entries=[Entry(item, LOW["price_value"])],
            clock=shop.clock,
        )
    await shop.work()
    assert await requests(shop) == []


@pytest.mark.requirement("V7")
async def test_what_the_customer_said_is_told_with_the_marks_of_the_companys_language(shop, ask, monkeypatch):
    monkeypatch.setattr(loop, "choose_language", lambda _: "zh-CN")
    await (await ask()).answer(LOW)
    await shop.work()
    (request,) = await requests(shop)
    assert request["description"] == "价格 / 性价比：不满意，“Twice the price of last year”"
