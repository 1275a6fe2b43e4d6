"""How long a company keeps the files of its reports: its rule, or ninety days (R2, T8, T9).

``{"days": 30}``. A report keeps the day that was told when it was made; a new rule counts for the next ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from kedang_platform.database import TenantRead
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import in_force, register_rule_kind

KIND: Final = "reports.kept"
KEPT: Final = timedelta(days=90)
"""How long files are kept where the company says nothing."""
DAYS: Final = (1, 3660)


async def kept_for(read: TenantRead) -> timedelta:
    """How long the files of a report that is made now are kept."""
    rule = await in_force(read, KIND)
    return KEPT if rule is None else timedelta(days=rule.content["days"])


async def check(_read: TenantRead, _viewer: Viewer, content: Mapping[str, Any]) -> Sequence[UserError]:
    """What is wrong with a content."""
    days = content.get("days")
    low, high = DAYS
    if set(content) != {"days"}:
        return [UserError("INVALID_CONTENT", msg("Say for how many days reports are kept: days."))]
    if type(days) is not int or not low <= days <= high:
        text = msg("Between {low} and {high} days are possible.")
        return [UserError("OUT_OF_RANGE", text, ("days",), {"low": low, "high": high})]
    return []


register_rule_kind(KIND, check=check, label=msg("How long reports are kept"))
