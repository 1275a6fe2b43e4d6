"""Writes graphql/schema.graphql: the API as it is printed (``make requirements`` runs it too)."""

from pathlib import Path

from kedang_graphql.schema import build_gateway

DOCUMENT = Path(__file__).parents[2] / "graphql" / "schema.graphql"


def document() -> str:
    """The text of graphql/schema.graphql, the same as is served at ``/graphql/schema.graphql``."""
    return build_gateway().schema.as_str() + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
