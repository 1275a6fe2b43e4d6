"""Idempotency keys: a change that is asked for again under its key is answered as the first time.

A key comes as the header ``Idempotency-Key`` of a request with one change, or in the change's input.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLField, Node, Visitor, get_named_type, is_input_object_type, print_ast, visit
from graphql.execution.collect_fields import FieldDetails, FragmentDetails

from kedang_graphql.context import Context
from kedang_graphql.engine.types import KEY
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_tenants.changing.repeating import Asked, answered_before, in_progress, keep_answer

LONGEST_KEY = 255


class IdempotencyKeyInvalid(KedangError):
    """The key cannot be used, or cannot be used here."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of before: the value of the field and the paths that were masked in it."""

    value: Any
    masked: Sequence[str]


def key_of(
    header: str | None, definition: GraphQLField, arguments: Mapping[str, Any], *, changes: int
) -> str | None:
    """The key of one change, None without one. Raises IdempotencyKeyInvalid."""
    given = arguments.get("input")
    inside = given.get(KEY) if isinstance(given, dict) else arguments.get(KEY)
    if header is not None:
        if changes != 1:
            raise IdempotencyKeyInvalid(
                msg(
                    "The header Idempotency-Key is for a request with one change; name the keys in the inputs."
                )
            )
        if not _takes_key(definition):
            raise IdempotencyKeyInvalid(msg("This change cannot be repeated under an idempotency key."))
        if inside is not None and inside != header:
            raise IdempotencyKeyInvalid(msg("The request names two idempotency keys."))
    if isinstance(given, dict) and any(isinstance(part, dict) and part.get(KEY) for part in given.values()):
        raise IdempotencyKeyInvalid(msg("The idempotency key of a change stands in its outermost input."))
    key = header if header is not None else inside
    if key is not None and not _well_formed(key):
        raise IdempotencyKeyInvalid(
            msg("An idempotency key has 1 to {limit} printable ASCII characters."), limit=LONGEST_KEY
        )
    return key


def _takes_key(definition: GraphQLField) -> bool:
    if KEY in definition.args:
        return True
    given = definition.args.get("input")
    kind = get_named_type(given.type) if given is not None else None
    return is_input_object_type(kind) and KEY in kind.fields


def _well_formed(key: str) -> bool:
    return 1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()


def digest(
    place: str,
    arguments: Mapping[str, Any],
    details: Sequence[FieldDetails],
    fragments: Mapping[str, FragmentDetails],
    variables: Mapping[str, Any],
) -> bytes:
    """The SHA-256 of a change with its arguments and of what is asked of its answer."""
    finder = _Finder()
    texts = list(_selections(details, fragments, finder))
    asked = {name: variables.get(name) for name in finder.variables}
    whole = [place, details[0].node.name.value, arguments, texts, asked]
    return sha256(json.dumps(whole, default=str, sort_keys=True).encode()).digest()


def _selections(
    details: Sequence[FieldDetails], fragments: Mapping[str, FragmentDetails], finder: _Finder
) -> Iterator[str]:
    pending: list[Node] = [d.node.selection_set for d in details if d.node.selection_set is not None]
    seen: set[str] = set()
    while pending:
        part = pending.pop()
        yield print_ast(part)
        visit(part, finder)
        for name in sorted(finder.spreads - seen):
            seen.add(name)
            pending.append(fragments[name].definition)


class _Finder(Visitor):
    """Notes which fragments and variables a selection names."""

    def __init__(self) -> None:
        super().__init__()
        self.spreads: set[str] = set()
        self.variables: set[str] = set()

    def enter_fragment_spread(self, node: Any, *_: Any) -> None:
        self.spreads.add(node.name.value)

    def enter_variable(self, node: Any, *_: Any) -> None:
        self.variables.add(node.name.value)


@dataclass(slots=True)
class _Queue:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    present: int = 0


_queues: dict[tuple[UUID, UUID, str], _Queue] = {}


@asynccontextmanager
async def one_at_a_time(context: Context, key: str) -> AsyncIterator[None]:
    """Requests of this process with the same key, one after the other: who waits holds no connection meanwhile.

    Raises IdempotencyInProgress for whose turn has not come after the time that one waits for a lock.
    """
    asker = context.signed_in()
    whose = asker.company.id, asker.member_id, key
    queue = _queues.setdefault(whose, _Queue())
    queue.present += 1
    try:
        await _wait(queue.turn, context.settings.lock_timeout)
        try:
            yield
        finally:
            queue.turn.release()
    finally:
        queue.present -= 1
        if not queue.present:
            del _queues[whose]


async def _wait(turn: asyncio.Lock, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await turn.acquire()
    except TimeoutError:
        raise in_progress() from None


async def begin(context: Context, key: str, request: bytes) -> tuple[Asked, Answered | None]:
    """Open the field's transaction under a key; gives the answer of before where there is one."""
    context.require_scope("write")
    viewer = await context.viewer()
    asked = Asked(context.signed_in().member_id, key, request)
    async with context.writing.transaction(context.databases, viewer.company) as write:
        kept = await answered_before(write, asked, clock=context.clock)
    if kept is None:
        return asked, None
    found = orjson.loads(kept)
    return asked, Answered(found["value"], found["masked"])


async def keep(context: Context, asked: Asked, answer: Answered) -> None:
    """Keep an answer with what was written for it; does nothing where that was undone."""
    if not context.writing.is_open:
        return
    told = orjson.dumps({"value": answer.value, "masked": list(answer.masked)}).decode()
    async with context.writing.transaction(context.databases, context.company.ref) as write:
        await keep_answer(write, asked, told)
