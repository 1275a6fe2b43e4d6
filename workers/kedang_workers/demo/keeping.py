"""What the demonstration remembers between its steps: how to sign in, and its keys. In ``var``, for its owner only."""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Kept:
    """``key`` may read and write, ``reading_key`` is the one to hand to an integrator. ``built_on`` is an ISO day."""

    email: str
    password: str
    company: str = "Northwind Traders"
    built: bool = False
    key: str | None = None
    reading_key: str | None = None
    built_on: str | None = None


def kept_in(var: Path) -> Path:
    return var / "demo.json"


def recall(var: Path) -> Kept | None:
    path = kept_in(var)
    return Kept(**orjson.loads(path.read_bytes())) if path.exists() else None


def keep(var: Path, kept: Kept, **news: Any) -> Kept:
    """Write what is known now, whole or not at all; returns it."""
    now = replace(kept, **news)
    path = kept_in(var)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(asdict(now), option=orjson.OPT_INDENT_2))
    draft.replace(path)
    return now


def new_password() -> str:
    return secrets.token_urlsafe(15)
