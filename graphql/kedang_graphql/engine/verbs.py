"""The generic mutations of every record: create, update, archive, restore - of one or of many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import custom_of, values_of
from kedang_graphql.engine.executor import Ref, Verb
from kedang_graphql.engine.ids import split_id
from kedang_graphql.engine.types import KEY, UserError
from kedang_graphql.errors import user_errors
from kedang_graphql.idempotency import IdempotencyKeyInvalid
from kedang_platform.database import DatabaseUnavailable, TenantWrite
from kedang_platform.errors import BadUserInput, KedangError, Refused, Unauthenticated
from kedang_platform.errors import UserError as Wrong
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.catalogue import Catalogue, RecordType, catalogue
from kedang_tenants.changing import Action, Change, change, change_accepted
from kedang_tenants.reading import Viewer

MOST_INPUTS = 250
MOST_BELOW = 1_000

# After a change of these, what is remembered of viewers is out of date.
_SHAPES_VIEWERS = frozenset({"member", "department", "custom_field"})


@dataclass(frozen=True, slots=True)
class Payload:
    """What every mutation on a record returns; names as the API has them."""

    record: Ref | None
    userErrors: list[UserError]  # noqa: N815 - read by attribute


@dataclass(frozen=True, slots=True)
class BatchPayload:
    """What every batch returns: a record for each input, None where nothing was done."""

    records: list[Ref | None]
    userErrors: list[UserError]  # noqa: N815 - read by attribute


def make_verbs(catalogue: Catalogue) -> dict[str, Verb]:
    """The generic mutations by their names in the API."""
    verbs: dict[str, Verb] = {}
    for record in catalogue:
        for action in _ACTIONS:
            if action in record.actions:
                verbs[f"{action}{record.api_name}"] = partial(_act, record, action)
                verbs[batch_name(action, record)] = partial(_act_on_many, record, action)
    return verbs


def batch_name(action: str, record: RecordType) -> str:
    """The mutation that does for many what ``createCustomer`` does for one: ``createCustomers``."""
    return f"{action}{record.api_plural[0].upper()}{record.api_plural[1:]}"


# Which record is meant, and as of when; ``version`` is a field of every record, too, and nobody writes it.
_WHICH = frozenset({"id", "version"})
_ACTIONS: tuple[Action, ...] = ("create", "update", "archive", "restore")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What one input asks for: a change, and the new records below it; or what is wrong with it."""

    head: Change | None
    below: list[Change] = field(default_factory=list)
    errors: list[Wrong] = field(default_factory=list)


async def _act(record: RecordType, action: Action, context: Context, arguments: Mapping[str, Any]) -> Payload:
    viewer = await context.viewer()
    try:
        _check_below(record, [arguments["input"]], ("input",))
        wanted = [_wanted(viewer, record, action, arguments["input"], ("input",))]
        async with context.writing.transaction(context.databases, viewer.company) as write:
            made = await _do_all(write, viewer, wanted, context)
    except (Unauthenticated, DatabaseUnavailable):
        raise  # nothing that the input could mend
    except KedangError as error:
        return Payload(None, user_errors(error, context.language))
    _forget_viewers(record, context)
    return Payload(Ref(record.name, made[0]), [])


async def _act_on_many(
    record: RecordType, action: Action, context: Context, arguments: Mapping[str, Any]
) -> BatchPayload:
    viewer = await context.viewer()
    inputs = arguments["inputs"]
    try:
        _check_size(record, inputs)
        wanted = [
            _wanted(viewer, record, action, given, ("inputs", n), alone=False)
            for n, given in enumerate(inputs)
        ]
        async with context.writing.transaction(context.databases, viewer.company) as write:
            if arguments["partial"]:
                made, errors = await _do_what_can_be_done(write, viewer, wanted, context)
            else:
                made, errors = [*await _do_all(write, viewer, wanted, context)], []
    except (Unauthenticated, DatabaseUnavailable):
        raise  # nothing that the input could mend
    except KedangError as error:
        return BatchPayload([None] * len(inputs), user_errors(_of_the_batch(error), context.language))
    if not any(made):
        await context.writing.undo()  # an answer of refusals only is not kept under its key
    _forget_viewers(record, context)
    told = user_errors(Refused(errors), context.language) if errors else []
    return BatchPayload([Ref(record.name, one) if one else None for one in made], told)


def _forget_viewers(record: RecordType, context: Context) -> None:
    if record.name in _SHAPES_VIEWERS:
        context.writing.afterwards(context.viewers.forget)


async def _do_all(
    write: TenantWrite, viewer: Viewer, wanted: Sequence[_Wanted], context: Context
) -> list[UUID]:
    """Everything, or Refused; what is below stands after all heads, so that each kind is written at once."""
    errors = [error for one in wanted for error in one.errors]
    if errors:
        raise Refused(errors)
    heads = [one.head for one in wanted if one.head is not None]
    below = [new for one in wanted for new in one.below]
    changed = await change(write, viewer, [*heads, *below], clock=context.clock)
    return [done.id for done in changed[: len(heads)]]


async def _do_what_can_be_done(
    write: TenantWrite, viewer: Viewer, wanted: Sequence[_Wanted], context: Context
) -> tuple[list[UUID | None], list[Wrong]]:
    """Each input wholly or not at all: those with records below them one by one, the others together.

    Where these meet a change of somebody else that could not be seen before, they go one by one, too.
    """
    made: list[UUID | None] = [None] * len(wanted)
    wrong: list[list[Wrong]] = [one.errors for one in wanted]
    plain = [(n, one.head) for n, one in enumerate(wanted) if one.head is not None and not one.below]
    alone = {n for n, one in enumerate(wanted) if one.below}
    try:
        async with write.savepoint():
            outcome = await change_accepted(write, viewer, [head for _, head in plain], clock=context.clock)
        for (n, _), done, errors in zip(plain, outcome.changed, outcome.errors, strict=True):
            made[n], wrong[n] = done.id if done else None, errors
    except Refused:
        alone |= {n for n, _ in plain}
    for n, one in enumerate(wanted):
        if n in alone:
            try:
                async with write.savepoint():
                    made[n] = (await _do_all(write, viewer, [one], context))[0]
            except Refused as error:
                wrong[n] = error.errors
    return made, [error for errors in wrong for error in errors]


def _check_size(record: RecordType, inputs: Sequence[Mapping[str, Any]]) -> None:
    if len(inputs) > MOST_INPUTS:
        raise BadUserInput(
            msg("At most {limit} entries are allowed here."), path=("inputs",), limit=MOST_INPUTS
        )
    _check_below(record, inputs, ("inputs",))


def _check_below(record: RecordType, inputs: Sequence[Mapping[str, Any]], path: tuple[str, ...]) -> None:
    below = sum(len(given.get(brought.api_name) or ()) for given in inputs for brought in record.brings)
    if below > MOST_BELOW:
        raise BadUserInput(msg("At most {limit} entries are allowed here."), path=path, limit=MOST_BELOW)


def _wanted(
    viewer: Viewer,
    record: RecordType,
    action: Action,
    given: Mapping[str, Any],
    path: tuple[str | int, ...],
    *,
    alone: bool = True,
) -> _Wanted:
    if not alone and given.get(KEY) is not None:
        error = IdempotencyKeyInvalid(msg("A batch has one idempotency key, beside its inputs."))
        return _Wanted(None, errors=[Wrong(error.code, error.message, (*path, KEY))])
    try:
        head = _change(viewer, record, action, given, path)
        return _Wanted(head, _below(viewer, record, given, head, path) if action == "create" else [])
    except BadUserInput as error:
        wrong = Wrong.of(error)
        return _Wanted(None, errors=[replace(wrong, path=(*path, *wrong.path[1:]))])


def _change(
    viewer: Viewer,
    record: RecordType,
    action: Action,
    given: Mapping[str, Any],
    path: tuple[str | int, ...],
) -> Change:
    if action == "create":
        wanted = new_id()
    else:
        found = split_id(given["id"])
        # An id of nothing is not found, as one of another company is.
        wanted = found[1] if found is not None and found[0] == record.name else new_id()
    version = given.get("version")
    if action in {"archive", "restore"}:
        return Change(record.name, action, wanted, version, path=path)
    values = {name: value for name, value in given.items() if name not in _WHICH}
    custom = custom_of(viewer, record, given.get("customFields"))
    return Change(record.name, action, wanted, version, values_of(record, values), custom, path=path)


def _below(
    viewer: Viewer,
    record: RecordType,
    given: Mapping[str, Any],
    head: Change,
    path: tuple[str | int, ...],
) -> list[Change]:
    """The new records that an input brings along, which belong to the one it creates."""
    made = []
    for brought in record.brings:
        below = catalogue().record(brought.target)
        for n, one in enumerate(given.get(brought.api_name) or ()):
            new = _change(viewer, below, "create", one, (*path, brought.api_name, n))
            made.append(replace(new, values={**new.values, brought.column: head.id}))
    return made


def _of_the_batch(error: KedangError) -> KedangError:
    """A refusal that names no single input, with the path of the argument that there is."""
    if not isinstance(error, Refused):
        return error
    return Refused(
        [
            replace(one, path=("inputs", *one.path[1:])) if one.path[:1] == ("input",) else one
            for one in error.errors
        ]
    )
