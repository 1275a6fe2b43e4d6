"""A request on its way: asked, decided by whoever may, returned, withdrawn, refused; never one's own."""

import asyncio
from uuid import UUID

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.ids import new_id
from kedang_tenants.approvals.asking import AlreadyAsked, NobodyToDecide, NotWaiting
from kedang_tenants.approvals.deciding import AlreadyDecided, NotYoursToDecide, OwnRequest, RemarkRequired
from kedang_tenants.approvals.flows import ROLE, SUPERIOR, Step
from kedang_tenants.changing import Change
from tests.approvals.conftest import ALONE, HEARD

pytestmark = pytest.mark.requirement("T11")


async def test_the_superior_decides_and_the_feature_hears_of_it(firm):
    request = await firm.ask(amount=500, payload={"gift": 1})
    assert await firm.turns(request) == {"buchanan"}
    assert HEARD == []
    await firm.decide("buchanan", request, remark="Good")
    assert await firm.now(request) == "APPROVED"
    assert await firm.turns(request) == set()
    assert await firm.history(request) == [("ASKED", 1, "davolio"), ("APPROVED", 1, "buchanan")]
    (heard,) = HEARD
    assert (heard.state, heard.decided_by, heard.asked_by) == (
        "APPROVED",
        firm.ids["buchanan"],
        firm.ids["davolio"],
    )
    assert (heard.payload, heard.amount, heard.remark, heard.nobody_else) == ({"gift": 1}, 500, "Good", False)


async def test_a_step_from_an_amount_on_comes_after_and_only_then(firm):
    request = await firm.ask(amount=1_000)
    await firm.decide("buchanan", request)
    assert (await firm.now(request), await firm.now(request, "step")) == ("OPEN", 2)
    assert await firm.turns(request) == {"callahan"}
    assert HEARD == []
    await firm.decide("callahan", request)
    assert await firm.history(request) == [
        ("ASKED", 1, "davolio"),
        ("APPROVED", 1, "buchanan"),
        ("APPROVED", 2, "callahan"),
    ]
    assert [heard.state for heard in HEARD] == ["APPROVED"]
    below = await firm.ask(amount=999)
    await firm.decide("buchanan", below)
    assert await firm.now(below) == "APPROVED"


async def test_whoever_may_decide_up_to_an_amount_leaves_more_to_those_above(firm):
    await firm.set_flow(Step(by=SUPERIOR), DEPARTMENT_MANAGER=100, GENERAL_MANAGER=10_000)
    decided = {
        amount: await firm.turns(await firm.ask(amount=amount)) for amount in (100, 101, 10_000, 10_001)
    }
    assert decided == {
        100: {"buchanan"},
        101: {"leverling"},
        10_000: {"leverling"},
        10_001: {"fuller"},  # the owner has no limit
    }


async def test_any_one_of_a_role_settles_the_step(firm):
    await firm.hire("peacock", "FINANCE")
    await firm.set_flow(Step(by=ROLE, roles=("FINANCE", "DEPARTMENT_MANAGER")))
    request = await firm.ask()
    assert await firm.turns(request) == {"callahan", "peacock", "buchanan"}
    await firm.decide("peacock", request)
    assert (await firm.now(request), await firm.turns(request)) == ("APPROVED", set())


async def test_nobody_decides_on_their_own_in_any_role(firm):
    await firm.set_flow(Step(by=ROLE, roles=("DEPARTMENT_MANAGER",)))
    request = await firm.ask("buchanan")
    assert await firm.turns(request) == {"leverling"}  # nobody else has the role
    before = await firm.everything()
    with pytest.raises(OwnRequest):
        await firm.decide("buchanan", request)
    assert await firm.everything() == before
    # Not even as the superior of everybody, or the owner, that they have become meanwhile.
    await firm.change_member("buchanan", roles=["OWNER", "GENERAL_MANAGER"], superior_id=None)
    await firm.change_member("leverling", superior_id=firm.ids["buchanan"])
    await firm.shop.work()
    before = await firm.everything()
    with pytest.raises(OwnRequest):
        await firm.decide("buchanan", request)
    assert await firm.everything() == before


async def test_those_who_prepared_it_do_not_decide_either(firm):
    request = await firm.ask(barred=[firm.ids["buchanan"], firm.ids["fuller"]])
    assert await firm.turns(request) == {"leverling"}
    before = await firm.everything()
    with pytest.raises(NotFound):
        await firm.decide("buchanan", request)
    with pytest.raises(OwnRequest):
        await firm.decide("fuller", request)  # who sees it
    assert await firm.everything() == before


async def test_others_do_not_decide_and_do_not_even_know_of_it(firm):
    request = await firm.ask(amount=1_000)
    before = await firm.everything()
    with pytest.raises(NotFound):
        await firm.decide("suyama", request)
    with pytest.raises(NotFound):
        await firm.decide("callahan", request)  # whose turn comes later
    with pytest.raises(NotYoursToDecide):
        await firm.decide("fuller", request)  # the owner sees it
    with pytest.raises(NotFound):
        await firm.decide("fuller", new_id(), stage=1)
    assert await firm.everything() == before


async def test_of_two_who_decide_at_once_one_counts_and_the_other_is_told(firm):
    for name in ("peacock", "dodsworth", "king"):
        await firm.hire(name, "FINANCE")
    await firm.set_flow(Step(by=ROLE, roles=("FINANCE",)), Step(by=ROLE, roles=("FINANCE",)))
    request = await firm.ask()
    names = ("callahan", "peacock", "dodsworth", "king")
    made = await asyncio.gather(
        *(
            firm.decide(name, request, "APPROVE" if n % 2 else "REFUSE", stage=1)
            for n, name in enumerate(names)
        ),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in made) == ["AlreadyDecided"] * 3 + ["UUID"]
    (winner,) = (n for n, each in enumerate(made) if isinstance(each, UUID))
    state = "APPROVED" if winner % 2 else "REFUSED"
    assert await firm.history(request) == [("ASKED", 1, "davolio"), (state, 1, names[winner])]
    assert await firm.now(request) == ("OPEN" if winner % 2 else "REFUSED")


async def test_whoever_decides_means_the_stage_that_they_have_seen(firm):
    await firm.hire("peacock", "FINANCE")
    await firm.set_flow(Step(by=ROLE, roles=("FINANCE",)), Step(by=ROLE, roles=("FINANCE",)))
    request = await firm.ask()
    await firm.decide("peacock", request, stage=1)
    assert await firm.turns(request) == {"callahan", "peacock"}
    before = await firm.everything()
    with pytest.raises(AlreadyDecided):  # who looked at the first step does not decide the second
        await firm.decide("callahan", request, stage=1)
    assert await firm.everything() == before
    await firm.decide("callahan", request, stage=2)
    assert await firm.now(request) == "APPROVED"


async def test_who_has_lost_the_role_or_the_seat_decides_no_more_and_the_step_moves_on(firm):
    for change in (
        {"roles": ["REPRESENTATIVE"], "superior_id": None},
        {"state": "SUSPENDED"},
        {"seat": "VIEW_ONLY"},
    ):
        await firm.hire(
            "peacock",
            "DEPARTMENT_MANAGER",
            superior_id=firm.ids["leverling"],
            email=f"{new_id().hex}@x.example",
        )
        await firm.change_member("suyama", superior_id=firm.ids["peacock"])
        request = await firm.ask("suyama", kind=ALONE)
        peacock = await firm.viewer("peacock")
        assert await firm.turns(request) == {"buchanan", "peacock"}
        await firm.change_member("peacock", **change)
        before = await firm.everything()
        with pytest.raises(NotYoursToDecide):  # as the gateway may still remember them
            await firm.decide(peacock, request)
        assert await firm.everything() == before
        await firm.shop.work()
        assert await firm.turns(request) == {"buchanan"}
        await firm.withdraw("suyama", request)


async def test_where_the_superior_leaves_it_goes_up_the_line(firm):
    request = await firm.ask()
    await firm.change_member("buchanan", state="SUSPENDED")
    await firm.shop.work()
    assert await firm.turns(request) == {"leverling"}
    await firm.change_member("leverling", state="SUSPENDED")
    await firm.shop.work()
    assert await firm.turns(request) == {"fuller"}
    await firm.decide("fuller", request)
    assert await firm.now(request) == "APPROVED"


async def test_returned_it_is_mended_and_submitted_again_from_the_first_step(firm):
    request = await firm.ask(amount=5_000)
    await firm.decide("buchanan", request)
    await firm.decide("callahan", request, "RETURN", remark="Smaller")
    assert (await firm.now(request), await firm.now(request, "remark")) == ("RETURNED", "Smaller")
    assert await firm.turns(request) == set()
    before = await firm.everything()
    for name in ("buchanan", "callahan"):
        with pytest.raises(AlreadyDecided):
            await firm.decide(name, request)
        with pytest.raises(Forbidden):
            await firm.resubmit(name, request)
    assert await firm.everything() == before
    await firm.resubmit("davolio", request, changes={"amount": 900}, remark="A smaller one")
    assert (await firm.now(request), await firm.turns(request)) == ("OPEN", {"buchanan"})
    await firm.decide("buchanan", request)
    assert await firm.history(request) == [
        ("ASKED", 1, "davolio"),
        ("APPROVED", 1, "buchanan"),
        ("RETURNED", 2, "callahan"),
        ("RESUBMITTED", 1, "davolio"),
        ("APPROVED", 1, "buchanan"),
    ]
    assert [(h.state, h.amount) for h in HEARD] == [("RETURNED", 5_000), ("APPROVED", 900)]


async def test_withdrawn_and_refused_are_ends(firm):
    withdrawn, refused = await firm.ask(), await firm.ask()
    await firm.withdraw("davolio", withdrawn)
    await firm.decide("buchanan", refused, "REFUSE", remark="Too dear")
    assert [await firm.now(each) for each in (withdrawn, refused)] == ["WITHDRAWN", "REFUSED"]
    assert [await firm.turns(each) for each in (withdrawn, refused)] == [set(), set()]
    before = await firm.everything()
    for request in (withdrawn, refused):
        with pytest.raises(AlreadyDecided):
            await firm.decide("buchanan", request)
        with pytest.raises(NotWaiting):
            await firm.withdraw("davolio", request)
        with pytest.raises(NotWaiting):
            await firm.resubmit("davolio", request)
        change = Change("approval_request", "update", request, values={"state": "OPEN"})
        with pytest.raises(Refused) as refusal:
            await firm.shop.change(change, internally=True)
        assert [error.code for error in refusal.value.errors] == ["DECIDED"]
    assert await firm.everything() == before
    with pytest.raises(Forbidden):
        await firm.withdraw("buchanan", await firm.ask())


async def test_history_is_never_changed(firm):
    await firm.ask()
    (event,) = await firm.shop.fetch("SELECT id FROM approval_event")
    for action, values in (("update", {"remark": "x"}), ("archive", {})):
        with pytest.raises(Refused) as refusal:
            await firm.shop.change(
                Change("approval_event", action, event["id"], values=values), internally=True
            )
        assert [error.code for error in refusal.value.errors] == ["HISTORY_IS_KEPT"]


async def test_a_refusal_and_a_return_say_why(firm):
    request = await firm.ask()
    before = await firm.everything()
    for decision in ("REFUSE", "RETURN"):
        with pytest.raises(RemarkRequired):
            await firm.decide("buchanan", request, decision, remark="  ")
    assert await firm.everything() == before


async def test_what_the_feature_refuses_undoes_the_decision(firm):
    request = await firm.ask(payload={"unfit": True})
    before = await firm.everything()
    with pytest.raises(NotWaiting):
        await firm.decide("buchanan", request)
    assert await firm.everything() == before


async def test_the_same_is_asked_once(firm):
    customer = await firm.shop.create("customer", name="Alfreds")
    asked = await firm.ask(subject=("customer", customer))
    with pytest.raises(AlreadyAsked):
        await firm.ask(subject=("customer", customer))
    other = await firm.ask("suyama", subject=("customer", customer))
    assert await firm.now(other) == "OPEN"
    await firm.withdraw("davolio", asked)
    await firm.ask(subject=("customer", customer))


async def test_where_nobody_else_could_decide_it_is_not_taken_or_done_at_once(firm):
    for name in ("leverling", "buchanan", "davolio", "callahan", "suyama"):
        await firm.change_member(name, state="SUSPENDED")
    before = await firm.everything()
    with pytest.raises(NobodyToDecide):
        await firm.ask("fuller")
    assert await firm.everything() == before
    request = await firm.ask("fuller", kind=ALONE)
    assert (await firm.now(request), await firm.now(request, "nobody_else")) == ("APPROVED", True)
    assert await firm.history(request) == [("ASKED", 1, "fuller"), ("NOBODY_ELSE", 1, None)]
    assert [(h.state, h.nobody_else, h.decided_by) for h in HEARD] == [("APPROVED", True, None)]


async def test_what_no_step_applies_to_is_approved_at_once(firm):
    await firm.set_flow(Step(by=SUPERIOR, from_amount=100))
    request = await firm.ask(amount=99)
    assert (await firm.now(request), await firm.now(request, "nobody_else")) == ("APPROVED", False)
    assert await firm.history(request) == [("ASKED", 1, "davolio"), ("NO_STEP", 1, None)]


async def test_what_is_asked_keeps_the_flow_by_which_it_was_asked(firm):
    request = await firm.ask(amount=100)
    await firm.set_flow(Step(by=ROLE, roles=("FINANCE",)))
    assert await firm.now(request, "flow_version") == 0
    await firm.decide("buchanan", request)
    assert await firm.now(request) == "APPROVED"
    later = await firm.ask(amount=100)
    assert (await firm.turns(later), await firm.now(later, "flow_version")) == ({"callahan"}, 1)


async def test_the_asker_and_those_whose_turn_it_is_are_told_once(firm):
    request = await firm.ask(amount=1_000)
    await firm.shop.work()

    async def told() -> list[tuple[str, str, str]]:
        rows = await firm.shop.fetch(
            "SELECT member_id, kind, title ->> 'en' AS title FROM notice ORDER BY id"
        )
        names = {member: name for name, member in firm.ids.items()}
        return [(names[row["member_id"]], row["kind"], row["title"]) for row in rows]

    waiting = "An approval waits for you: A box of tea"
    assert await told() == [("buchanan", "APPROVAL_WAITING", waiting)]
    await firm.decide("buchanan", request)
    await firm.decide("callahan", request)
    await firm.shop.work()
    assert await told() == [
        ("buchanan", "APPROVAL_WAITING", waiting),
        ("callahan", "APPROVAL_WAITING", waiting),
        ("davolio", "APPROVAL_DECIDED", "Approved: A box of tea"),
    ]
