"""What the features add to the schema beside the catalogue: their queries and the verbs of the trade."""

from __future__ import annotations

QUERIES: tuple[type, ...] = ()
MUTATIONS: tuple[type, ...] = ()
