"""Runs taken in turns, and the rows of markdown that they become."""

import statistics
from collections.abc import Mapping
from dataclasses import fields

from tests.bench.gateway.wrk import Asked, Load, Wrk


def in_turns(
    wrk: Wrk, asked: Mapping[str, Asked], *, rounds: int = 5, seconds: int = 1, connections: int = 1
) -> dict[str, Load]:
    """The median of each figure of each server's runs; one after the other, so that a drifting machine hits all."""
    for one in asked.values():
        wrk.run(one, seconds=1, connections=connections)
    runs: dict[str, list[Load]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, one in asked.items():
            runs[name].append(wrk.run(one, seconds=seconds, connections=connections))
    return {name: _median(loads) for name, loads in runs.items()}


def _median(loads: list[Load]) -> Load:
    return Load(**{f.name: statistics.median(getattr(load, f.name) for load in loads) for f in fields(Load)})


def row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def header(*cells: str) -> list[str]:
    return [row(*cells), "|---" * len(cells) + "|"]


def verdict(ratio: float, most: float) -> str:
    """A ratio beside what is wanted, marked where it is missed."""
    said = f"{ratio:.2f} × (≤ {most:g})"
    return said if ratio <= most else f"**{said}**"
