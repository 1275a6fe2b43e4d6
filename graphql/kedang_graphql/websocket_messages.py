"""The messages of graphql-transport-ws (PROTOCOL.md of enisdenjo/graphql-ws), read strictly and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

SUBPROTOCOL: Final = "graphql-transport-ws"

MESSAGE_TOO_BIG: Final = 1009
INVALID: Final = 4400
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
SUBPROTOCOL_NOT_ACCEPTABLE: Final = 4406
INIT_TIMEOUT: Final = 4408
SUBSCRIBER_EXISTS: Final = 4409
TOO_MANY_INITS: Final = 4429
INTERNAL_ERROR: Final = 4500

Kind = Literal["connection_init", "ping", "pong", "subscribe", "complete"]
_KINDS: Final = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})
_NAMED: Final = frozenset({"subscribe", "complete"})


class InvalidMessage(ValueError):
    """What came is no message of the protocol; the text says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a client; ``id`` is empty where its kind has none, ``size`` is in characters."""

    kind: Kind
    id: str
    payload: Mapping[str, Any] | None
    size: int


def read_message(text: str) -> Message:
    """Raises InvalidMessage."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidMessage("Message is not JSON") from None
    if not isinstance(given, dict):
        raise InvalidMessage("Message is not an object")
    kind, operation, payload = given.get("type"), given.get("id"), given.get("payload")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InvalidMessage("Unknown message type")
    if kind in _NAMED and not (isinstance(operation, str) and operation):
        raise InvalidMessage("Message has no id")
    if not isinstance(payload, dict | None) or (kind == "subscribe" and payload is None):
        raise InvalidMessage("Message has no valid payload")
    name = operation if kind in _NAMED else ""
    return Message(kind, name, payload, len(text))  # type: ignore[arg-type] # one of _KINDS


def ack() -> str:
    return '{"type":"connection_ack"}'


def pong(payload: Mapping[str, Any] | None) -> str:
    return _json({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})


def next_result(operation: str, payload: bytes) -> str:
    """A result whose payload is JSON already."""
    return f'{{"id":{_json(operation)},"type":"next","payload":{payload.decode()}}}'


def error(operation: str, errors: Sequence[Mapping[str, Any]]) -> str:
    return _json({"id": operation, "type": "error", "payload": errors})


def complete(operation: str) -> str:
    return _json({"id": operation, "type": "complete"})


def _json(value: Any) -> str:
    # Text, not bytes: a frame of bytes is a binary one, which clients of this protocol refuse.
    return orjson.dumps(value).decode()
