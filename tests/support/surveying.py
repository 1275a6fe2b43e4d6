"""A shop that asks its customers: the templates it began with, published and active, and what came of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from kedang_tenants.changing import Change
from kedang_tenants.service.handling import close, reopen
from kedang_tenants.service.requests import open_request
from kedang_tenants.surveys.by_hand import invite_to_survey
from kedang_tenants.surveys.templates import seed_questionnaires
from kedang_tenants.surveys.versions import draft_version, publish_version
from tests.support.trading import Shop


@dataclass
class Survey:
    """One questionnaire of a shop with its first version."""

    shop: Shop
    id: UUID
    version_id: UUID

    async def set(self, **values: object) -> None:
        await self.shop.update("questionnaire", self.id, **values)

    async def draft(self) -> UUID:
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            return await draft_version(
                write, self.shop.viewer, questionnaire_id=self.id, clock=self.shop.clock
            )

    async def publish(self, version_id: UUID | None = None) -> None:
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            await publish_version(
                write, self.shop.viewer, version_id=version_id or self.version_id, clock=self.shop.clock
            )

    async def send(self, viewer: Any = None, **whom: Any) -> UUID:
        """Invite by hand; returns the job's id."""
        async with self.shop.databases.tenant_write(self.shop.company.ref) as write:
            started = await invite_to_survey(
                write, viewer or self.shop.viewer, questionnaire_id=self.id, clock=self.shop.clock, **whom
            )
            return started.job_id

    async def invitations(self) -> list[dict[str, Any]]:
        return await self.shop.fetch(
            "SELECT * FROM survey_invitation WHERE questionnaire_id = $1 ORDER BY id", self.id
        )

    async def invitation(self) -> dict[str, Any]:
        (only,) = await self.invitations()
        return only

    async def items(self, version_id: UUID | None = None) -> dict[str, dict[str, Any]]:
        """The living questions of a version by their keys."""
        rows = await self.shop.fetch(
            "SELECT * FROM survey_item WHERE version_id = $1 AND archived_at IS NULL ORDER BY position",
            version_id or self.version_id,
        )
        return {row["key"]: row for row in rows}


async def seed(shop: Shop) -> dict[str, Survey]:
    """The three templates as a company finds them, by their codes."""
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await seed_questionnaires(write, await shop.product(), clock=shop.clock)
    rows = await shop.fetch(
        "SELECT q.template, q.id, v.id AS version_id FROM questionnaire q"
        " JOIN questionnaire_version v ON v.questionnaire_id = q.id"
    )
    return {row["template"]: Survey(shop, row["id"], row["version_id"]) for row in rows}


async def survey(shop: Shop, template: str = "ON_VISIT", **values: object) -> Survey:
    """One template, published and active."""
    found = (await seed(shop))[template]
    await found.publish()
    await found.set(**{"active": True, **values})
    return found


async def customer_with_mail(
    shop: Shop, name: str = "Alfreds Futterkiste", email: str = "maria@alfreds.example", **values: object
) -> tuple[UUID, UUID]:
    """A customer and its contact Maria Anders."""
    customer = await shop.create("customer", name=name, **values)
    return customer, await shop.create("contact", customer_id=customer, name="Maria Anders", email=email)


async def opened(shop: Shop, customer: UUID, **values: object) -> UUID:
    async with shop.databases.tenant_write(shop.company.ref) as write:
        given = {"customer_id": customer, "kind": "REPAIR", "title": "The pump leaks", **values}
        return await open_request(write, shop.viewer, values=given, clock=shop.clock)


async def closed(shop: Shop, request: UUID) -> UUID:
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await close(write, shop.viewer, request_id=request, result="Sealed", clock=shop.clock)
    return request


async def reopened(shop: Shop, request: UUID) -> None:
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await reopen(write, shop.viewer, request_id=request, reason="Leaks again", clock=shop.clock)


async def delivered(shop: Shop, customer: UUID, state: str = "RECEIVED", **values: object) -> UUID:
    """A delivery of a new order."""
    order = await shop.order(customer, shop.clock.now().date(), ("1", "10"))
    return await shop.create(
        "delivery", **{"number": f"D-{order.hex}"[:40], "order_id": order, "state": state, **values}
    )


async def later(shop: Shop, **by: float) -> None:
    """Let time pass and the jobs that fall due run."""
    shop.clock.move(timedelta(**by))
    await shop.work()


async def archive(shop: Shop, record: str, record_id: UUID) -> None:
    await shop.change(Change(record, "archive", record_id))
