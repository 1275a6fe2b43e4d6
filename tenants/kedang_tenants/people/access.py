"""The access rules of a company as a kind of rule: what is checked of them where there is a database (A11, T8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.people.access_bounds import check_bases, check_bounds
from kedang_tenants.people.access_rules import KIND, AccessRules, Reader
from kedang_tenants.people.access_standing import rules_in_force
from kedang_tenants.people.roles import ROLES
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import register_rule_kind

_USED = "SELECT DISTINCT unnest(own_roles) AS role FROM member WHERE archived_at IS NULL"
_DEPARTMENTS = "SELECT id FROM department WHERE archived_at IS NULL"
_LABELS: Final[Mapping[str, str]] = {role.code: role.label for role in ROLES}


async def check_access_rules(
    read: TenantRead, viewer: Viewer, content: Mapping[str, Any]
) -> Sequence[UserError]:
    """What is wrong with access rules for whoever wants them so; the product itself has no bounds of its own."""
    reader = Reader(content)
    rules = reader.rules()
    if reader.errors:
        return reader.errors
    _, before = await rules_in_force(read)
    by_product = viewer.member_id is None
    errors = check_bounds(
        rules,
        before=before,
        reach=None if by_product else viewer.access,
        used=await used_roles(read),
        departments={row["id"] for row in await read.fetch(_DEPARTMENTS)},
        roles=viewer.roles,
    )
    return [*errors, *(() if by_product else check_bases(rules, before=before, roles=viewer.roles))]


async def used_roles(read: TenantRead) -> frozenset[str]:
    """The company's own roles that somebody has, deactivated members too: they may come back."""
    return frozenset(row["role"] for row in await read.fetch(_USED))


@prepares("rule_version")
async def keep_used_roles(
    write: TenantWrite,
    viewer: Viewer,  # noqa: ARG001 - the signature of a step
    drafts: Sequence[Draft],
    clock: Clock,  # noqa: ARG001
) -> None:
    """Rules whose own roles somebody has are not repealed: with them their rights would go."""
    ending = [draft for draft in drafts if _ends(draft)]
    for role in sorted(await used_roles(write)) if ending else ():
        for draft in ending:
            draft.refuse(
                None, "ROLE_IN_USE", msg("The role “{role}” cannot be dropped: somebody has it."), role=role
            )


def _ends(draft: Draft) -> bool:
    was_in_force = draft.old is not None and draft.old["state"] == "IN_FORCE"
    return was_in_force and draft.now("kind") == KIND and draft.values.get("state") == "REPEALED"


def role_label(rules: AccessRules, code: str, language: Language) -> str:
    """What a role is called: by the company, else by the product."""
    role = rules.roles.get(code)
    if role is not None and role.label:
        return text_in(dict(role.label), language)
    return translate(_LABELS.get(code, code), language)


register_rule_kind(KIND, check=check_access_rules, label=msg("Access rules"))
