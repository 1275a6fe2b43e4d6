"""Whatever happens in whatever order, no money comes from nowhere and none is lost (T4)."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedang_platform.licensing.invoices import CreditTooLarge
from kedang_platform.licensing.payment_errors import AlreadyConfirmed, NothingOpen, PaymentReversed
from tests.invoices.conftest import Books

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("issue"), st.lists(st.integers(1, 500), min_size=1, max_size=3)),
        st.tuples(st.just("pay"), st.integers(0, 9), st.one_of(st.none(), st.integers(1, 900))),
        st.tuples(st.just("credit"), st.integers(0, 9), st.one_of(st.none(), st.integers(1, 900))),
        st.tuples(st.just("reverse"), st.integers(0, 9)),
        st.tuples(st.just("order"), st.integers(1, 2)),
    ),
    min_size=4,
    max_size=14,
)
_EMPTY = (
    "TRUNCATE platform.invoice, platform.invoice_line, platform.payment, platform.payment_step,"
    " platform.allocation, platform.invoice_number, platform.seat_order, platform.subscription, platform.plan_version CASCADE"
)
_SUMS = """
SELECT (SELECT coalesce(sum(amount), 0) FROM platform.allocation)::bigint AS allocated,
       (SELECT coalesce(sum(p.amount), 0) FROM platform.payment p WHERE NOT EXISTS
          (SELECT FROM platform.payment_step s WHERE s.payment_id = p.id AND s.step = 'reversed'))::bigint AS paid,
       (SELECT coalesce(sum(gross), 0) FROM platform.invoice WHERE kind = 'credit_note')::bigint AS credited
"""


class Life(Books):
    """A company's account, and beside it what was done to it."""

    def __init__(self, databases, company):
        super().__init__(databases, company)
        self.invoices, self.payments = [], []

    async def begin(self):
        async with self.databases.owner() as owner:
            await owner.execute(_EMPTY)
        await self.subscribe()

    async def step(self, name, *arguments):
        if name == "issue":
            self.invoices.append(await self.issue(*arguments[0]))
        elif name == "order":
            self.invoices.append(await self.found(await self.order(arguments[0], "month")))
        elif name == "reverse" and self.payments:
            await self.try_to(PaymentReversed, self.reverse(self.payments[arguments[0] % len(self.payments)]))
        elif self.invoices and name in {"pay", "credit"}:
            invoice = self.invoices[arguments[0] % len(self.invoices)]
            await self.touch(name, invoice, arguments[1])
        await self.check()

    async def touch(self, name, invoice, amount):
        if name == "credit":
            await self.try_to(CreditTooLarge, self.credit(invoice, amount))
            return
        done = await self.try_to((AlreadyConfirmed, NothingOpen), self.receive(invoice, amount, again=True))
        if done is not None:
            self.payments.append(done.payment)

    async def try_to(self, refusal, work):
        try:
            return await work
        except refusal:
            return None

    async def check(self):
        async with self.databases.control_read() as read:
            sums = await read.fetchrow(_SUMS)
            rows = await read.fetch("SELECT * FROM platform.invoice ORDER BY series, sequence")
            paid = dict(
                await read.fetch(
                    "SELECT invoice_id, sum(amount)::bigint FROM platform.allocation GROUP BY invoice_id"
                )
            )
            lines = await read.fetch(
                "SELECT invoice_id, sum(gross)::bigint AS gross FROM platform.invoice_line GROUP BY invoice_id"
            )
        balance = await self.balance()
        assert balance >= 0
        assert sums["paid"] + sums["credited"] == sums["allocated"] + balance
        assert {row["invoice_id"]: row["gross"] for row in lines} == {row["id"]: row["gross"] for row in rows}
        for series in ("INV", "CN"):
            numbers = [row["sequence"] for row in rows if row["series"] == series]
            assert numbers == list(range(1, len(numbers) + 1))
        for row in rows:
            if row["kind"] == "invoice":
                self.check_invoice(row, rows, row["gross"] - paid.get(row["id"], 0))

    def check_invoice(self, row, rows, owed):
        credited = sum(note["gross"] for note in rows if note["corrects"] == row["id"])
        assert 0 <= owed <= row["gross"]
        assert credited <= row["gross"]
        assert (row["credited_at"] is not None) == (credited == row["gross"])
        if row["credited_at"] is None:
            assert (row["paid_at"] is not None) == (owed == 0)


@pytest.mark.requirement("T4")
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS, rate=st.sampled_from([Decimal(0), Decimal(13), Decimal("17.5")]))
async def test_payments_and_credit_are_conserved(databases, company, steps, rate):
    life = Life(databases, company).with_rules(tax_rates={"CN": rate})
    await life.begin()
    for step in steps:
        await life.step(*step)
