"""Eight who do all that can be done with a few customers, at the same time, each as fast as they can."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from kedang_platform.database import DatabaseBusy
from kedang_platform.errors import KedangError
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change, change
from kedang_tenants.followups.planning import plan_next
from kedang_tenants.grading.by_hand import end_grade_by_hand, grade_by_hand
from kedang_tenants.grading.schemes import REGRADE
from kedang_tenants.hot.asking import clear_hot, mark_hot
from kedang_tenants.pool.claiming import claim_customer
from kedang_tenants.pool.looking import look_at
from kedang_tenants.pool.releasing import release_customer
from kedang_tenants.pool.renewing import RENEW, renew
from kedang_tenants.pool.sharing import Share, share_out_customers
from kedang_tenants.pool.sweeping import SWEEP
from kedang_tenants.trade.demand_life import lose, win
from tests.support.trading import Shop
from tests.support.workers import run_jobs

Verb = Callable[..., Awaitable[Any]]


@dataclass
class Together:
    """``done`` counts the deeds that held, ``refused`` what was said no to, ``circles`` those that the database ended."""

    shop: Shop
    people: list[UUID]
    customers: list[UUID]
    scheme: UUID
    levels: list[UUID]
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    circles: list[str] = field(default_factory=list)

    async def run(self, rounds: int) -> None:
        actors = (self.call, self.plan, self.mark, self.pool, self.deal, self.grade, self.edit, self.night)
        await asyncio.gather(*(self._act(actor, rounds) for actor in actors))
        await self._work()

    async def _act(self, actor: Verb, rounds: int) -> None:
        for _ in range(rounds):
            try:
                await actor()
            except DatabaseBusy as busy:
                self.circles.append(f"{actor.__name__}: {busy.__cause__}")
            except KedangError as error:
                self.refused[f"{actor.__name__} {error.code}"] += 1
            else:
                self.done[actor.__name__] += 1

    async def _write(self, verb: Verb, **said: object) -> Any:
        viewer = await self.shop.as_member(self.chance.choice(self.people))
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            return await verb(write, viewer, clock=self.shop.clock, **said)

    async def _change(self, *changes: Change) -> None:
        await self._write(_changing, changes=changes)

    def _one(self) -> UUID:
        return self.chance.choice(self.customers)

    async def _some(self, sql: str) -> UUID | None:
        rows = await self.shop.fetch(sql)
        return self.chance.choice(rows)["id"] if rows else None

    async def call(self) -> None:
        """Record contacts: of one customer, of two at once, of a plan; or take the last one back."""
        plan = await self._some(
            "SELECT id FROM follow_up_plan WHERE state = 'PLANNED' AND archived_at IS NULL"
        )
        customer = self._one()
        said = {"way": "CALL", "at": self.shop.clock.now(), "needs": "Pumps"}
        if plan is not None and self.chance.random() < 0.5:
            customer = await self.shop.value("SELECT customer_id FROM follow_up_plan WHERE id = $1", plan)
            said |= {"plan_id": plan}
        calls = [Change("follow_up_record", "create", values=said | {"customer_id": customer})]
        if self.chance.random() < 0.3:
            other = {"way": "CALL", "at": self.shop.clock.now(), "customer_id": self._one()}
            calls.append(Change("follow_up_record", "create", values=other))
        await self._change(*calls)
        if self.chance.random() < 0.3:
            last = await self._some("SELECT id FROM follow_up_record WHERE archived_at IS NULL")
            await self._change(Change("follow_up_record", "archive", last))

    async def plan(self) -> None:
        """Plan by hand, move and end what is planned, several at once in any order."""
        due = self.shop.clock.now().date() + timedelta(days=self.chance.randrange(20))
        await self._change(
            Change("follow_up_plan", "create", values={"customer_id": self._one(), "due_on": due})
        )
        rows = await self.shop.fetch(
            "SELECT id FROM follow_up_plan WHERE state = 'PLANNED' AND origin = 'MANUAL' AND archived_at IS NULL"
        )
        some = self.chance.sample(rows, min(len(rows), 3))
        values = self.chance.choice([{"due_on": due}, {"state": "CANCELLED"}, {"purpose": "Prices"}])
        await self._change(*(Change("follow_up_plan", "update", row["id"], values=values) for row in some))

    async def mark(self) -> None:
        if self.chance.random() < 0.6:
            await self._write(mark_hot, customer_id=self._one(), reason="A large order")
        else:
            await self._write(clear_hot, customer_id=self._one())

    async def pool(self) -> None:
        pooled = await self._some("SELECT id FROM customer WHERE pool_since IS NOT NULL")
        if pooled is None or self.chance.random() < 0.4:
            await self._write(release_customer, customer_id=self._one())
        elif self.chance.random() < 0.5:
            await self._write(look_at, customer_id=pooled)
            await self._write(claim_customer, customer_id=pooled)
        else:
            await self._write(share_out_customers, shares=[Share(one) for one in self.people[1:]], number=2)

    async def deal(self) -> None:
        """Open demands, win and lose them, enter orders of several customers."""
        orders = [
            Change("order", "create", values={"number": f"{self.chance.random()}", "customer_id": each, "ordered_on": self.shop.clock.now().date(), "state": "OPEN"})
            for each in self.chance.sample(self.customers, 3)
        ]  # fmt: skip
        await self._change(*orders)
        await self._change(Change("demand", "create", values={"customer_id": self._one(), "title": "Pumps"}))
        demand = await self._some("SELECT id FROM demand WHERE state = 'OPEN'")
        if self.chance.random() < 0.5:
            await self._write(win, demand_id=demand)
        else:
            await self._write(lose, demand_id=demand, reason="Price")

    async def grade(self) -> None:
        until = self.shop.clock.now().date() + timedelta(days=30)
        if self.chance.random() < 0.7:
            said = {"level_id": self.chance.choice(self.levels), "reason": "They grow", "until": until}
            await self._write(grade_by_hand, customer_id=self._one(), **said)
        else:
            await self._write(end_grade_by_hand, customer_id=self._one(), scheme_id=self.scheme)

    async def edit(self) -> None:
        """Edit several customers at once, give one to somebody else, put one away and take it back."""
        some = self.chance.sample(self.customers, 3)
        await self._change(*(Change("customer", "update", one, values={"city": "Berlin"}) for one in some))
        owner = {"owner_id": self.chance.choice([*self.people, None])}
        await self._change(Change("customer", "update", self._one(), values=owner))
        if self.chance.random() < 0.3:
            one = self._one()
            await self._change(Change("customer", "archive", one))
            await self._change(Change("customer", "restore", one))

    async def night(self) -> None:
        """What runs by itself: grading, planning afresh, days of return, the sweep, and all that events bring about."""
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            jobs = [
                NewJob(REGRADE, {"scheme": str(self.scheme)}),
                NewJob("followups.replan"),
                NewJob(RENEW),
                NewJob(SWEEP),
            ]
            await enqueue(write, *self.chance.sample(jobs, 2))
        await asyncio.gather(self._work(), self._work())

    async def _work(self) -> None:
        drained = await run_jobs(self.shop.databases, clock=self.shop.clock, settings=self.shop.settings)
        self.circles += [f"job: {failure.__cause__ or failure!r}" for failure in drained.failures]

    async def wrong(self) -> dict[str, list[dict[str, Any]]]:
        """What does not hold of the data, in words; nothing where all is right."""
        found = {name: await self.shop.fetch(sql) for name, sql in _WRONG.items()}
        product = await self.shop.product()
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            if await renew(write, product, self.customers, clock=self.shop.clock):
                found["days of return were stale"] = [{}]
            if await plan_next(write, product, self.customers, clock=self.shop.clock):
                found["plans were stale"] = [{}]
        return {name: rows for name, rows in found.items() if rows}


async def _changing(write, viewer, *, changes, clock):
    await change(write, viewer, changes, clock=clock)


_WRONG = {
    "two current grades": """
SELECT customer_id, count(*) FROM customer_grade WHERE current GROUP BY customer_id, scheme_id HAVING count(*) > 1""",
    "shown with another grade": """
SELECT c.id FROM customer c
LEFT JOIN customer_grade g ON g.customer_id = c.id AND g.current
     AND g.scheme_id = (SELECT id FROM grade_scheme WHERE leads AND archived_at IS NULL)
WHERE c.archived_at IS NULL AND c.grade_level_id IS DISTINCT FROM g.level_id""",
    "two plans of the cycle": """
SELECT customer_id FROM follow_up_plan WHERE origin = 'CYCLE' AND state = 'PLANNED' AND archived_at IS NULL
GROUP BY customer_id HAVING count(*) > 1""",
    "another next follow-up": """
SELECT c.id FROM customer c WHERE c.next_follow_up_on IS DISTINCT FROM (
    SELECT min(p.due_on) FROM follow_up_plan p
    WHERE p.customer_id = c.id AND p.state = 'PLANNED' AND p.archived_at IS NULL)""",
    "another last contact": """
SELECT c.id FROM customer c WHERE c.last_contact_at IS DISTINCT FROM (
    SELECT max(r.at) FROM follow_up_record r WHERE r.customer_id = c.id AND r.reached AND r.archived_at IS NULL)""",
    "owned and in the pool": "SELECT id FROM customer WHERE owner_id IS NOT NULL AND pool_since IS NOT NULL",
    "a day of return without an owner": "SELECT id FROM customer WHERE owner_id IS NULL AND pool_return_on IS NOT NULL",
    "hot without an open mark, or a mark without": """
SELECT c.id FROM customer c LEFT JOIN hot_mark m ON m.customer_id = c.id AND m.ended_on IS NULL
WHERE (c.hot_since IS NULL) <> (m.id IS NULL)""",
    "hot and nobody's": "SELECT id FROM customer WHERE hot_since IS NOT NULL AND archived_at IS NOT NULL",
}


async def open_together(shop: Shop, *, seed: int) -> Together:
    """A shop of three managers who may do everything, and six customers."""
    scheme = await shop.publish_default_scheme()
    roles = ("ADMIN", "DEPARTMENT_MANAGER")
    people = [await shop.hire(name, *roles, contacts_per_day=2) for name in ("Nancy", "Janet", "Steven")]
    owners = [people[number % 3] for number in range(6)]
    rows = [
        {"name": f"C{number}", "roles": ["BUYER"], "owner_id": owner} for number, owner in enumerate(owners)
    ]
    customers = await shop.create_many("customer", rows)
    await shop.work()
    levels = [row["id"] for row in await shop.fetch("SELECT id FROM grade_level WHERE archived_at IS NULL")]
    return Together(shop, people, customers, scheme, levels, random.Random(seed))
