"""The generic mutations of every record: create, update, archive, restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import custom_of, values_of
from kedang_graphql.engine.executor import Ref, Verb
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError
from kedang_graphql.errors import user_errors
from kedang_platform.errors import KedangError, Unauthenticated
from kedang_tenants.catalogue import Catalogue, RecordType
from kedang_tenants.changing import Action, Change, change
from kedang_tenants.reading import Viewer

# After a change of these, what is remembered of viewers is out of date.
_SHAPES_VIEWERS = frozenset({"member", "department", "custom_field"})


@dataclass(frozen=True, slots=True)
class Payload:
    """What every mutation on a record returns; names as the API has them."""

    record: Ref | None
    userErrors: list[UserError]  # noqa: N815 - read by attribute


def make_verbs(catalogue: Catalogue) -> dict[str, Verb]:
    """The generic mutations by their names in the API."""
    return {
        f"{action}{record.api_name}": partial(_act, record, action)
        for record in catalogue
        for action in _ACTIONS
        if action in record.actions
    }


# Which record is meant, and as of when; ``version`` is a field of every record, too, and nobody writes it.
_WHICH = frozenset({"id", "version"})
_ACTIONS: tuple[Action, ...] = ("create", "update", "archive", "restore")


async def _act(record: RecordType, action: Action, context: Context, arguments: Mapping[str, Any]) -> Payload:
    viewer = await context.viewer()
    try:
        wanted = _change(viewer, record, action, arguments["input"])
        async with context.writing.transaction(context.databases, viewer.company) as write:
            changed = await change(write, viewer, [wanted], clock=context.clock)
    except Unauthenticated:
        raise
    except KedangError as error:
        return Payload(None, user_errors(error, context.language))
    if record.name in _SHAPES_VIEWERS:
        context.writing.afterwards(context.viewers.forget)
    return Payload(Ref(record.name, changed[0].id), [])


def _change(viewer: Viewer, record: RecordType, action: Action, given: Mapping[str, Any]) -> Change:
    wanted: UUID | None = None
    if action != "create":
        wanted = record_id(given["id"], record.name, path=("input", "id"))
    if action in {"archive", "restore"}:
        return Change(record.name, action, wanted, given.get("version"))
    values = {name: value for name, value in given.items() if name not in _WHICH}
    return Change(
        record.name,
        action,
        wanted,
        given.get("version"),
        values_of(record, values),
        custom_of(viewer, record, given.get("customFields")),
    )
