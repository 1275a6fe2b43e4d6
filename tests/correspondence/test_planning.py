"""May somebody be written to, and when: consent, suppression, frequency over all kinds, quiet hours (T9, T10)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.errors import Refused
from kedang_tenants.correspondence import (
    Planned,
    Recipient,
    Sending,
    may_write,
    plan_sending,
    record_sent,
    take_back,
)
from kedang_tenants.correspondence.planning import Counted, forget_old_sendings
from kedang_tenants.correspondence.rule import DEFAULT, KIND, TEMPLATE, Most, rule_in, rule_of
from kedang_tenants.rules import establish

DAY = timedelta(days=1)


async def plan(shop, *recipients, kind="SURVEY", record=None, not_before=None):
    """What is planned; ``record`` names the mails that go."""
    async with shop.databases.tenant_write(shop.company.ref) as write:
        planned = await plan_sending(
            write, await shop.product(), recipients, kind=kind, clock=shop.clock, not_before=not_before
        )
        if record:
            sendings = [
                Sending(whom, f"{record}:{place}", each.at)
                for place, (whom, each) in enumerate(zip(recipients, planned, strict=True))
                if each.at
            ]
            await record_sent(write, sendings, kind=kind)
    return planned


async def says(shop, content):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await establish(write, await shop.product(), kind=KIND, content=content, clock=shop.clock)


async def somebody(shop, email="maria@alfreds.example", **customer):
    customer_id = await shop.create("customer", name="Alfreds", **customer)
    contact_id = await shop.create("contact", customer_id=customer_id, name="Maria", email=email)
    return Recipient(customer_id, email, contact_id)


def refusals(planned):
    return [each.refusal for each in planned]


@pytest.mark.requirement("T9")
async def test_without_a_rule_a_mail_may_go_at_once(shop):
    maria = await somebody(shop)
    assert await plan(shop, maria) == [Planned(shop.clock.now(), None)]
    later = shop.clock.now() + 3 * DAY
    assert await plan(shop, maria, not_before=later) == [Planned(later, None)]
    assert await plan(shop, maria, not_before=shop.clock.now() - DAY) == [Planned(shop.clock.now(), None)]
    assert await plan(shop) == []


@pytest.mark.requirement("T9")
async def test_each_waits_for_the_morning_where_they_live(shop):
    await says(shop, TEMPLATE)
    at_home = await somebody(shop)
    in_germany = await somebody(shop, "heinz@ottilies.example", country="DE")
    in_california = await somebody(shop, "liz@lets.example", country="US", region="CA")
    evening = datetime(
        2027, 1, 12, 3, 0, tzinfo=UTC
    )  # 22:00 in New York, 4:00 in Berlin, 19:00 in California
    planned = await plan(shop, at_home, in_germany, in_california, not_before=evening)
    assert planned == [
        Planned(datetime(2027, 1, 12, 13, 0, tzinfo=UTC), None),
        Planned(datetime(2027, 1, 12, 7, 0, tzinfo=UTC), None),
        Planned(evening, None),
    ]
    assert await plan(shop, at_home, kind="SERVICE", not_before=evening) == [Planned(evening, None)]


@pytest.mark.requirement("T9")
async def test_who_wants_no_more_or_is_suppressed_is_not_written_to(shop):
    maria = await somebody(shop)
    ana = await somebody(shop, "ana@alfreds.example")
    await shop.create(
        "contact_consent",
        contact_id=maria.contact_id,
        channel="EMAIL",
        purpose="SURVEY",
        decision="OPTED_OUT",
    )
    put = await shop.create("mail_suppression", address="ANA@alfreds.example")
    assert refusals(await plan(shop, maria, ana)) == ["OPTED_OUT", "SUPPRESSED"]
    assert refusals(await plan(shop, maria, ana, kind="SERVICE")) == [None, "SUPPRESSED"]
    assert refusals(await plan(shop, maria, kind="CAMPAIGN")) == ["NO_CONSENT"]
    await shop.archive("mail_suppression", put)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert await may_write(read, [maria, ana], kind="SURVEY") == ["OPTED_OUT", None]


@pytest.mark.requirement("T9")
async def test_all_kinds_count_together_but_for_those_that_are_exempt(shop):
    await says(shop, {"most": {"mails": 2, "days": 7}})
    maria = await somebody(shop)
    assert refusals(await plan(shop, maria, record="a", kind="SURVEY")) == [None]
    assert refusals(await plan(shop, maria, record="s", kind="SERVICE")) == [None]
    assert refusals(await plan(shop, maria, record="b", kind="CARE")) == [None]
    assert refusals(await plan(shop, maria, record="c", kind="SURVEY")) == ["TOO_OFTEN"]
    assert refusals(await plan(shop, maria, kind="SERVICE")) == [None]
    in_a_week = shop.clock.now() + 7 * DAY
    just_before = in_a_week - timedelta(seconds=1)
    assert refusals(await plan(shop, maria, not_before=just_before)) == ["TOO_OFTEN"]
    assert refusals(await plan(shop, maria, not_before=in_a_week)) == [None]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await take_back(write, ["b:0"])
    assert refusals(await plan(shop, maria)) == [None]


@pytest.mark.requirement("T9")
async def test_one_person_counts_by_contact_and_by_address_also_within_a_call(shop):
    await says(shop, {"most": {"mails": 1, "days": 7}})
    maria = await somebody(shop)
    elsewhere = Recipient(maria.customer_id, "maria@new.example", maria.contact_id)
    same_address = Recipient(maria.customer_id, "Maria@Alfreds.example")
    other = await somebody(shop, "ana@alfreds.example")
    planned = await plan(shop, maria, elsewhere, same_address, other, record="a")
    assert refusals(planned) == [None, "TOO_OFTEN", "TOO_OFTEN", None]
    assert refusals(await plan(shop, elsewhere)) == ["TOO_OFTEN"]
    assert refusals(await plan(shop, same_address)) == ["TOO_OFTEN"]


async def test_the_same_mail_counts_once(shop):
    await says(shop, {"most": {"mails": 2, "days": 7}})
    maria = await somebody(shop)
    for _ in range(3):
        await plan(shop, maria, record="a", kind="CARE")
    assert refusals(await plan(shop, maria)) == [None]


@pytest.mark.requirement("T9")
async def test_of_two_dispatches_at_once_one_gets_the_last_place(shop):
    await says(shop, {"most": {"mails": 1, "days": 7}})
    maria = await somebody(shop)
    planned = await asyncio.gather(*(plan(shop, maria, record=str(n)) for n in range(4)))
    assert sorted(str(each.refusal) for (each,) in planned) == ["None", "TOO_OFTEN", "TOO_OFTEN", "TOO_OFTEN"]


async def test_what_no_rule_asks_for_any_more_is_forgotten(shop):
    maria = await somebody(shop)
    await plan(shop, maria, record="a")
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await forget_old_sendings(write, now=shop.clock.now() + 180 * DAY)
        assert await write.fetchval("SELECT count(*) FROM mail_sending") == 1
        await forget_old_sendings(write, now=shop.clock.now() + 181 * DAY)
        assert await write.fetchval("SELECT count(*) FROM mail_sending") == 0


instants = st.integers(0, 200).map(lambda hours: datetime(2026, 5, 1, tzinfo=UTC) + timedelta(hours=hours))


@pytest.mark.requirement("T9")
@settings(max_examples=60, deadline=None)
@given(
    asked=st.lists(st.tuples(st.sampled_from("ab"), instants), max_size=25),
    mails=st.integers(1, 4),
    days=st.integers(1, 4),
)
def test_nobody_ever_gets_more_than_the_rule_allows_and_nobody_is_refused_for_nothing(asked, mails, days):
    most, counted, sent = Most(mails, days * DAY), Counted(), {"a": [], "b": []}

    def worst(times):
        return max(
            sum(0 <= (t - begin).total_seconds() < most.time.total_seconds() for t in times)
            for begin in times
        )

    for person, at in asked:
        full = counted.is_full({person}, at, most)
        assert full == (worst([*sent[person], at]) > mails)
        if not full:
            counted.add({person}, at)
            sent[person].append(at)


@pytest.mark.requirement("T9", "T8")
@pytest.mark.parametrize(
    ("content", "path", "code"),
    [
        ({"quite": None}, ("quite",), "INVALID_CONTENT"),
        ({"quiet": "night"}, ("quiet",), "INVALID_CONTENT"),
        ({"quiet": {"from": "21:00"}}, ("quiet",), "INVALID_CONTENT"),
        ({"quiet": {"from": "24:00", "until": "08:00"}}, ("quiet", "from"), "INVALID_TIME"),
        ({"quiet": {"from": "21:00", "until": 8}}, ("quiet", "until"), "INVALID_TIME"),
        ({"quiet": {"from": "08:00", "until": "08:00"}}, ("quiet", "until"), "OUT_OF_RANGE"),
        ({"most": {"mails": 0, "days": 7}}, ("most", "mails"), "OUT_OF_RANGE"),
        ({"most": {"mails": True, "days": 7}}, ("most", "mails"), "OUT_OF_RANGE"),
        ({"most": {"mails": 1, "days": 91}}, ("most", "days"), "OUT_OF_RANGE"),
        ({"most": {"mails": 1}}, ("most",), "INVALID_CONTENT"),
        ({"bounces": 5}, ("bounces",), "INVALID_CONTENT"),
        ({"exempt": ["NEWS"]}, ("exempt",), "UNKNOWN_VALUE"),
        ({"exempt": "SERVICE"}, ("exempt",), "UNKNOWN_VALUE"),
        ({"exempt": [[]]}, ("exempt",), "INVALID_CONTENT"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(shop, content, path, code):
    with pytest.raises(Refused) as refused:
        await says(shop, content)
    assert [(error.path[-len(path) :], error.code) for error in refused.value.errors] == [(path, code)]
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert await rule_of(read) == DEFAULT


async def test_a_rule_says_what_holds(shop):
    await says(shop, {"most": None, "exempt": []})
    async with shop.databases.tenant_read(shop.company.ref) as read:
        rule = await rule_of(read)
    assert (rule.quiet, rule.most, rule.exempt, rule.bounces) == (None, None, frozenset(), DEFAULT.bounces)
    template = rule_in(TEMPLATE)
    assert (template.most, template.bounces) == (DEFAULT.most, DEFAULT.bounces)


async def test_an_address_stands_on_the_list_once(shop):
    first = await shop.create("mail_suppression", address="a@x.example", note="asked us")
    with pytest.raises(Refused):
        await shop.create("mail_suppression", address="A@X.example")
    (row,) = await shop.fetch("SELECT id, address, reason, note FROM mail_suppression")
    assert row == {"id": first, "address": "a@x.example", "reason": "BY_HAND", "note": "asked us"}
