"""People to be invited, and a client who has them invited over the API."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import httpx
from sqlalchemy import insert

from kedang_platform.ids import new_id
from kedang_tenants.catalogue import catalogue
from tests.faults.clients import INVITE, Writer
from tests.faults.house import House, public
from tests.support.answering import ask

_NOW = datetime(2026, 1, 5, tzinfo=UTC)
_AT_ONCE = 1_000
_COMMON = {"version": 1, "created_at": _NOW, "updated_at": _NOW, "custom": {}}


async def people(house: House, count: int, *, domain: str) -> list[UUID]:
    """Contacts of customers of their own, as rows: how they came is no matter here."""
    customers, contacts = [], []
    for number in range(count):
        customer = {"id": new_id(), "name": f"Customer {number}", "name_sort": f"customer {number}"}
        customers.append(
            _COMMON | customer | {"directory": "COMPANY", "roles": [], "state": "CURRENT", "direct": True}
        )
        contact_id = new_id()
        contact = {"id": contact_id, "customer_id": customer["id"], "name": f"Contact {number}"}
        contact |= {"name_sort": f"contact {number}", "email": f"{contact_id.hex}@{domain}"}
        contacts.append(_COMMON | contact | {"head_of_department": False, "primary": True})
    async with house.databases.tenant_write(house.surveying_company.ref) as write:
        for record, rows in (("customer", customers), ("contact", contacts)):
            await write.execute(insert(catalogue().record(record).table), rows)
    return [contact["id"] for contact in contacts]


async def questionnaire(house: House) -> str:
    """A published one that is in use; its public id."""
    asked = await ask(house.databases, house.surveying_company)
    await asked.factory.update("questionnaire", asked.questionnaire_id, active=True)
    return public("qnr", asked.questionnaire_id)


async def invite(house: House, questionnaire_id: str, contacts: Sequence[UUID]) -> None:
    """Have them invited over the API, a thousand in a request; the invitations leave in the background."""
    writer = Writer(
        company=house.surveying_company.ref.schema,
        bearer=house.surveying_key,
        urls=house.urls,
        notebook=house.notebook(f"surveyor-{new_id().hex}"),
        chance=random.Random(house.chance.random()),
    )
    async with httpx.AsyncClient(timeout=60) as http:
        for first in range(0, len(contacts), _AT_ONCE):
            some = contacts[first : first + _AT_ONCE]
            given = {
                "questionnaireId": questionnaire_id,
                "contactIds": [public("con", each) for each in some],
            }
            told = await writer.write(
                http,
                INVITE,
                given,
                kind="invite",
                subject=questionnaire_id,
                value=[each.hex for each in some],
            )
            assert told.outcome == "acknowledged", (told, writer.surprises)
