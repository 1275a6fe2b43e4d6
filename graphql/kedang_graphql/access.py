"""Who may see and do what: the rules laid out, why something can be seen or not, shared and restricted archives (A11)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import attempt, write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import public_id, record_id, split_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg, translate
from kedang_tenants.catalogue import catalogue
from kedang_tenants.customers.collaborating import add_collaborator, remove_collaborator
from kedang_tenants.customers.restricting import (
    lift_restriction,
    request_archive_access,
    restrict_customer,
    revoke_archive_access,
)
from kedang_tenants.people.access import role_label
from kedang_tenants.people.access_matrix import (
    Matrix,
    MatrixRole,
    MemberChanges,
    access_matrix,
    preview_access_rules,
)
from kedang_tenants.people.access_rules import Cell
from kedang_tenants.people.explaining import Explanation, why_not
from kedang_tenants.reading import Viewer

_TYPES = generated_types()
CUSTOMER, MEMBER = _TYPES.of["customer"].node, _TYPES.of["member"].node
COLLABORATOR, GRANT = _TYPES.of["customer_collaborator"].node, _TYPES.of["archive_grant"].node
_RECORD = catalogue().record("customer_collaborator")
_ROLE: Any = _TYPES.scalar(_RECORD, _RECORD.fields["role"])


def _described(name: str, values: dict[str, str], *, description: str) -> Any:
    made: Any = Enum(name, {code: strawberry.enum_value(code, description=d) for code, d in values.items()})  # type: ignore[misc]
    return strawberry.enum(made, description=description)


_SCOPE: Any = _described(
    "AccessScope",
    {
        "NONE": "Nothing.",
        "OWN": "What one owns, and what is shared with one.",
        "DEPARTMENT_ONLY": "That, and what one's department owns.",
        "DEPARTMENT": "That, and what the departments below it own.",
        "CHOSEN": "That, and what the departments own that the rules choose for the role.",
        "ALL": "Everything.",
    },
    description="How far a right reaches, each further than the one before it.",
)
_RIGHT: Any = _described(
    "AccessRight",
    {
        "NAMES": "Seeing records by name.",
        "READ": "Reading all that no class of sensitivity masks.",
        "CREATE": "Creating records.",
        "UPDATE": "Changing records.",
        "ARCHIVE": "Archiving and restoring records.",
        "EXPORT": "Taking records away as a file.",
        "SENSITIVE_PHONE": "Reading telephone numbers.",
        "SENSITIVE_CREDIT": "Reading what concerns credit.",
        "SENSITIVE_BANK": "Reading bank accounts.",
        "SENSITIVE_PROFIT": "Reading profit.",
        "SENSITIVE_COST": "Reading costs.",
        "SENSITIVE_RESPONDENT": "Reading who answered a survey.",
    },
    description="An action, or reading a class of sensitive fields.",
)
_ACTION: Any = _described(
    "AccessAction",
    {
        "SEE": "To see it by name.",
        "READ": "To read it, or one field of it.",
        "UPDATE": "To change it, or one field of it.",
        "ARCHIVE": "To archive it.",
        "RESTORE": "To restore it.",
        "EXPORT": "To take it away as a file.",
    },
    description="What somebody wants to do with a record.",
)


@strawberry.type(description="One right of a role on a kind of record.")
class AccessCell:
    record: str
    record_label: str = strawberry.field(description="In the language of the asker.")
    right: Enum = strawberry.field(graphql_type=_RIGHT, description="What may be done.")
    scope: Enum = strawberry.field(graphql_type=_SCOPE, description="How far it reaches now.")
    default: Enum = strawberry.field(
        graphql_type=_SCOPE, description="Of the product, for the role that this one is or is based on."
    )
    changed: bool = strawberry.field(
        description="Whether the company's rules say otherwise than the default."
    )


@strawberry.type(description="A role with its rights as they are in force.")
class AccessRole:
    code: str = strawberry.field(description="By which rules and members name it.")
    label: str = strawberry.field(description="In the language of the asker.")
    base: str | None = strawberry.field(
        description="The default role that a role of the company is based on."
    )
    department_ids: list[strawberry.ID] = strawberry.field(description="What CHOSEN reaches for this role.")
    cells: list[AccessCell] = strawberry.field(description="Its rights, record by record.")


@strawberry.type(description="The access rules in force: role by record by right.")
class AccessMatrix:
    version: int | None = strawberry.field(
        description="Number of the version of the rules; null where the product's own hold."
    )
    rule_version_id: strawberry.ID | None = strawberry.field(description="The version itself.")
    roles: list[AccessRole] = strawberry.field(description="The default roles, then those of the company.")


@strawberry.type(description="A right that somebody would gain or lose.")
class AccessChange:
    record: str
    right: Enum = strawberry.field(graphql_type=_RIGHT, description="What may be done.")
    before: Enum = strawberry.field(graphql_type=_SCOPE, description="How far it reaches now.")
    after: Enum = strawberry.field(graphql_type=_SCOPE, description="How far it would reach.")


@strawberry.type(description="What rules that are not in force would change for a member.")
class AccessPreview:
    member: Ref | None = strawberry.field(graphql_type=MEMBER | None, description="Whom it concerns.")
    gains: list[AccessChange] = strawberry.field(description="Rights that would reach further.")
    losses: list[AccessChange] = strawberry.field(description="Rights that would reach less far.")
    departments_added: list[strawberry.ID] = strawberry.field(
        description="Departments that CHOSEN would reach."
    )
    departments_removed: list[strawberry.ID] = strawberry.field(
        description="Departments that CHOSEN would reach no more."
    )


@strawberry.type
class AccessPreviewPayload:
    members: list[AccessPreview] = strawberry.field(description="Only those for whom something would change.")
    user_errors: list[UserError]


@strawberry.type(description="One thing that lets or keeps somebody.")
class AccessReason:
    code: str = strawberry.field(
        description="NOT_VISIBLE, NOT_ACTIVE, RESTRICTED_HIDDEN, RESTRICTED, NO_RIGHT, OUT_OF_SCOPE, SEAT_MISSING, MASKED, "
        "READ_ONLY, NOT_EXPORTED, NOT_OFFERED, ARCHIVED, SHARED or ROLE."
    )
    text: str = strawberry.field(description="In the language of the asker.")
    role: str | None = strawberry.field(description="The code of the role that it is about.")
    scope: Enum | None = strawberry.field(graphql_type=_SCOPE | None, description="How far that reaches.")
    field: str | None = strawberry.field(description="The field that it is about.")


@strawberry.type(description="Why somebody can or cannot do something.")
class AccessExplanation:
    allowed: bool = strawberry.field(description="Whether it can be done at this moment.")
    reasons: list[AccessReason] = strawberry.field(description="What decides, the decisive ones first.")
    version: int | None = strawberry.field(
        description="Number of the version of the access rules; null where the product's own hold."
    )
    rule_version_id: strawberry.ID | None = strawberry.field(description="The version itself.")


async def answer_access_matrix(
    info: Info[Context, None],
    roles: Annotated[list[str] | None, strawberry.argument(description="Codes of roles.")] = None,
    records: Annotated[list[str] | None, strawberry.argument(description="Kinds of records.")] = None,
) -> AccessMatrix:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        matrix = await access_matrix(read, viewer, roles=roles, records=records)
    return AccessMatrix(
        version=matrix.version,
        rule_version_id=_rule(matrix.version_id),
        roles=[_role(matrix, role, context) for role in matrix.roles],
    )


def _rule(version_id: UUID | None) -> strawberry.ID | None:
    return strawberry.ID(public_id("rule_version", version_id)) if version_id else None


def _role(matrix: Matrix, role: MatrixRole, context: Context) -> AccessRole:
    return AccessRole(
        code=role.code,
        label=role_label(matrix.rules, role.code, context.language),
        base=role.base,
        department_ids=[strawberry.ID(public_id("department", each)) for each in role.departments],
        cells=[
            AccessCell(
                record=cell.record,
                record_label=_label(cell.record, context),
                right=_RIGHT[_right(cell.cell)],
                scope=_SCOPE[cell.scope.name],
                default=_SCOPE[cell.default.name],
                changed=cell.scope is not cell.default,
            )
            for cell in role.cells
        ],
    )


def _label(record: str, context: Context) -> str:
    return translate(catalogue().record(record).labels[1], context.language)


def _right(cell: Cell) -> str:
    return cell.replace(".", "_").upper()


async def answer_preview_access_rules(
    info: Info[Context, None],
    content: Annotated[JSON, strawberry.argument(description="What the rules would say.")],
) -> AccessPreviewPayload:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()

    async def preview() -> tuple[MemberChanges, ...]:
        async with context.databases.tenant_read(viewer.company) as read:
            given: Any = content
            return await preview_access_rules(read, viewer, given)

    found, errors = await attempt(context, preview())
    return AccessPreviewPayload(members=[_preview(each) for each in found or ()], user_errors=errors)


def _preview(found: MemberChanges) -> AccessPreview:
    told = [
        (
            change.after > change.before,
            AccessChange(
                record=change.record,
                right=_RIGHT[_right(change.cell)],
                before=_SCOPE[change.before.name],
                after=_SCOPE[change.after.name],
            ),
        )
        for change in found.changes
    ]
    return AccessPreview(
        member=Ref("member", found.member_id),
        gains=[change for gained, change in told if gained],
        losses=[change for gained, change in told if not gained],
        departments_added=[strawberry.ID(public_id("department", d)) for d in found.departments_added],
        departments_removed=[strawberry.ID(public_id("department", d)) for d in found.departments_removed],
    )


async def answer_why_not(
    info: Info[Context, None],
    id: strawberry.ID,  # noqa: A002 - the API's word
    action: Annotated[Enum, strawberry.argument(graphql_type=_ACTION, description="What is wanted.")],
    field: Annotated[str | None, strawberry.argument(description="A field, by its name in the API.")] = None,
    member_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Somebody else, for who manages people.")
    ] = None,
) -> AccessExplanation | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    found = split_id(id)
    if found is None:
        raise NotFound(msg("There is no such record."), path=("id",))
    async with context.databases.tenant_read(viewer.company) as read:
        explanation = await why_not(
            read,
            viewer,
            company=context.company,
            record=catalogue().record(found[0]),
            record_id=found[1],
            action=action.value.lower(),
            field_name=field,
            member_id=None if member_id is None else record_id(member_id, "member", path=("memberId",)),
            language=context.language,
            clock=context.clock,
        )
    return _explained(explanation)


def _explained(found: Explanation) -> AccessExplanation:
    return AccessExplanation(
        allowed=found.allowed,
        reasons=[
            AccessReason(
                code=reason.code,
                text=reason.text,
                role=reason.role,
                scope=None if reason.scope is None else _SCOPE[reason.scope.name],
                field=reason.field,
            )
            for reason in found.reasons
        ],
        version=found.rule_version,
        rule_version_id=_rule(found.rule_version_id),
    )


# Verbs


@strawberry.input
class AddCollaboratorInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="What is shared.")
    member_id: strawberry.ID = strawberry.field(description="With whom.")
    role: Enum = strawberry.field(graphql_type=_ROLE, description="For reading, or for writing as well.")
    until: datetime = strawberry.field(description="The collaboration ends at this instant by itself.")


@strawberry.input
class RemoveCollaboratorInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Of the collaborator of the customer.")


@strawberry.input
class RestrictCustomerInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="Whose archive it is.")
    reason: str = strawberry.field(description="Kept in the audit trail.")


@strawberry.input
class RequestArchiveAccessInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="Whose archive it is.")
    reason: str = strawberry.field(description="Told to who decides.")
    until: datetime = strawberry.field(description="At most 90 days away.")


@strawberry.input
class RevokeArchiveAccessInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="Of the access to the restricted archive.")


@strawberry.type
class CollaboratorPayload:
    record: Ref | None = strawberry.field(graphql_type=COLLABORATOR | None)
    user_errors: list[UserError]


@strawberry.type
class RestrictedPayload:
    record: Ref | None = strawberry.field(graphql_type=CUSTOMER | None)
    user_errors: list[UserError]


@strawberry.type
class ArchiveAccessPayload:
    record: Ref | None = strawberry.field(graphql_type=GRANT | None)
    user_errors: list[UserError]


_Verb = Callable[[TenantWrite, Viewer], Awaitable[UUID]]


async def _write(context: Context, record: str, verb: _Verb) -> tuple[Ref | None, list[UserError]]:
    """What a verb did; the rights that this process remembers are loaded anew when it is committed."""
    done, errors = await write_in_company(context, verb)
    if done is None:
        return None, errors
    context.writing.afterwards(context.viewers.forget)
    return Ref(record, done), []


async def answer_add_collaborator(
    info: Info[Context, None],
    input: AddCollaboratorInput,  # noqa: A002 - the API's word
) -> CollaboratorPayload:
    async def add(write: TenantWrite, viewer: Viewer) -> UUID:
        return await add_collaborator(
            write,
            viewer,
            customer_id=record_id(input.customer_id, "customer", path=("input", "customerId")),
            member_id=record_id(input.member_id, "member", path=("input", "memberId")),
            role=str(input.role.value),
            until=input.until,
            clock=info.context.clock,
        )

    record, errors = await _write(info.context, "customer_collaborator", add)
    return CollaboratorPayload(record=record, user_errors=errors)


async def answer_remove_collaborator(
    info: Info[Context, None],
    input: RemoveCollaboratorInput,  # noqa: A002 - the API's word
) -> CollaboratorPayload:
    async def remove(write: TenantWrite, viewer: Viewer) -> UUID:
        found = record_id(input.id, "customer_collaborator", path=("input", "id"))
        return await remove_collaborator(write, viewer, collaborator_id=found, clock=info.context.clock)

    record, errors = await _write(info.context, "customer_collaborator", remove)
    return CollaboratorPayload(record=record, user_errors=errors)


async def answer_restrict_customer(
    info: Info[Context, None],
    input: RestrictCustomerInput,  # noqa: A002 - the API's word
) -> RestrictedPayload:
    async def restrict(write: TenantWrite, viewer: Viewer) -> UUID:
        customer = record_id(input.customer_id, "customer", path=("input", "customerId"))
        clock = info.context.clock
        return await restrict_customer(write, viewer, customer_id=customer, reason=input.reason, clock=clock)

    record, errors = await _write(info.context, "customer", restrict)
    return RestrictedPayload(record=record, user_errors=errors)


async def answer_lift_restriction(
    info: Info[Context, None],
    input: RestrictCustomerInput,  # noqa: A002 - the API's word
) -> RestrictedPayload:
    async def lift(write: TenantWrite, viewer: Viewer) -> UUID:
        customer = record_id(input.customer_id, "customer", path=("input", "customerId"))
        clock = info.context.clock
        return await lift_restriction(write, viewer, customer_id=customer, reason=input.reason, clock=clock)

    info.context.require_scope("write")
    info.context.require_recent_authentication()
    record, errors = await _write(info.context, "customer", lift)
    return RestrictedPayload(record=record, user_errors=errors)


async def answer_request_archive_access(
    info: Info[Context, None],
    input: RequestArchiveAccessInput,  # noqa: A002 - the API's word
) -> ArchiveAccessPayload:
    async def request(write: TenantWrite, viewer: Viewer) -> UUID:
        return await request_archive_access(
            write,
            viewer,
            customer_id=record_id(input.customer_id, "customer", path=("input", "customerId")),
            reason=input.reason,
            until=input.until,
            clock=info.context.clock,
        )

    record, errors = await _write(info.context, "archive_grant", request)
    return ArchiveAccessPayload(record=record, user_errors=errors)


async def answer_revoke_archive_access(
    info: Info[Context, None],
    input: RevokeArchiveAccessInput,  # noqa: A002 - the API's word
) -> ArchiveAccessPayload:
    async def revoke(write: TenantWrite, viewer: Viewer) -> UUID:
        found = record_id(input.id, "archive_grant", path=("input", "id"))
        return await revoke_archive_access(write, viewer, grant_id=found, clock=info.context.clock)

    record, errors = await _write(info.context, "archive_grant", revoke)
    return ArchiveAccessPayload(record=record, user_errors=errors)


@strawberry.type
class AccessQuery:
    access_matrix: AccessMatrix = strawberry.field(
        resolver=answer_access_matrix,
        description="The access rules in force, role by record by right; of some roles and records where named.",
    )
    preview_access_rules: AccessPreviewPayload = strawberry.field(
        resolver=answer_preview_access_rules,
        description="Who would gain or lose what if these access rules were in force.",
    )
    why_not: AccessExplanation | None = strawberry.field(
        resolver=answer_why_not,
        description="Why one can or cannot see or change something. What one does not see is answered as what does not exist.",
    )


@strawberry.type
class AccessMutation:
    add_collaborator: CollaboratorPayload = strawberry.mutation(
        resolver=answer_add_collaborator,
        description="Share a customer with a member until an instant; asked for again, role and end change.",
    )
    remove_collaborator: CollaboratorPayload = strawberry.mutation(
        resolver=answer_remove_collaborator, description="End a collaboration now."
    )
    restrict_customer: RestrictedPayload = strawberry.mutation(
        resolver=answer_restrict_customer,
        description="Close a customer's archive and all that lies below it to everybody but its keepers.",
    )
    lift_restriction: RestrictedPayload = strawberry.mutation(
        resolver=answer_lift_restriction,
        description="Open a restricted archive again to everybody whose scope it lies in.",
    )
    request_archive_access: ArchiveAccessPayload = strawberry.mutation(
        resolver=answer_request_archive_access,
        description="Ask the keepers of restricted archives to open one for a time, at most 90 days.",
    )
    revoke_archive_access: ArchiveAccessPayload = strawberry.mutation(
        resolver=answer_revoke_archive_access, description="End an access to a restricted archive at once."
    )
