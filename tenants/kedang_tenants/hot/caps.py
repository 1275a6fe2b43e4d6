"""How many hot customers a representative and the company may have (A5)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.hot.rule import HotRule

# Whoever counts waits for who counted before: two marks at once do not both take the last place.
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('hot customers'), hashtext($1))"
_COUNT: Final = """
SELECT count(*) FILTER (WHERE owner_id = $1) AS theirs, count(*) AS all
FROM customer WHERE hot_since IS NOT NULL AND archived_at IS NULL
"""


class HotCapReached(BadUserInput):
    """There are as many hot customers already as the company's rule allows."""


async def hold_places(write: TenantWrite) -> None:
    """Let nobody else mark customers until this transaction ends; the customers are locked before."""
    await write.fetch(_ONE_AT_A_TIME, write.company.schema)


async def cap_reached(read: TenantRead, rule: HotRule, *, owner_id: UUID | None) -> HotCapReached | None:
    """What there would be to say of one more hot customer of this owner; None while there is a place."""
    row = await read.fetchrow(_COUNT, owner_id)
    assert row is not None, "a count is a row"
    path = ("input", "customerId")
    if owner_id is not None and rule.most_per_member is not None and row["theirs"] >= rule.most_per_member:
        message = msg("There are {count} hot customers with this representative already; {cap} are allowed.")
        return HotCapReached(message, path=path, count=row["theirs"], cap=rule.most_per_member)
    if rule.most_in_company is not None and row["all"] >= rule.most_in_company:
        message = msg("There are {count} hot customers in the company already; {cap} are allowed.")
        return HotCapReached(message, path=path, count=row["all"], cap=rule.most_in_company)
    return None
