"""A selection and a request's variables become ReadRequests; what is masked in them is told by path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from graphql.execution.values import VariableValues

from kedang_graphql.engine.arguments import LARGEST_PAGE, archived_of, filter_of, orders_of, page_of
from kedang_graphql.engine.selection import ConnectionNode, Own, RecordNode, ToMany, ToOne, Value
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import RecordType
from kedang_tenants.reading import Listing, Select, Viewer
from kedang_tenants.reading.masks import Mask, mask_of

if TYPE_CHECKING:
    from kedang_graphql.context import Context

MOST_NODES = 10_000


class QueryTooLarge(KedangError):
    """The request asks for more records than one answer may hold."""

    code: ClassVar[str] = "QUERY_TOO_LARGE"


@dataclass(slots=True)
class Budget:
    """How many records an answer and a page of it may hold at the most, counted before anything is read."""

    left: int = MOST_NODES
    largest_page: int = LARGEST_PAGE

    def spend(self, nodes: int) -> None:
        self.left -= nodes
        if self.left < 0:
            raise QueryTooLarge(
                msg("This asks for more than {limit} records at once. Ask for smaller pages."),
                limit=MOST_NODES,
            )


@dataclass(frozen=True, slots=True)
class Binding:
    """What turns selections into requests: who asks, with which variables, within which budget.

    ``context`` is that of the request, for the root fields of features; None where nobody asks at this moment.
    """

    viewer: Viewer
    variables: VariableValues
    budget: Budget
    context: Context | None = None

    def listing(self, connection: ConnectionNode, parents: int = 1) -> Listing:
        """The page that a list field asks for. Raises BadUserInput and QueryTooLarge."""
        arguments = connection.arguments.values(self.variables)
        record = connection.record
        page = page_of(arguments, largest=self.budget.largest_page)
        nodes = connection.record_nodes
        rows = bool(nodes) or connection.wants("edges", "pageInfo", "nodes")
        if rows:  # cursors alone, and whether there are more, are read out of rows as well
            self.budget.spend(parents * page.limit)
        return Listing(
            record=record.name,
            select=self.select(nodes, parents * page.limit),
            page=page,
            where=filter_of(self.viewer, record, arguments.get("where")),
            order_by=orders_of(record, arguments),
            archived=archived_of(arguments),
            relation=connection.relation,
            rows=rows,
            cursors=connection.wants_cursors,
            total=connection.wants("totalCount", "totalPrecision"),
        )

    def select(self, nodes: list[RecordNode], parents: int = 1) -> Select:
        """The union of what several selections on one record want."""
        fields: dict[str, None] = {}
        one: dict[str, list[RecordNode]] = {}
        many: list[tuple[str, Listing]] = []
        wants_id = False
        for node in nodes:
            for output in node.outputs:
                if isinstance(output, Value):
                    if output.field is None:
                        wants_id = True
                    else:
                        fields[output.field] = None
                elif isinstance(output, ToOne):
                    one.setdefault(output.relation, []).append(output.node)
                elif isinstance(output, ToMany):
                    listing = self.listing(output.connection, parents)
                    many.append((output.connection.child, listing))
                elif isinstance(output, Own) and output.values:
                    fields["custom"] = None
        return Select(
            tuple(fields),
            tuple((name, self.select(inner, parents)) for name, inner in one.items()),
            tuple(many),
            id=wants_id,
        )


def masked_paths(viewer: Viewer, node: RecordNode, path: str) -> Iterator[str]:
    """The paths at which fields of a selection are, or may be, masked for this viewer."""
    for output in node.outputs:
        if isinstance(output, Value):
            if output.field is not None:
                found = node.record.fields[output.field]
                if mask_of(viewer, node.record, found) is not Mask.OPEN:
                    yield f"{path}.{output.key}"
        elif isinstance(output, ToOne):
            yield from masked_paths(viewer, output.node, f"{path}.{output.key}")
        elif isinstance(output, ToMany):
            yield from masked_connection_paths(viewer, output.connection, f"{path}.{output.key}")
        elif isinstance(output, Own) and _own_mask(viewer, node.record) is not Mask.OPEN:
            yield from (f"{path}.{output.key}.{shown.key}" for shown in output.values)


def _own_mask(viewer: Viewer, record: RecordType) -> Mask:
    return mask_of(viewer, record, record.fields["custom"])


def masked_connection_paths(viewer: Viewer, connection: ConnectionNode, path: str) -> Iterator[str]:
    for key, part, inner in connection.outputs:
        if part == "nodes":
            yield from masked_paths(viewer, inner, f"{path}.{key}.*")
        elif part == "edges":
            for edge_key, node in inner.outputs:
                if isinstance(node, RecordNode):
                    yield from masked_paths(viewer, node, f"{path}.{key}.*.{edge_key}")
