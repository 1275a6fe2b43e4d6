"""Filters as JSON, so that a job reads later what a person asked for now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kedang_tenants.reading.request import All, AnyOf, Compare, Filter, Kept, Not, Related, Search


def encode_filter(where: Filter) -> dict[str, Any]:
    """The filter as JSON that ``decode_filter`` reads."""
    match where:
        case All(parts):
            return {"all": [encode_filter(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [encode_filter(part) for part in parts]}
        case Not(part):
            return {"not": encode_filter(part)}
        case Related(relation, inner):
            return {"related": relation, "where": encode_filter(inner)}
        case Search(text):
            return {"search": text}
        case Kept(over, kept_id):
            return {"kept_over": over, "id": str(kept_id)}
        case Compare(field, operator, value, custom):
            return {"field": field, "operator": operator, "value": _encode(value), "custom": custom}


def decode_filter(stored: Mapping[str, Any]) -> Filter:
    match stored:
        case {"all": parts}:
            return All(tuple(decode_filter(part) for part in parts))
        case {"any": parts}:
            return AnyOf(tuple(decode_filter(part) for part in parts))
        case {"not": part}:
            return Not(decode_filter(part))
        case {"related": relation, "where": inner}:
            return Related(relation, decode_filter(inner))
        case {"search": text}:
            return Search(text)
        case {"kept_over": over, "id": kept_id}:
            return Kept(over, UUID(kept_id))
        case {"field": field, "operator": operator, "value": value, "custom": custom}:
            return Compare(field, operator, _decode(value), custom=custom)
    raise ValueError("not a stored filter")


def _encode(value: object) -> object:
    match value:
        case list() | tuple():
            return [_encode(one) for one in value]
        case UUID():
            return {"uuid": value.hex}
        case datetime():
            return {"instant": value.isoformat()}
        case date():
            return {"day": value.isoformat()}
        case Decimal():
            return {"decimal": str(value)}
    return value


def _decode(value: Any) -> object:
    match value:
        case list():
            return [_decode(one) for one in value]
        case {"uuid": text}:
            return UUID(hex=text)
        case {"instant": text}:
            return datetime.fromisoformat(text)
        case {"day": text}:
            return date.fromisoformat(text)
        case {"decimal": text}:
            return Decimal(text)
    return value
