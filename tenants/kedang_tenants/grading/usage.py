"""What a level is used for: by the rule in force, by one that is scheduled, by customers who have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_tenants.grading.models import HAND, PUBLISHED
from kedang_tenants.grading.versions import SCHEDULED as VERSION_SCHEDULED

IN_FORCE: Final = "IN_FORCE"
SCHEDULED: Final = "SCHEDULED"
IN_USE: Final = "IN_USE"

# By the rule of a scheme that was put to the hand nobody is graded. A rule in force names its levels by their ids, a version before its day by their codes, as people wrote them.
_USES: Final = f"""
SELECT l.id,
       CASE WHEN EXISTS (
                SELECT 1 FROM grade_scheme s WHERE s.id = l.scheme_id AND s.state = '{PUBLISHED}'
                  AND s.graded_by <> '{HAND}'
                  AND jsonb_path_exists(s.rule, '$.**.id ? (@ == $id)', jsonb_build_object('id', l.id::text)))
            THEN '{IN_FORCE}'
            WHEN EXISTS (
                SELECT 1 FROM grade_rule r
                WHERE r.scheme_id = l.scheme_id AND r.state = '{VERSION_SCHEDULED}' AND r.archived_at IS NULL
                  AND (jsonb_path_exists(r.content, '$.**.level ? (@ == $code)', jsonb_build_object('code', l.code))
                       OR r.content ->> 'unknown' = l.code))
            THEN '{SCHEDULED}'
            WHEN EXISTS (SELECT 1 FROM customer_grade g WHERE g.level_id = l.id AND g.current)
            THEN '{IN_USE}' END AS use
FROM grade_level l WHERE l.id = ANY($1::uuid[])
"""


async def uses_of(read: TenantRead, level_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """What keeps each of these levels from going; those that nothing keeps are not in it."""
    if not level_ids:
        return {}
    rows = await read.fetch(_USES, list(level_ids))
    return {row["id"]: row["use"] for row in rows if row["use"] is not None}
