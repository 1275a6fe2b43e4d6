"""Minutes of a meeting that went out to somebody at a customer, and the link by which they answer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from kedang_platform.database import Databases
from kedang_platform.registry import Company
from kedang_platform.secret_links import secret_part, token_hash
from tests.support.factories import Factory
from tests.support.members import make_member

TOKEN = bytes(range(20))
CONTENT = {
    "minutes": "Prices stay as they are until June.\nFreight is ours from ten pumps on.",
    "decisions": "10 % off for twenty pumps and more.",
    "actions": [{"task": "Send an offer", "name": "Nancy Davolio", "dueOn": "2026-12-01"}],
    "attendees": ["Nancy Davolio", "Maria Anders", "王芳"],
}


@dataclass
class Sent:
    """A receipt of minutes and where its link leads."""

    databases: Databases
    company: Company
    id: UUID
    path: str
    organiser: UUID

    async def row(self) -> dict[str, Any]:
        async with self.databases.tenant_read(self.company.ref) as read:
            return dict(await read.fetchrow("SELECT * FROM minutes_receipt WHERE id = $1", self.id))

    async def told(self) -> list[tuple[UUID, str]]:
        async with self.databases.tenant_read(self.company.ref) as read:
            rows = await read.fetch(
                "SELECT member_id, title->>'en' AS title FROM notice WHERE kind = 'MINUTES_ANSWERED' ORDER BY id"
            )
        return [(row["member_id"], row["title"]) for row in rows]


async def send_minutes(
    databases: Databases, company: Company, *, content: dict[str, Any] | None = None, **values: Any
) -> Sent:
    """Minutes of a meeting in Berlin that wait for Maria Anders of Alfreds Futterkiste."""
    factory = Factory(databases, company)
    organiser = await make_member(databases, company, "REPRESENTATIVE", name="Nancy Davolio")
    customer = await factory.one("customer", name="Alfreds Futterkiste", owner_id=organiser.id)
    contact = await factory.one("contact", customer_id=customer, name="Maria Anders")
    begins = datetime(2026, 11, 20, 9, tzinfo=UTC)
    meeting = await factory.one(
        "meeting", customer_id=customer, organiser_id=organiser.id, subject="Prices of pumps", place="Berlin",
        starts_at=begins, ends_at=begins + timedelta(hours=1), minutes="Agreed", minutes_state="REVIEWED",
    )  # fmt: skip
    receipt = await factory.one(
        "minutes_receipt",
        **{
            "meeting_id": meeting,
            "contact_id": contact,
            "recipient": "maria@alfreds.example",
            "language": "EN",
            "state": "WAITING",
            "content": content or CONTENT,
            "expires_at": datetime.now(UTC) + timedelta(days=60),
        }
        | values,
    )
    async with databases.tenant_write(company.ref) as write:
        await write.fetch(
            "UPDATE minutes_receipt SET token_hash = $2 WHERE id = $1", receipt, token_hash(TOKEN)
        )
    return Sent(databases, company, receipt, f"/m/{secret_part(company, TOKEN)}", organiser.id)
