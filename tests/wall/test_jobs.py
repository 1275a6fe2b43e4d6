"""A job that names another company's things in its payload does nothing to them, and tells nothing of them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from kedang_platform.ids import new_id
from kedang_platform.mail import Letter, Outgoing, post
from kedang_platform.work import NewJob, enqueue
from kedang_workers import handlers
from tests.support.digests import PLATFORM, digests
from tests.support.workers import run_jobs
from tests.wall.sides import Side

# Kinds that find their work by themselves: their payload names nothing that has an id.
WITHOUT_IDS = {
    "classing.nightly",
    "classing.rfm",
    "correspondence.forget_old",
    "dailies.day",
    "dailies.make",
    "files.sweep",
    "followups.day",
    "followups.escalate",
    "followups.remind",
    "grading.end_by_hand",
    "grading.morning",
    "grading.nightly",
    "grading.tidy_trials",
    "hot.expire",
    "pool.nightly",
    "pool.renew",
    "pool.sweep",
    "service.escalate",
    "service.replan",
    "surveys.remind",
    "verification.replan",
    "watching.nightly",
    "surveys.expire",
    "surveys.maintenance",
    "protection.retention",
    "notices.digest",
    "notices.own_digests",
    "reports.tidy",
    "webhooks.tidy",
    "measuring.tidy",
    "changing.forget_answers",
    "changing.seal",
    "changing.seal_all",
    "people.forget_old",
    "people.tell_licence",
    "licensing.advance",
    "work.remove_ended",
    "approvals.follow",
    "registry.delete_due",
    "registry.keep_spares",
    "licensing.find_overdue",
}


def uuid_of(side: Side, prefix: str) -> UUID:
    return UUID(hex=side.ids[prefix].partition("_")[2])


async def payloads(own: Side, other: Side) -> dict[str, list[dict[str, Any]]]:
    """For every kind of job, payloads that name things of the other company."""
    databases = other.factory.databases
    async with databases.tenant_read(other.factory.company.ref) as read:
        transaction = await read.fetchval("SELECT transaction FROM audit ORDER BY sequence DESC LIMIT 1")
    company, member = str(other.factory.company.id), str(other.owner.id)
    follow = {"company": company, "member": member}
    new = {
        "name": "Mallory",
        "email": "mallory@x.example",
        "roles": ["OWNER"],
        "language": "EN",
        "department_id": None,
    }
    orders = (
        "mutation { buySeats(input: {seats: 1, interval: MONTHLY}) { order { id } userErrors { code } } }"
    )
    order = (await other.ask(orders)).data["buySeats"]["order"]["id"]
    noticed = await mail_key(other)
    return {
        "events.fan_out": [{"transaction": transaction.hex}],
        "events.tell_live": [{"transaction": transaction.hex}],
        "rules.put_in_force": [{"version": str(uuid_of(other, "rul"))}],
        "followups.replan": [
            {by: str(uuid_of(other, prefix))}
            for by, prefix in (("level", "gle"), ("class", "ccl"), ("member", "mem"))
        ],
        "notices.mail": [{"keys": [noticed]}],
        "notices.follow_mails": [{"keys": [noticed], "looked": 0}],
        "grading.regrade": [{"scheme": str(uuid_of(other, "gsc"))}],
        "grading.show": [{"scheme": str(uuid_of(other, "gsc"))}],
        "grading.put_in_force": [{"rule": str(uuid_of(other, "gru"))}],
        "grading.try": [{"trial": str(uuid_of(other, "gtr"))}],
        "imports.run": [{"import_id": str(uuid_of(other, "imp"))}],
        "exports.run": [{"export_id": str(uuid_of(other, "exp"))}],
        "bulk.export": [{"operation_id": str(uuid_of(other, "bop"))}],
        "bulk.import": [{"operation_id": str(uuid_of(other, "bop"))}],
        "people.tell_seats": [{"order": str(UUID(hex=order.partition("_")[2]))}],
        "licensing.tell_invoice": [{"invoice": str(uuid_of(other, "siv"))}],
        "licensing.remind_invoice": [{"invoice": str(uuid_of(other, "siv"))}],
        "people.follow_membership": [{**follow, "new": None}, {**follow, "new": new}],
        "people.follow_email": [{"person": str(other.owner.person_id)}],
        "opening.open_company": [{"company": company}],
        "handover.move": [{"handover": str(uuid_of(other, "hov"))}],
        "handover.tell": [{"handover": str(uuid_of(other, "hov"))}],
        "leaving.export_company": [{"company": company, "export": str(new_id())}],
        "identity.send_password_reset": [{"email": await email_of(other)}],
        "protection.erase": [{"request": str(uuid_of(other, "prq"))}],
        "protection.export": [{"request": str(uuid_of(other, "prq"))}],
        "meetings.minutes": [{"meeting": str(uuid_of(other, "mtg"))}],
        "reports.run": [{"run": str(uuid_of(other, "rru"))}],
        "reports.mail": [{"run": str(uuid_of(other, "rru"))}],
        "reports.occur": [{"definition": str(uuid_of(other, "rde")), "at": datetime.now(UTC).isoformat()}],
        "webhooks.deliver": [{"delivery": str(uuid_of(other, "whd"))}],
        **await survey_payloads(own, other),
        "mail.send": [{"mail": str(await waiting_mail(other))}],
        "correspondence.report": [{"mail": str(await waiting_mail(other)), "report": "HARD"}],
    }


async def survey_payloads(own: Side, other: Side) -> dict[str, list[dict[str, Any]]]:
    """What is active here meets customers and invitations from there."""
    active = {
        trigger: await own.factory.one(
            "questionnaire",
            trigger=trigger,
            active=True,
            current_version_id=await own.factory.one("questionnaire_version"),
        )
        for trigger in ("BY_HAND", "REQUEST_CLOSED", "DELIVERY_MADE")
    }
    whom = {
        "customers": [str(uuid_of(other, "cus"))],
        "contacts": [str(uuid_of(other, "con"))],
        "send_at": None,
    }
    invitations = [str(uuid_of(other, "sin"))]
    return {
        "surveys.dispatch": [
            {"trigger": "REQUEST_CLOSED", "subjects": [str(uuid_of(other, "srq"))]},
            {"trigger": "DELIVERY_MADE", "subjects": [str(uuid_of(other, "del"))]},
        ],
        "surveys.invite": [
            {"questionnaire": str(active["BY_HAND"]), **whom},
            {"questionnaire": str(uuid_of(other, "qnr")), **whom},
        ],
        "surveys.send": [
            {"sending": str(uuid_of(other, "sse")), "again": False},
            {"sending": str(uuid_of(other, "sse")), "again": True},
        ],
        "surveys.cancel_sending": [{"sending": str(uuid_of(other, "sse"))}],
        "surveys.mail": [
            {"invitations": invitations, "reminder": False},
            {"invitations": invitations, "reminder": True},
        ],
        "surveys.follow_mails": [{"invitations": invitations, "look": 1}],
    }


async def email_of(side: Side) -> str:
    async with side.factory.databases.control_read() as read:
        return await read.fetchval("SELECT email FROM platform.person WHERE id = $1", side.owner.person_id)


async def mail_key(side: Side) -> str:
    """The key of a mail of one of the side's notices."""
    key = f"notice:{side.factory.company.ref.schema}:made"
    notice = await side.factory.one("notice", member_id=side.owner.id)
    async with side.factory.databases.tenant_write(side.factory.company.ref) as write:
        await write.fetch(
            "UPDATE notice SET channel = 'EMAIL', mail_state = 'QUEUED', mail_key = $2 WHERE id = $1",
            notice,
            key,
        )
    return key


async def waiting_mail(side: Side) -> UUID:
    """A mail to the other company's owner that has not left yet."""
    now = datetime.now(UTC)
    letter = Outgoing(Letter(subject="Hello", paragraphs=("Hello",)), await email_of(side), "en", "wall")
    async with side.factory.databases.control() as control:
        await post(control, [letter], sender="Kedang <a@x.example>", now=now)
        await control.fetch("DELETE FROM work.job WHERE kind = 'mail.send'")
        return await control.fetchval("SELECT id FROM platform.mail WHERE key = 'wall'")


@pytest.mark.requirement("A11", "T1")
async def test_jobs_with_ids_of_another_company_do_nothing(sides, tmp_path):
    own, other = sides
    databases = own.factory.databases
    settings = databases.settings.model_copy(update={"var": tmp_path})
    tried = await payloads(own, other)
    kinds = set(handlers.load().handlers)
    assert set(tried) | WITHOUT_IDS == kinds, kinds ^ (set(tried) | WITHOUT_IDS)
    async with databases.control() as control:
        await control.fetch("DELETE FROM work.job")
    refs = [side.factory.company.ref for side in sides]
    besides = (
        *PLATFORM,
        "platform.mail",
        "platform.one_time_token",
        "platform.seat_order",
        "platform.invoice",
    )
    before = await digests(databases, *refs, besides=besides)
    for kind, kinds_payloads in tried.items():
        for payload in kinds_payloads:
            async with databases.tenant_write(own.factory.company.ref) as write:
                await enqueue(write, NewJob(kind, payload))
            drained = await run_jobs(databases, settings=settings)
            assert drained.total >= 1
            assert await digests(databases, *refs, besides=besides) == before, (kind, payload)
    assert not list(tmp_path.rglob("*.eml"))


async def test_the_same_work_is_done_when_the_installation_asks(sides, tmp_path):
    """So what is refused above is refused for whose it is, not for how it is asked."""
    _, other = sides
    databases = other.factory.databases
    mail = await waiting_mail(other)
    async with databases.control() as control:
        await control.fetch("DELETE FROM work.job")
        await enqueue(control, NewJob("mail.send", {"mail": str(mail)}))
    await run_jobs(databases, settings=databases.settings.model_copy(update={"var": tmp_path}))
    assert len(list(tmp_path.rglob("*.eml"))) == 1
