"""What a version of a rule says, checked against the scheme's levels and the measures that the company has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson

from kedang_platform.database import TenantRead
from kedang_platform.database.errors import UNKEEPABLE, UnkeepableText
from kedang_platform.errors import Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.json_values import unkeepable
from kedang_tenants.grading.company_measures import measures_of
from kedang_tenants.grading.rule_content import GradeRule, RuleLevel, document_of_levels
from kedang_tenants.grading.rule_reading import parse_rule

MOST_BYTES: Final = 64 * 1024
"""Of a content as JSON."""

_LEVELS: Final = """
SELECT id, code, position AS rank FROM grade_level WHERE scheme_id = $1 AND archived_at IS NULL ORDER BY position, id
"""
_SIMPLE: Final = """
SELECT code, minimum, exclusive FROM grade_level WHERE scheme_id = $1 AND archived_at IS NULL ORDER BY position, id
"""


async def levels_of(read: TenantRead, scheme_id: UUID) -> list[RuleLevel]:
    """The living levels of a scheme, the best first."""
    return [RuleLevel(**dict(row)) for row in await read.fetch(_LEVELS, scheme_id)]


async def checked_rule(read: TenantRead, *, scheme_id: UUID, content: object, version: int) -> GradeRule:
    """The rule that a content says; raises Refused with all that is wrong with it, by paths under ``input.content``."""
    if not isinstance(content, Mapping):
        raise _refused("INVALID_CONTENT", msg("The content of a rule is an object."))
    if _bytes(content) > MOST_BYTES:
        raise _refused("CONTENT_TOO_LARGE", msg("The content of a rule is too long or too deep."))
    odd = unkeepable(content)
    if odd is not None:
        raise Refused([UserError(UnkeepableText.code, UNKEEPABLE, ("input", "content", *odd))])
    found = parse_rule(content, await levels_of(read, scheme_id), await measures_of(read), version=version)
    if isinstance(found, list):
        raise Refused(found)
    return found


async def simple_content(
    read: TenantRead, *, scheme_id: UUID, measure: str, period: str, year: int | None
) -> dict[str, Any]:
    """The content that a scheme's own fields and the minimums of its levels say."""
    levels = [dict(row) for row in await read.fetch(_SIMPLE, scheme_id)]
    return document_of_levels(measure=measure, period=period, year=year, levels=levels)


def _bytes(content: Mapping[str, Any]) -> int:
    """How long a content is as JSON; what lies too deep for it, or is too large a number, makes one that is too long."""
    try:
        return len(orjson.dumps(dict(content)))
    except (orjson.JSONEncodeError, RecursionError):
        return MOST_BYTES + 1


def _refused(code: str, message: str) -> Refused:
    return Refused([UserError(code, message, ("input", "content"))])
