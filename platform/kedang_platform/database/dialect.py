"""SQLAlchemy's asyncpg dialect, with JSON left as text on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

URL = "postgresql+kedang://"


class KedangDialect(PGDialect_asyncpg):
    """jsonb reaches ``fetch`` as ``str``, the same as over the pool of reads; only the JSON type decodes it.

    The stock dialect installs a decoder on the connection, so that what ``fetch`` returns would
    depend on which of the two pools the connection came from.
    """

    driver = "kedang"
    supports_statement_cache = True
    supports_native_json_deserialization = False
    dialect_injects_custom_json_deserializer = False

    def on_connect(self) -> Callable[[Any], None] | None:
        return None


registry.register("postgresql.kedang", __name__, KedangDialect.__name__)
