"""The public pool in the API: looking, claiming, releasing, sharing out, and what another rule would do."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import page_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import public_id, record_id, record_ids
from kedang_graphql.engine.types import PageInfo, UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.pool import claiming, looking, models, previewing, releasing, sharing
from kedang_tenants.reading import Viewer

CUSTOMER = generated_types().of["customer"].node
MEMBER = generated_types().of["member"].node
LEVEL = generated_types().of["grade_level"].node
_AFTER = "The `endCursor` of the page before."
_LONGEST_TEXT = 200
_PREVIEWED = timedelta(days=30)


class PoolTextTooLong(BadUserInput):
    """What is looked for in the public pool is longer than any name."""


@strawberry.enum(description="By which part of the company's rule a customer returns to the public pool.")
class PoolCause(Enum):
    NO_CONTACT = strawberry.enum_value(models.NO_CONTACT, description="No contact for too long.")
    CONTRACT_ENDED = strawberry.enum_value(models.CONTRACT_ENDED, description="The last contract ended.")
    NO_DEAL = strawberry.enum_value(
        models.NO_DEAL, description="No order, contract or won demand for too long."
    )


# Looking


@strawberry.type(description="A customer of the public pool, as far as one knows it before claiming it.")
class PooledCustomer:
    id: strawberry.ID = strawberry.field(description="The customer's id, for `claimCustomer`.")
    number: str | None = strawberry.field(description="The company's number for it.")
    name: str = strawberry.field(description="Its name.")
    directory: str = strawberry.field(description="As in `Customer.directory`.")
    state: str = strawberry.field(description="As in `Customer.state`.")
    city: str | None = strawberry.field(description="Where it is.")
    region: str | None = strawberry.field(description="Its region.")
    country: str | None = strawberry.field(description="ISO 3166-1 alpha-2.")
    industry: str | None = strawberry.field(description="Its industry.")
    grade: Ref | None = strawberry.field(graphql_type=LEVEL | None, description="Its grade, if it has one.")
    pool_since: datetime = strawberry.field(description="Since when it is in the pool.")
    claimable_on: date | None = strawberry.field(
        description="The day from which you may claim it again, if you have lost it lately."
    )

    @classmethod
    def of(cls, found: looking.Pooled) -> Self:
        values = asdict(found) | {"id": strawberry.ID(public_id("customer", found.id))}
        level = values.pop("grade_level_id")
        return cls(**values, grade=Ref("grade_level", level) if level else None)


@strawberry.type(description="A page of the public pool, those longest in it first.")
class PooledCustomerConnection:
    nodes: list[PooledCustomer]
    page_info: PageInfo


@strawberry.input(description="What is looked for in the public pool; all that is said must hold.")
class PublicPoolWhere:
    name: str | None = strawberry.field(default=None, description="A part of the name, in any case.")
    city: str | None = strawberry.field(default=None, description="The city, in any case.")
    grade: str | None = strawberry.field(default=None, description="The code of the grade's level.")


async def answer_public_pool(
    info: Info[Context, None],
    where: PublicPoolWhere | None = None,
    first: Annotated[int, strawberry.argument(description="At most 250.")] = 50,
    after: Annotated[str | None, strawberry.argument(description=_AFTER)] = None,
) -> PooledCustomerConnection:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        page = await looking.list_pool(
            read, viewer, sought=_sought(where), first=_size(context, first), after=after, clock=context.clock
        )
    return PooledCustomerConnection(
        nodes=[PooledCustomer.of(one) for one in page.customers],
        page_info=_page_info([one.cursor for one in page.customers], more=page.more, after=after),
    )


def _sought(where: PublicPoolWhere | None) -> looking.Sought:
    if where is None:
        return looking.Sought()
    if max(len(text or "") for text in (where.name, where.city, where.grade)) > _LONGEST_TEXT:
        message = msg("At most {limit} characters are allowed here.")
        raise PoolTextTooLong(message, path=("where",), limit=_LONGEST_TEXT)
    return looking.Sought(name=where.name or None, city=where.city or None, grade=where.grade or None)


def _size(context: Context, first: int) -> int:
    """How many a page holds; raises BadUserInput as every list does."""
    return page_of({"first": first}, largest=min(looking.MOST, context.settings.largest_page)).limit


def _page_info(cursors: list[str], *, more: bool, after: str | None) -> PageInfo:
    return PageInfo(
        has_next_page=more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


@strawberry.type(
    description="Somebody at a customer of the public pool; numbers and addresses come with the claim."
)
class PooledContact:
    name: str = strawberry.field(description="The full name.")
    title: str | None = strawberry.field(description="The job title.")


@strawberry.type(
    description="What is told of a customer of the public pool to whoever considers claiming it."
)
class PooledCustomerDetails:
    id: strawberry.ID = strawberry.field(description="The customer's id, for `claimCustomer`.")
    address: str | None = strawberry.field(description="Its address.")
    postal_code: str | None = strawberry.field(description="Its postal code.")
    phone: str | None = strawberry.field(description="Its telephone number, as it was written.")
    fax: str | None = strawberry.field(description="Its fax number.")
    email: str | None = strawberry.field(description="Its address for mail.")
    website: str | None = strawberry.field(description="Its website.")
    business_scope: str | None = strawberry.field(description="What it does.")
    employees: int | None = strawberry.field(description="How many people work there.")
    source: str | None = strawberry.field(description="Where the company knows it from.")
    last_contact_at: datetime | None = strawberry.field(description="When somebody was last reached there.")
    contacts: list[PooledContact] = strawberry.field(description="The main contact first, at most 20.")
    views_left: int | None = strawberry.field(
        description="How many further customers one may look at today; null: without a limit."
    )

    @classmethod
    def of(cls, found: looking.Details) -> Self:
        values = asdict(found) | {
            "id": strawberry.ID(public_id("customer", found.id)),
            "contacts": [PooledContact(name=name, title=title) for name, title in found.contacts],
        }
        return cls(views_left=values.pop("left"), **values)


@strawberry.input
class PoolCustomerInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="A customer of the public pool.")


@strawberry.type
class PooledCustomerPayload:
    details: PooledCustomerDetails | None = strawberry.field(
        description="What is told of it; null where it was refused."
    )
    user_errors: list[UserError]


async def answer_look(
    info: Info[Context, None],
    input: PoolCustomerInput,  # noqa: A002 - the API's word
) -> PooledCustomerPayload:
    async def look(write: TenantWrite, viewer: Viewer) -> looking.Details:
        customer = record_id(input.customer_id, "customer", path=("input", "customerId"))
        return await looking.look_at(write, viewer, customer_id=customer, clock=info.context.clock)

    found, errors = await write_in_company(info.context, look)
    return PooledCustomerPayload(
        details=PooledCustomerDetails.of(found) if found else None, user_errors=errors
    )


# Claiming, releasing, sharing out


@strawberry.input
class ReleaseCustomerInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="Which customer.")
    reason: str | None = strawberry.field(default=None, description="Why, at most 500 characters.")


@strawberry.type
class PoolPayload:
    record: Ref | None = strawberry.field(graphql_type=CUSTOMER | None)
    user_errors: list[UserError]


async def answer_claim(
    info: Info[Context, None],
    input: PoolCustomerInput,  # noqa: A002 - the API's word
) -> PoolPayload:
    async def claim(write: TenantWrite, viewer: Viewer) -> Ref:
        customer = record_id(input.customer_id, "customer", path=("input", "customerId"))
        await claiming.claim_customer(write, viewer, customer_id=customer, clock=info.context.clock)
        return Ref("customer", customer)

    record, errors = await write_in_company(info.context, claim)
    return PoolPayload(record=record, user_errors=errors)


async def answer_release(
    info: Info[Context, None],
    input: ReleaseCustomerInput,  # noqa: A002 - the API's word
) -> PoolPayload:
    async def release(write: TenantWrite, viewer: Viewer) -> Ref:
        customer = record_id(input.customer_id, "customer", path=("input", "customerId"))
        await releasing.release_customer(
            write, viewer, customer_id=customer, reason=input.reason, clock=info.context.clock
        )
        return Ref("customer", customer)

    record, errors = await write_in_company(info.context, release)
    return PoolPayload(record=record, user_errors=errors)


@strawberry.input(description="A member who gets customers of the public pool.")
class PoolShareInput:
    member_id: strawberry.ID = strawberry.field(
        description="An active member with a full seat, in your reach."
    )
    percent: int | None = strawberry.field(
        default=None, description="Said for all members, adding up to 100, or for none: then it goes by turn."
    )


@strawberry.input(description="Either the customers, or how many of those that are in the pool longest.")
class ShareOutCustomersInput(Repeatable):
    members: list[PoolShareInput] = strawberry.field(
        description="Who gets them, in the order of their turns."
    )
    customer_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Customers of the pool, at most 1,000."
    )
    number: int | None = strawberry.field(
        default=None, description="So many of those that are in the pool longest, at most 1,000."
    )


@strawberry.type(description="A customer of the public pool that a member got.")
class SharedOut:
    customer_id: strawberry.ID = strawberry.field(description="Which customer.")
    member_id: strawberry.ID = strawberry.field(description="Who got it.")


@strawberry.type
class ShareOutPayload:
    shared_out: list[SharedOut] | None = strawberry.field(
        description="Who got which; what nobody may have, since all lost it lately, stays in the pool."
    )
    user_errors: list[UserError]


async def answer_share_out(
    info: Info[Context, None],
    input: ShareOutCustomersInput,  # noqa: A002 - the API's word
) -> ShareOutPayload:
    async def share(write: TenantWrite, viewer: Viewer) -> list[SharedOut]:
        shares = [
            sharing.Share(
                record_id(one.member_id, "member", path=("input", "members", place, "memberId")), one.percent
            )
            for place, one in enumerate(input.members)
        ]
        named = input.customer_ids
        found = await sharing.share_out_customers(
            write,
            viewer,
            shares=shares,
            customer_ids=None
            if named is None
            else record_ids(named, "customer", path=("input", "customerIds")),
            number=input.number,
            clock=info.context.clock,
        )
        return [
            SharedOut(
                customer_id=strawberry.ID(public_id("customer", customer)),
                member_id=strawberry.ID(public_id("member", member)),
            )
            for customer, member in found.items()
        ]

    done, errors = await write_in_company(info.context, share)
    return ShareOutPayload(shared_out=done, user_errors=errors)


# What another rule would do


@strawberry.type(description="How many customers would return by one part of the rule.")
class PoolCauseCount:
    cause: PoolCause = strawberry.field(description="Which part of the rule.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="How many customers of a member would return.")
class PoolOwnerCount:
    member: Ref | None = strawberry.field(graphql_type=MEMBER | None, description="Who would lose them.")
    count: int = strawberry.field(description="How many of theirs.")


@strawberry.type(description="A customer that would return to the public pool.")
class ReturningCustomer:
    customer: Ref | None = strawberry.field(graphql_type=CUSTOMER | None, description="Which.")
    return_on: date = strawberry.field(description="On which day.")
    cause: PoolCause = strawberry.field(description="By which part of the rule.")
    now_on: date | None = strawberry.field(description="The day by the rule that is in force; null: none.")


@strawberry.type(
    description="What a rule of the kind `pool` would do, counted over the customers that one sees."
)
class PoolRulePreview:
    until: date = strawberry.field(description="The last day that was looked at.")
    returning: int = strawberry.field(description="How many customers would return until then.")
    returning_now: int = strawberry.field(description="How many return until then by what is in force.")
    protected: int = strawberry.field(description="How many customers the rule cannot take.")
    by_cause: list[PoolCauseCount] = strawberry.field(description="How many by which part of the rule.")
    by_member: list[PoolOwnerCount] = strawberry.field(description="Whose they are, the most first.")
    nodes: list[ReturningCustomer] = strawberry.field(description="Who, the first to return first.")
    page_info: PageInfo

    @classmethod
    def of(cls, found: previewing.Preview, *, until: date, after: str | None) -> Self:
        return cls(
            until=until,
            returning=found.returning,
            returning_now=found.returning_now,
            protected=found.protected,
            by_cause=[PoolCauseCount(cause=PoolCause(why), count=n) for why, n in found.by_cause.items()],
            by_member=[
                PoolOwnerCount(member=Ref("member", owner), count=n) for owner, n in found.by_owner.items()
            ],
            nodes=[
                ReturningCustomer(
                    customer=Ref("customer", one.id),
                    return_on=one.return_on,
                    cause=PoolCause(one.why),
                    now_on=one.now_on,
                )
                for one in found.customers
            ],
            page_info=_page_info([one.cursor for one in found.customers], more=found.more, after=after),
        )


async def answer_preview(
    info: Info[Context, None],
    content: Annotated[JSON, strawberry.argument(description="What the rule would say, as in `draftRule`.")],
    until: Annotated[
        date | None, strawberry.argument(description="Thirty days from now if nothing is said.")
    ] = None,
    first: Annotated[int, strawberry.argument(description="At most 250.")] = 50,
    after: Annotated[str | None, strawberry.argument(description=_AFTER)] = None,
) -> PoolRulePreview:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    last = until or viewer.today(context.clock) + _PREVIEWED
    async with context.databases.tenant_read(viewer.company) as read:
        found = await previewing.preview(
            read,
            viewer,
            content=content,
            until=last,
            first=_size(context, first),
            after=after,
            clock=context.clock,
        )
    return PoolRulePreview.of(found, until=last, after=after)


@strawberry.type
class PoolQuery:
    public_pool: PooledCustomerConnection = strawberry.field(
        resolver=answer_public_pool,
        description="The customers that nobody has and whoever keeps customers may claim.",
    )
    pool_rule_preview: PoolRulePreview = strawberry.field(
        resolver=answer_preview,
        description="Who would return to the public pool by another rule; for whoever drafts rules.",
    )


@strawberry.type
class PoolMutation:
    view_pool_customer: PooledCustomerPayload = strawberry.mutation(
        resolver=answer_look,
        description="Look at a customer of the public pool; it is noted and counts against the limit of the day.",
    )
    claim_customer: PoolPayload = strawberry.mutation(
        resolver=answer_claim, description="Make a customer of the public pool one's own."
    )
    release_customer: PoolPayload = strawberry.mutation(
        resolver=answer_release,
        description="Put a customer into the public pool. `record` is null where one does not see it any more.",
    )
    share_out_customers: ShareOutPayload = strawberry.mutation(
        resolver=answer_share_out,
        description="Give customers of the public pool to members, by turn or by percent.",
    )
