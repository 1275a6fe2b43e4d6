"""Whatever happens to requests in whatever order: nobody decides on their own, ends stay, each decision counts once."""

from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kedang_platform.errors import KedangError
from kedang_platform.ids import new_id
from kedang_tenants.approvals.deciders import Person, Question, Staff, deciders, who_may_decide
from kedang_tenants.approvals.flows import ROLE, SUPERIOR, Flow, Step
from tests.approvals.conftest import GIFT, HEARD

pytestmark = pytest.mark.requirement("T11")
ENDS = {"APPROVED", "REFUSED", "WITHDRAWN"}
DECIDED = {*ENDS, "RETURNED"}
STEPS = (*["ask"] * 2, *["decide"] * 7, "withdraw", "resubmit", "people", "deputy", "day")
PEOPLE = ("fuller", "leverling", "buchanan", "davolio", "callahan", "suyama")
ROLES = ("OWNER", "GENERAL_MANAGER", "DEPARTMENT_MANAGER", "FINANCE", "REPRESENTATIVE")
IDS = tuple(new_id() for _ in range(6))

# Who may decide, over all staffs

person = st.tuples(
    st.frozensets(st.sampled_from(ROLES), max_size=2), st.none() | st.sampled_from(IDS), st.booleans()
)
staffs = st.builds(
    lambda people, deputies: Staff(
        {i: Person(i, roles, above, able) for i, (roles, above, able) in zip(IDS, people, strict=True)},
        tuple(deputies),
    ),
    st.tuples(*[person] * len(IDS)),
    st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)), max_size=4),
)
steps = st.one_of(
    st.just(Step(by=SUPERIOR)),
    st.builds(
        lambda roles: Step(by=ROLE, roles=tuple(sorted(roles))), st.sets(st.sampled_from(ROLES), min_size=1)
    ),
)
limits = st.dictionaries(st.sampled_from(ROLES), st.none() | st.integers(0, 100), max_size=3)
questions = st.builds(
    lambda step, limits, asked_by, others, amount, escalation: Question(
        step=step,
        flow=Flow(steps=(step,), limits=limits),
        asked_by=asked_by,
        barred=frozenset({asked_by, *others}),
        amount=amount,
        escalation=escalation,
    ),
    steps,
    limits,
    st.sampled_from(IDS),
    st.sets(st.sampled_from(IDS), max_size=2),
    st.none() | st.integers(0, 100),
    st.integers(0, 3),
)


@given(staffs, questions)
@settings(max_examples=200)
def test_whoever_may_decide_is_able_not_barred_and_within_their_limit(staff, question):
    may = who_may_decide(staff, question)
    for member, in_place_of in may.items():
        assert staff.people[member].able
        assert member not in question.barred
        acts_for = staff.people[in_place_of or member]
        assert acts_for.able
        assert acts_for.id not in question.barred
        assert in_place_of is None or (in_place_of, member) in staff.deputies
        if question.amount is not None and question.flow.limits and "OWNER" not in acts_for.roles:
            reach = [question.flow.limits[role] for role in acts_for.roles if role in question.flow.limits]
            assert any(most is None or question.amount <= most for most in reach)
    owners = [
        p for p in staff.people.values() if "OWNER" in p.roles and p.able and p.id not in question.barred
    ]
    assert bool(may) or not owners, "an owner who may decide is found in the end"


@given(staffs, questions)
@settings(max_examples=100)
def test_passing_on_adds_people_and_takes_none_away(staff, question):
    reach = [
        deciders(
            staff,
            Question(
                step=question.step,
                flow=question.flow,
                asked_by=question.asked_by,
                barred=question.barred,
                amount=question.amount,
                escalation=n,
            ),
        )
        for n in range(4)
    ]
    assert all(fewer <= more for fewer, more in pairwise(reach))


# The life of requests


class Life:
    """A few requests and the people around them, driven at random; after each step everything is looked at."""

    def __init__(self, firm, chance: Random) -> None:
        self.firm, self.chance = firm, chance
        self.ended: dict = {}
        self.events: list = []

    async def step(self) -> None:
        await getattr(self, self.chance.choice(STEPS))()
        await self.check()

    async def one(self):
        rows = await self.firm.shop.fetch(
            "SELECT id, stage, state, asked_by_id FROM approval_request ORDER BY id"
        )
        return self.chance.choice(rows) if rows else None

    async def attempt(self, work) -> None:
        with suppress(KedangError):
            await work

    async def actives(self) -> list[str]:
        rows = await self.firm.shop.fetch("SELECT id FROM member WHERE state = 'ACTIVE'")
        active = {row["id"] for row in rows}
        return [name for name in PEOPLE if self.firm.ids[name] in active]

    async def active(self) -> str:
        return self.chance.choice(await self.actives())

    async def asker(self, found) -> str:
        """Mostly whoever asked, while they are active."""
        asked = [n for n in await self.actives() if self.firm.ids[n] == found["asked_by_id"]]
        return asked[0] if asked and self.chance.random() < 0.8 else await self.active()

    async def decider(self, found) -> str:
        """Mostly one of those whose turn it is, sometimes anybody."""
        turns = [turn if isinstance(turn, str) else turn[0] for turn in await self.firm.turns(found["id"])]
        able = sorted({*turns} & {*await self.actives()})
        return self.chance.choice(able) if able and self.chance.random() < 0.8 else await self.active()

    async def ask(self) -> None:
        amount = self.chance.choice([None, 0, 999, 1_000, 5_000])
        finance = ["callahan"] * 3  # who would decide the second step of their own
        asker = self.chance.choice([n for n in [*PEOPLE, *finance] if n in await self.actives()])
        await self.attempt(self.firm.ask(asker, kind=GIFT, amount=amount))

    async def decide(self) -> None:
        found = await self.one()
        if found:
            stage = max(1, found["stage"] - self.chance.choice([0, 0, 0, 1]))
            decision = self.chance.choice(["APPROVE", "APPROVE", "APPROVE", "RETURN", "REFUSE"])
            await self.attempt(
                self.firm.decide(await self.decider(found), found["id"], decision, stage=stage)
            )

    async def withdraw(self) -> None:
        found = await self.one()
        if found and self.chance.random() < 0.3:
            await self.attempt(self.firm.withdraw(await self.asker(found), found["id"]))

    async def resubmit(self) -> None:
        found = await self.one()
        if found:
            await self.attempt(self.firm.resubmit(await self.asker(found), found["id"]))

    async def people(self) -> None:
        name = self.chance.choice(PEOPLE[1:])
        change = self.chance.choice(
            [
                {"state": "SUSPENDED"},
                {"state": "ACTIVE"},
                {"roles": [self.chance.choice(ROLES)]},
                {"seat": self.chance.choice(["FULL", "VIEW_ONLY"])},
                {"superior_id": self.firm.ids[self.chance.choice(PEOPLE)]},
            ]
        )
        await self.attempt(self.firm.change_member(name, **change))

    async def deputy(self) -> None:
        await self.attempt(self.firm.deputise(await self.active(), self.chance.choice(PEOPLE)))

    async def day(self) -> None:
        self.firm.shop.clock.move(timedelta(days=1))

    async def check(self) -> None:
        shop = self.firm.shop
        requests = {row["id"]: row for row in await shop.fetch("SELECT * FROM approval_request")}
        events = await shop.fetch("SELECT * FROM approval_event ORDER BY created_at, id")
        assert events[: len(self.events)] == self.events, "history is never changed"
        self.events = events
        for request_id, row in self.ended.items():
            assert requests[request_id] == row, "what has ended stays as it ended"
        self.ended = {i: row for i, row in requests.items() if row["state"] in ENDS}
        for request_id, row in requests.items():
            self._check_one(row, [event for event in events if event["request_id"] == request_id])
        heard: dict = {}
        for one in HEARD:
            heard.setdefault(one.id, []).append(one.state)
        for request_id, row in requests.items():
            told = heard.get(request_id, [])
            assert told.count("APPROVED") == (row["state"] == "APPROVED")
            assert sum(state in ENDS for state in told) == (row["state"] in ENDS)

    def _check_one(self, row, events) -> None:
        decisions = [event for event in events if event["kind"] in DECIDED]
        for event in decisions:
            by_asker = row["asked_by_id"] in {event["member_id"], event["for_member_id"]}
            assert by_asker == (event["kind"] == "WITHDRAWN"), "never one's own"
        stages = [event["stage"] for event in decisions]
        assert stages == sorted(set(stages)), "each stage is decided once"
        ends = [event["kind"] for event in decisions if event["kind"] in {"REFUSED", "WITHDRAWN"}]
        assert ends == ([row["state"]] if row["state"] in {"REFUSED", "WITHDRAWN"} else [])
        if row["state"] == "APPROVED":
            begun = max(n for n, event in enumerate(events) if event["kind"] in {"ASKED", "RESUBMITTED"})
            approved = {event["step"] for event in events[begun:] if event["kind"] == "APPROVED"}
            assert approved == ({1, 2} if (row["amount"] or 0) >= 1_000 else {1})


@given(chance=st.randoms(use_true_random=True))
@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_the_life_of_requests(firm, chance):
    HEARD.clear()
    async with firm.shop.databases.tenant_write(firm.shop.company.ref) as write:
        for table in ("event", "turn", "request", "deputy"):
            await write.fetch(f"DELETE FROM approval_{table}")
        await write.fetch("UPDATE member SET state = 'ACTIVE', seat = 'FULL'")
    life = Life(firm, chance)
    for _ in range(2):  # whose second step the asker could decide, were it not their own
        await firm.ask("callahan", kind=GIFT, amount=5_000)
    for _ in range(30):
        await life.step()
