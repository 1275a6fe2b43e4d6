"""What stands in an input, by the names that the API has for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import strawberry

from kedang_tenants.catalogue.record_types import camel


@strawberry.input
class Repeatable:
    """The input of a verb that writes in the company: asked for again under its key, it is done once."""

    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Asked for again under this key within 24 hours, it is done once.",
    )


def given(instance: Any) -> dict[str, Any]:
    """The fields of an input, written by hand or generated, that the client has sent; null is sent, too."""
    if isinstance(instance, Mapping):
        return dict(instance)
    values = {camel(field.name): getattr(instance, field.name) for field in fields(instance)}
    return {name: value for name, value in values.items() if value is not strawberry.UNSET}
