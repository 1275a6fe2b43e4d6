"""Who is looking: a member with the rights that their roles and seat give, or the product itself."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_platform.errors import Unauthenticated
from kedang_platform.i18n import Language, msg
from kedang_platform.registry import Company
from kedang_tenants.catalogue import catalogue
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.people.policy import access_of, system_access
from kedang_tenants.reading import Viewer

_MEMBER = """
WITH RECURSIVE below AS (
    SELECT department_id AS id FROM member WHERE id = $1 AND department_id IS NOT NULL
    UNION
    SELECT d.id FROM department d JOIN below b ON d.parent_id = b.id
)
SELECT m.roles, m.state, m.seat, m.language,
       ARRAY(SELECT o.id FROM member o WHERE o.department_id IN (SELECT id FROM below) ORDER BY o.id) AS reach
FROM member m WHERE m.id = $1
"""
_LANGUAGES: dict[str, Language] = {"EN": "en", "ZH_CN": "zh-CN"}


def language_code(language: str) -> str:
    """A language tag as a member's row keeps it: ``zh-CN`` is ``ZH_CN``."""
    return "ZH_CN" if language == "zh-CN" else "EN"


async def load_viewer(
    read: TenantRead,
    *,
    company: Company,
    member_id: UUID,
    via: str = "api",
    custom_fields: tuple[CustomField, ...] = (),
) -> Viewer:
    """The member as a viewer, with today's roles, seat and department.

    Raises ``Unauthenticated`` when there is no such member or they are not active (any more).
    """
    row = await read.fetchrow(_MEMBER, member_id)
    if row is None or row["state"] != "ACTIVE":
        raise Unauthenticated(msg("You are not an active member of this company."))
    return Viewer(
        company=company.ref,
        member_id=member_id,
        roles=frozenset(row["roles"]),
        department_members=tuple(row["reach"]),
        access=access_of(row["roles"], full_seat=row["seat"] == "FULL"),
        language=_LANGUAGES[row["language"]],
        time_zone=company.time_zone,
        currency=company.currency,
        country=company.country,
        via=via,
        custom_fields=custom_fields,
    )


def system_viewer(
    company: Company, *, via: str = "job", custom_fields: tuple[CustomField, ...] = ()
) -> Viewer:
    """The product itself doing the company's work: every right, no member."""
    return Viewer(
        company=company.ref,
        member_id=None,
        roles=frozenset(),
        department_members=(),
        access=system_access(record.name for record in catalogue()),
        language=company.language,
        time_zone=company.time_zone,
        currency=company.currency,
        country=company.country,
        via=via,
        custom_fields=custom_fields,
    )
