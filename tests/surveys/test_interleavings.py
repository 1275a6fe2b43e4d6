"""Whatever comes between: steps that are lost, a sending held and resumed, jobs repeated, answers. Nobody gets a mail twice."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedang_platform.mail import FolderMailer
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change
from kedang_tenants.surveys import sending_out
from kedang_tenants.surveys.links import invitation_of
from kedang_tenants.surveys.reminding import REMIND
from kedang_tenants.surveys.sending import SendingOver, pause_sending, resume_sending
from tests.support.database import SECRET
from tests.support.surveying import Survey, later, survey
from tests.surveys.test_sending import act, people, rule, sent, start, step

DEEDS = st.sampled_from(
    ["step", "lost step", "pause", "resume", "work", "mail again", "look", "remind", "answer"]
)
COUNT = 3


class Lost(Exception):
    """The process died before its transaction was committed."""


class Run:
    """A sending under way, and every mail that was handed over since it began, by its key."""

    def __init__(self, asked, sending, handed):
        self.asked = asked
        self.shop = asked.shop
        self.sending = sending
        self.handed = handed
        self.answered = {}

    async def do(self, deed):
        if deed == "step":
            await step(self.asked, self.sending)
        elif deed == "lost step":
            with pytest.raises(Lost):
                await self._lose()
        elif deed in {"pause", "resume"}:
            await self._try(pause_sending if deed == "pause" else resume_sending)
        elif deed == "mail again":
            async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
                await sending_out.mail_again(
                    write, sending_id=self.sending, after=None, clock=self.shop.clock
                )
        elif deed == "answer":
            await self._answer()
        elif deed == "remind":
            await self.remind()
        else:
            await later(self.shop, seconds=20 if deed == "look" else 0)

    async def _lose(self):
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            await sending_out.send_part(
                write,
                company=self.shop.company,
                sending_id=self.sending,
                secret=SECRET,
                clock=self.shop.clock,
            )
            raise Lost

    async def _try(self, verb):
        try:
            await act(self.asked, verb, self.sending)
        except SendingOver:
            return

    async def remind(self):
        await later(self.shop, days=3)
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            await enqueue(write, NewJob(REMIND))
        await later(self.shop, seconds=20)

    async def rows(self):
        return await self.shop.fetch(
            "SELECT * FROM survey_invitation WHERE sending_id = $1 ORDER BY id", self.sending
        )

    async def _answer(self):
        waiting = [row["id"] for row in await self.rows() if row["state"] == "SENT"]
        if waiting:
            self.answered[waiting[0]] = len(self.handed)
            answered = Change("survey_invitation", "update", waiting[0], values={"state": "ANSWERED"})
            await self.shop.change(answered, internally=True)


async def _asked(shop):
    row = (await shop.fetch("SELECT id, current_version_id FROM questionnaire WHERE active"))[0]
    return Survey(shop, row["id"], row["current_version_id"])


@pytest.mark.requirement("V3", "O1")
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deeds=st.lists(DEEDS, min_size=4, max_size=9))
async def test_each_is_invited_once_and_nobody_is_reminded_after_the_answer(shop, monkeypatch, deeds):
    handed = []
    send = FolderMailer.send

    async def noted(self, mail, /, *, key):
        handed.append(key)
        return await send(self, mail, key=key)

    with monkeypatch.context() as patch:
        patch.setattr(FolderMailer, "send", noted)
        patch.setattr(sending_out, "STEP", 2)
        if not await shop.fetch("SELECT 1 FROM questionnaire"):
            await rule(shop, most={"mails": 50, "days": 1})
            await survey(shop, cooldown_days=0, remind_after_days=2, reminders_at_most=1)
            await people(shop, COUNT)
        await later(shop, days=30)
        asked = await _asked(shop)
        run = Run(asked, await start(asked), handed)
        for deed in deeds:
            await run.do(deed)
        await run.do("resume")
        await run.do("look")
        await run.remind()
    rows = await run.rows()
    assert len({row["customer_id"] for row in rows}) == len(rows) == COUNT
    assert (await sent(shop, run.sending))["state"] == "DONE"
    own = [(place, *invitation_of(key)) for place, key in enumerate(handed)]
    ids = {row["id"] for row in rows}
    assert {each for _, each, reminder in own if not reminder} & ids == ids
    assert max(Counter(handed).values()) == 1
    assert [each for place, each, _ in own if place >= run.answered.get(each, place + 1)] == []
