"""Sets of levels that a grade scheme can start from (G1): what companies call their customers' levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.changing import Change, change
from kedang_tenants.grading.models import TRAILING_12_MONTHS
from kedang_tenants.reading import Viewer


@dataclass(frozen=True, slots=True)
class SetLevel:
    """A level as a set proposes it; from which sum on it is given, the company decides."""

    code: str
    name: str
    colour: str
    cycle_days: int


@dataclass(frozen=True, slots=True)
class LevelSet:
    """``code`` names it in the API; the highest level is the first."""

    code: str
    name: str
    levels: tuple[SetLevel, ...]


_RED, _ORANGE, _YELLOW, _GREEN, _GREY = "#c0392b", "#d35400", "#a8860a", "#1e8449", "#5d6d7e"

LEVEL_SETS: Final = (
    LevelSet(
        "A_TO_E",
        msg("A to E"),
        (
            SetLevel("A", msg("Key customer"), _RED, 14),
            SetLevel("B", msg("Important customer"), _ORANGE, 30),
            SetLevel("C", msg("Ordinary customer"), _YELLOW, 60),
            SetLevel("D", msg("Small customer"), _GREEN, 90),
            SetLevel("E", msg("Customer without sales"), _GREY, 180),
        ),
    ),
    LevelSet(
        "A_TO_D",
        msg("A to D"),
        (
            SetLevel("A", msg("Key customer"), _RED, 14),
            SetLevel("B", msg("Important customer"), _ORANGE, 30),
            SetLevel("C", msg("Ordinary customer"), _YELLOW, 60),
            SetLevel("D", msg("Small customer"), _GREEN, 90),
        ),
    ),
    LevelSet(
        "KEY_SECONDARY_MINOR",
        msg("Key, secondary, minor"),
        (
            SetLevel("KEY", msg("Key customer"), _RED, 14),
            SetLevel("SECONDARY", msg("Secondary customer"), _YELLOW, 30),
            SetLevel("MINOR", msg("Minor customer"), _GREEN, 90),
        ),
    ),
    LevelSet(
        "IMPORTANT_SPECIAL_ORDINARY",
        msg("Important, special, ordinary"),
        (
            SetLevel("IMPORTANT", msg("Important customer"), _RED, 14),
            SetLevel("SPECIAL", msg("Special customer"), _ORANGE, 30),
            SetLevel("ORDINARY", msg("Ordinary customer"), _GREEN, 60),
        ),
    ),
    LevelSet(
        "VIP_ORDINARY_POTENTIAL",
        msg("VIP, ordinary, potential"),
        (
            SetLevel("VIP", msg("VIP customer"), _RED, 14),
            SetLevel("ORDINARY", msg("Ordinary customer"), _YELLOW, 60),
            SetLevel("POTENTIAL", msg("Potential customer"), _GREEN, 30),
        ),
    ),
)


async def start_scheme(
    write: TenantWrite, viewer: Viewer, *, name: str, level_set: LevelSet, clock: Clock
) -> UUID:
    """Make a draft of a scheme with the levels of a set; returns its id.

    Raises Refused as ``change`` does: without the right to set grades up, for a name that is taken.
    """
    scheme_id = new_id()
    values = {"name": name, "period": TRAILING_12_MONTHS}
    scheme = Change("grade_scheme", "create", scheme_id, values=values)
    levels = [
        Change("grade_level", "create", values=level_values(scheme_id, level, place))
        for place, level in enumerate(level_set.levels, start=1)
    ]
    await change(write, viewer, [scheme, *levels], clock=clock)
    return scheme_id


def level_values(scheme_id: UUID, level: SetLevel, place: int) -> dict[str, object]:
    """A level of a set as the record of a scheme, at ``place`` (1 is the highest)."""
    return {
        "scheme_id": scheme_id,
        "code": level.code,
        "name": translated(level.name),
        "colour": level.colour,
        "position": place,
        "cycle_days": level.cycle_days,
    }
