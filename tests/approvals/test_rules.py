"""Rules go through approval: by the general manager, else an owner, never by whoever prepared them (T8, T11)."""

from datetime import UTC, date, datetime

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_tenants import rules
from kedang_tenants.approvals import rule_versions
from kedang_tenants.approvals.asking import AlreadyAsked, NotWaiting
from kedang_tenants.approvals.deciding import OwnRequest
from kedang_tenants.approvals.flows import ROLE, SUPERIOR, Step
from kedang_tenants.rules import kinds
from tests.rules.conftest import KIND, check

pytestmark = pytest.mark.requirement("T8", "T11")


@pytest.fixture(autouse=True)
async def discounts():
    rules.register_rule_kind(KIND, check=check, label="Discounts")
    yield
    del kinds._kinds[KIND]


async def draft(firm, name="buchanan", *levels: int, day=None):
    content = {"levels": list(levels or (5,))}
    return await firm.act(rules.draft_rule, name, kind=KIND, content=content, in_force_from=day)


async def change(firm, name, version_id, **values):
    seen = await firm.shop.value("SELECT version FROM rule_version WHERE id = $1", version_id)
    return await firm.act(rules.change_rule_draft, name, version_id=version_id, version=seen, values=values)


async def submit(firm, name, version_id):
    return await firm.act(rule_versions.submit_rule, name, version_id=version_id)


async def rule(firm, version_id):
    columns = "state, remark, approved_by_id, nobody_else"
    (row,) = await firm.shop.fetch(f"SELECT {columns} FROM rule_version WHERE id = $1", version_id)
    return tuple(row.values())


async def test_a_department_drafts_and_the_general_manager_approves(firm):
    version = await draft(firm)
    request = await submit(firm, "buchanan", version)
    assert (await rule(firm, version))[0] == "SUBMITTED"
    assert await firm.turns(request) == {"leverling"}
    summary = await firm.now(request, "summary ->> 'en'")
    assert summary == "Version 1 of the rule “Discounts”"
    await firm.decide("leverling", request, remark="Good")
    assert await rule(firm, version) == ("IN_FORCE", "Good", firm.ids["leverling"], False)


async def test_approved_for_a_day_it_waits_for_it(firm):
    version = await draft(firm, day=date(2026, 4, 1))
    await firm.decide("leverling", await submit(firm, "buchanan", version))
    assert (await rule(firm, version))[0] == "APPROVED"
    firm.shop.clock.instant = datetime(2026, 4, 1, 4, tzinfo=UTC)
    await firm.shop.work()
    assert (await rule(firm, version))[0] == "IN_FORCE"


async def test_where_no_general_manager_is_active_an_owner_approves(firm):
    await firm.change_member("leverling", state="SUSPENDED")
    request = await submit(firm, "buchanan", await draft(firm))
    assert await firm.turns(request) == {"fuller"}


async def test_neither_drafter_nor_editor_nor_submitter_approves(firm):
    await firm.change_member("buchanan", roles=["GENERAL_MANAGER", "DEPARTMENT_MANAGER"])
    await firm.hire("king", "GENERAL_MANAGER", "ADMIN")
    await firm.hire("dodsworth", "GENERAL_MANAGER", "ADMIN")
    version = await draft(firm)
    await change(firm, "king", version, content={"levels": [6]})
    request = await submit(firm, "dodsworth", version)
    assert await firm.turns(request) == {"leverling"}
    before = await firm.everything()
    for name in ("king", "dodsworth"):
        with pytest.raises(OwnRequest):
            await firm.decide(name, request)
    with pytest.raises(NotFound):
        await firm.decide("buchanan", request)
    assert await firm.everything() == before
    assert (await rule(firm, version))[0] == "SUBMITTED"


async def test_a_company_of_one_decides_at_once_and_says_that_nobody_else_could(firm):
    for name in ("leverling", "buchanan", "davolio", "callahan", "suyama"):
        await firm.change_member(name, state="SUSPENDED")
    version = await draft(firm, "fuller")
    request = await submit(firm, "fuller", version)
    assert await rule(firm, version) == ("IN_FORCE", None, None, True)
    assert await firm.history(request) == [("ASKED", 1, "fuller"), ("NOBODY_ELSE", 1, None)]


async def test_returned_it_is_edited_and_submitted_again_in_the_same_request(firm):
    version = await draft(firm)
    request = await submit(firm, "buchanan", version)
    with pytest.raises(rules.RuleSettled):
        await change(firm, "buchanan", version, content={})
    await firm.decide("leverling", request, "RETURN", remark="Lower")
    assert (await rule(firm, version))[:2] == ("DRAFT", "Lower")
    await change(firm, "buchanan", version, content={"levels": [1]})
    assert await submit(firm, "buchanan", version) == request
    await firm.decide("leverling", request)
    assert (await rule(firm, version))[0] == "IN_FORCE"
    assert await firm.history(request) == [
        ("ASKED", 1, "buchanan"),
        ("RETURNED", 1, "leverling"),
        ("RESUBMITTED", 1, "buchanan"),
        ("APPROVED", 1, "leverling"),
    ]


async def test_who_edits_what_was_returned_does_not_decide_on_it_either(firm):
    await firm.hire("king", "GENERAL_MANAGER", "ADMIN")
    version = await draft(firm)
    request = await submit(firm, "buchanan", version)
    assert await firm.turns(request) == {"leverling", "king"}
    await firm.decide("leverling", request, "RETURN")
    await change(firm, "king", version, content={"levels": [1]})
    await firm.resubmit("buchanan", request)
    assert await firm.turns(request) == {"leverling"}
    with pytest.raises(OwnRequest):
        await firm.decide("king", request)


async def test_another_may_submit_what_was_returned_and_begins_a_request_of_their_own(firm):
    version = await draft(firm)
    request = await submit(firm, "buchanan", version)
    await firm.decide("leverling", request, "RETURN")
    other = await submit(firm, "fuller", version)
    assert (await firm.now(request), await firm.now(other)) == ("WITHDRAWN", "OPEN")
    assert (await rule(firm, version))[0] == "SUBMITTED"


async def test_withdrawn_thrown_away_and_refused(firm):
    version = await draft(firm)
    request = await submit(firm, "buchanan", version)
    with pytest.raises(Forbidden):
        await firm.act(rule_versions.withdraw_rule, "fuller", version_id=version)
    await firm.act(rule_versions.withdraw_rule, "buchanan", version_id=version)
    assert ((await rule(firm, version))[0], await firm.now(request)) == ("DRAFT", "WITHDRAWN")
    with pytest.raises(NotWaiting):
        await firm.act(rule_versions.withdraw_rule, "buchanan", version_id=version)
    again = await submit(firm, "buchanan", version)
    await firm.decide("leverling", again, "RETURN")
    await firm.act(rule_versions.discard_rule, "buchanan", version_id=version)
    assert await firm.now(again) == "WITHDRAWN"
    refused = await draft(firm)
    await firm.decide("leverling", await submit(firm, "buchanan", refused), "REFUSE", remark="No")
    assert (await rule(firm, refused))[:2] == ("REFUSED", "No")
    with pytest.raises(rules.RuleSettled):
        await submit(firm, "buchanan", refused)


async def test_repealing_is_asked_for_and_approved_by_somebody_else(firm):
    version = await draft(firm)
    await firm.decide("leverling", await submit(firm, "buchanan", version))

    async def repeal(name):
        return await firm.act(rule_versions.repeal_rule, name, version_id=version, reason="Too dear")

    with pytest.raises(Forbidden):
        await repeal("suyama")
    request = await repeal("buchanan")
    with pytest.raises(AlreadyAsked):
        await repeal("buchanan")
    assert (await rule(firm, version))[0] == "IN_FORCE"
    await firm.decide("leverling", request)
    assert (await rule(firm, version))[:2] == ("REPEALED", "Too dear")
    with pytest.raises(rules.RuleSettled):
        await repeal("buchanan")


async def test_a_company_cannot_take_the_decision_on_rules_from_its_management(firm):
    await firm.set_flow(
        Step(by=ROLE, roles=("FINANCE",)), Step(by=ROLE, roles=("OWNER",)), kind=rule_versions.VERSION
    )
    before = await firm.everything()
    for steps in (
        (Step(by=ROLE, roles=("FINANCE",)),),
        (Step(by=SUPERIOR),),
        (Step(by=ROLE, roles=("GENERAL_MANAGER", "FINANCE")),),
    ):
        with pytest.raises(Refused) as refused:
            await firm.set_flow(*steps, kind=rule_versions.VERSION)
        assert [(e.code, e.path) for e in refused.value.errors] == [("WRONG_LAST_STEP", ("input", "steps"))]
    assert await firm.everything() == before
    version = await draft(firm)
    request = await submit(firm, "buchanan", version)
    await firm.decide("callahan", request)
    assert (await rule(firm, version))[0] == "SUBMITTED"
    await firm.decide("fuller", request)
    assert (await rule(firm, version))[0] == "IN_FORCE"
