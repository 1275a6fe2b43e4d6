"""What a doctor finds. Codes are stable: programs may rely on them (docs/operations.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong (``error``) or could become so; ``message`` and ``remedy`` are msgids over ``params``."""

    code: str
    severity: Severity
    message: str
    remedy: str
    params: Mapping[str, object]


def error(code: str, message: str, remedy: str, **params: object) -> Finding:
    return Finding(code, "error", message, remedy, params)


def warning(code: str, message: str, remedy: str, **params: object) -> Finding:
    return Finding(code, "warning", message, remedy, params)
