"""Failures as the API tells them: translated, with a stable code, and nothing of a bug's inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from graphql import GraphQLError

from kedang_graphql.engine.types import UserError
from kedang_platform.database.noting import note_refusal
from kedang_platform.errors import KedangError, Refused
from kedang_platform.errors import UserError as Wrong
from kedang_platform.i18n import msg, translate
from kedang_platform.ids import new_id

log = structlog.get_logger(__name__)

# Codes of GraphQL's own errors, by the layer in which they arise.
GRAPHQL_INVALID = "GRAPHQL_VALIDATION_FAILED"


def told(error: GraphQLError, language: str) -> dict[str, Any]:
    """An error as it stands in ``errors`` of an answer; an unexpected one gets a number that the log repeats."""
    original = error.original_error
    if isinstance(original, KedangError):
        return _formatted(error, translate(original.message, language, original.params), original.code)
    if original is None or isinstance(original, GraphQLError):
        return _formatted(error, error.message, GRAPHQL_INVALID)
    incident = new_id().hex
    log.error("operation.failed", incident=incident, exc_info=original)
    text = translate(
        msg("Something went wrong on our side. Incident {incident}."), language, {"incident": incident}
    )
    return _formatted(error, text, "INTERNAL_ERROR")


def _formatted(error: GraphQLError, message: str, code: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"message": message}
    if error.locations:
        entry["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        entry["path"] = list(error.path)
    entry["extensions"] = {"code": code}
    return entry


def user_errors(error: KedangError, language: str) -> list[UserError]:
    """A refusal as the ``userErrors`` of a payload."""
    wrongs: Sequence[Wrong] = error.errors if isinstance(error, Refused) else [Wrong.of(error)]
    for wrong in wrongs:
        note_refusal(wrong.code)
    return [
        UserError(
            path=[str(step) for step in wrong.path],
            message=translate(wrong.message, language, wrong.params),
            code=wrong.code,
        )
        for wrong in wrongs
    ]
