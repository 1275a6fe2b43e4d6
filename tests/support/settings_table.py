"""Writes docs/settings.md: every setting with its default (``make requirements`` runs it too)."""

import json
from pathlib import Path

from pydantic_core import PydanticUndefined

from kedang_platform.settings import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
PREFIX = "KEDANG_"


def document() -> str:
    """The text of docs/settings.md."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    head = ["| variable | default | what it is |", "| --- | --- | --- |"]
    return (
        "# Settings\n\nEnvironment variables, read once at the start of each process. Written by `make requirements`.\n\n"
        + "\n".join(head + rows)
        + "\n"
    )


def _default(value: object) -> str:
    if value is None or value is PydanticUndefined:
        return "–"
    return f"`{_written(value)}`"


def _written(value: object) -> str:
    """As one writes it into the environment."""
    return json.dumps(value) if isinstance(value, bool | dict) else str(value)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
