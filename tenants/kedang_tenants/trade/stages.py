"""How far a demand can have come where a company says nothing of its sales process (P2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.catalogue.languages import translated


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a sales process: its stable code, and its name as records keep it."""

    code: str
    name: Mapping[str, str]


_DEFAULT: Final[Mapping[str, str]] = {
    "CONTACT": msg("First contact"),
    "NEED": msg("Need found out"),
    "SOLUTION": msg("Solution offered"),
    "QUOTED": msg("Quoted"),
    "NEGOTIATION": msg("Negotiation"),
    "CLOSING": msg("Closing"),
}


def default_stages() -> tuple[Stage, ...]:
    """The product's own process, from the first stage to the last."""
    return tuple(Stage(code, translated(label)) for code, label in _DEFAULT.items())


def stage_called(stages: Sequence[Stage], told: str) -> Stage | None:
    """The stage with this code, or with this name in one of our languages, as a file may say it."""
    wanted = told.strip().casefold()
    for stage in stages:
        if wanted in {stage.code.casefold(), *(name.strip().casefold() for name in stage.name.values())}:
            return stage
    return None
