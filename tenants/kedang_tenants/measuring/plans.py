"""What EXPLAIN says of a statement: the parts that matter, without any value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kedang_tenants.measuring.literals import without_literals

MOST_LINES: Final = 60


@dataclass(frozen=True, slots=True)
class Node:
    """A step of a plan; ``rows`` and ``width`` (bytes a row) are PostgreSQL's estimates, conditions have no values."""

    kind: str
    rows: int
    width: int
    cost: float
    table: str | None = None
    index: str | None = None
    filter: str = ""
    condition: str = ""
    order: str = ""
    below: tuple[Node, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Node:
        """A step, and those below it, as ``EXPLAIN (FORMAT JSON)`` tells them."""
        return cls(
            kind=str(told["Node Type"]),
            rows=int(told.get("Plan Rows", 0)),
            width=int(told.get("Plan Width", 0)),
            cost=float(told.get("Total Cost", 0)),
            table=told.get("Relation Name"),
            index=told.get("Index Name"),
            filter=without_literals(str(told.get("Filter", ""))),
            condition=without_literals(str(told.get("Index Cond", told.get("Recheck Cond", "")))),
            order=without_literals(", ".join(told.get("Sort Key", ()))),
            below=tuple(cls.of(step) for step in told.get("Plans", ())),
        )

    def steps(self, above: tuple[Node, ...] = ()) -> Iterator[tuple[Node, tuple[Node, ...]]]:
        """The step and all below it, each with the steps above it, the nearest last."""
        yield self, above
        for step in self.below:
            yield from step.steps((*above, self))

    def lines(self) -> list[str]:
        """The plan as text, a line a step, indented by how deep it stands."""
        told = [f"{'  ' * len(above)}{step._line()}" for step, above in self.steps()]  # noqa: SLF001 - its own
        return told if len(told) <= MOST_LINES else [*told[: MOST_LINES - 1], "…"]

    def _line(self) -> str:
        parts = [self.kind]
        if self.index:
            parts.append(f"using {self.index}")
        if self.table:
            parts.append(f"on {self.table}")
        parts.append(f"(rows {self.rows}, cost {self.cost:.0f})")
        for word, text in (("where", self.condition), ("filter", self.filter), ("by", self.order)):
            if text:
                parts.append(f"{word} {text}")
        return " ".join(parts)
