"""What a subscription asks to be told, planned once; events become what is told of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

import orjson
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import VariableValues

from kedang_graphql.engine.arguments import LONGEST_LIST, filter_of
from kedang_graphql.engine.composing import Composer
from kedang_graphql.engine.cost import NODES_PER_POINT, Measure
from kedang_graphql.engine.ids import public_id, split_id
from kedang_graphql.engine.requests import MOST_NODES, Binding, Budget, masked_paths
from kedang_graphql.engine.roots import RootReader, singular
from kedang_graphql.engine.selection import RecordNode
from kedang_graphql.http import Asked
from kedang_graphql.live_types import CODES, ChangeAction, watchable
from kedang_platform.database import TenantRead
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_platform.live import LiveEvent
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.reading import All, Compare, Listing, Page, Viewer, read_listing
from kedang_tenants.reading.readable import readable_fields

_MOST_AT_ONCE: Final = 100
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Told:
    """The payload of one message, JSON, and the points that it costs."""

    payload: bytes
    points: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """One subscription's wish: of which record, of which of its events, and what is shown of each.

    ``mark`` is equal for wishes that are told the same to the same viewer.
    """

    mark: tuple[object, ...]
    key: str
    record: RecordType
    ids: frozenset[UUID] | None
    actions: frozenset[str] | None
    where: Mapping[str, Any] | None
    outputs: Sequence[tuple[str, str, RecordNode | None]]
    variables: VariableValues
    measure: Measure
    largest_page: int
    compiled: dict[int, Any] = field(default_factory=dict)

    def concerns(self, event: LiveEvent) -> bool:
        """Whether an event of the record may be one to tell of, as far as can be said without reading."""
        return (self.ids is None or event.id in self.ids) and (
            self.actions is None or event.action in self.actions
        )

    @property
    def most_at_once(self) -> int:
        """Of how many events may be told in one go, so that no answer holds too many records."""
        nodes = self.measure.requested(self.variables.coerced) * NODES_PER_POINT
        return max(1, min(_MOST_AT_ONCE, MOST_NODES // nodes))

    @property
    def least(self) -> int:
        """The points of a reading that brings nothing to tell: as of a query whose answer is empty."""
        return max(1, self.measure.actual(self.variables.coerced, {}))

    async def check(self, tx: TenantRead, viewer: Viewer) -> None:
        """Raise what reading would raise, so that a wish that cannot be met is refused at once."""
        await self._read(tx, viewer, [_NOBODY])

    async def tell(self, tx: TenantRead, viewer: Viewer, events: Sequence[LiveEvent]) -> list[Told]:
        """What the viewer is told of the events: nothing of what they do not see, or did not ask for."""
        ids = list(dict.fromkeys(event.id for event in events))
        rows, composed = await self._read(tx, viewer, ids)
        seen = [event for event in events if event.id in rows]
        changed = await self._changed(tx, viewer, seen)
        masked = [
            path
            for key, _, node in self.outputs
            if node is not None
            for path in masked_paths(viewer, node, f"{self.key}.{key}")
        ]
        return [self._told(event, rows[event.id], composed, changed, masked) for event in seen]

    async def _read(
        self, tx: TenantRead, viewer: Viewer, ids: Sequence[UUID]
    ) -> tuple[dict[UUID, Any], list[Any]]:
        """The rows as they are now, and what makes of a row each of the outputs that shows the record."""
        nodes = [node for _, _, node in self.outputs if node is not None]
        binding = Binding(viewer, self.variables, Budget(largest_page=self.largest_page))
        select = replace(binding.select(nodes, len(ids)), id=True)
        listing = Listing(
            record=self.record.name,
            select=select,
            page=Page(len(ids)),
            where=All((Compare("id", "in", list(ids)), filter_of(viewer, self.record, self.where))),
            archived="INCLUDE",
        )
        read = await read_listing(tx, viewer, listing)
        composer = Composer(viewer, self.compiled)
        composed = [composer.record(node, read, select) for node in nodes]
        return {row[read.layout.id]: row for row in read.page.rows}, composed

    async def _changed(
        self, tx: TenantRead, viewer: Viewer, events: Sequence[LiveEvent]
    ) -> Mapping[UUID, Collection[str]]:
        """Of each record the fields that its events may name."""
        if not events or all(name != "changed" for _, name, _ in self.outputs):
            return {}
        names = {name for event in events for name in event.changed}
        fields = [self.record.fields[name] for name in sorted(names) if self._is_told(name)]
        return await readable_fields(tx, viewer, self.record, list({event.id for event in events}), fields)

    def _is_told(self, name: str) -> bool:
        found = self.record.fields.get(name)
        return found is not None and (not found.spec.hidden or name == "custom")

    def _told(
        self,
        event: LiveEvent,
        row: Any,
        composed: Sequence[Any],
        changed: Mapping[UUID, Collection[str]],
        masked: Sequence[str],
    ) -> Told:
        compose = iter(composed)
        value: dict[str, Any] = {}
        for key, name, node in self.outputs:
            value[key] = (
                next(compose)(row)
                if node is not None
                else self._plain(name, event, changed.get(event.id, ()))
            )
        payload: dict[str, Any] = {"data": {self.key: value}}
        if masked:
            payload["extensions"] = {"masked": masked}
        points = self.measure.actual(self.variables.coerced, payload["data"])
        return Told(orjson.dumps(payload), points)

    def _plain(self, name: str, event: LiveEvent, readable: Collection[str]) -> object:
        match name:
            case "action":
                return CODES.get(event.action, CODES["updated"])
            case "id":
                return public_id(event.record, event.id)
            case "sequence":
                return str(event.sequence)
            case "at":
                return event.at
            case "changed":
                return [self._api_name(field) for field in event.changed if field in readable]
        return f"{self.record.api_name}Change"

    def _api_name(self, name: str) -> str:
        return "customFields" if name == "custom" else self.record.fields[name].api_name


def wanted_by(asked: Asked, given: Mapping[str, Any], *, largest_page: int) -> Wanted:
    """Plan a subscription of a valid document; raises BadUserInput for what cannot be meant."""
    schema = asked.operations.schema
    root = schema.subscription_type
    assert root is not None
    operation, definition, variables = asked.operation, asked.definition, asked.variables
    collected = collect_fields(schema, operation.fragments, variables, root, definition)
    if len(collected.grouped_field_set) != 1:
        raise BadUserInput(msg("A subscription asks for exactly one field."))
    ((key, details),) = collected.grouped_field_set.items()
    name = details[0].node.name.value
    record = watchable()[name]
    reader = RootReader(schema, catalogue(), definition, operation.fragments, variables)
    selections = reader.selections()
    arguments = selections.arguments(root.fields[name], details[0].node).values(variables)
    outputs = [
        (shown, inner[0].node.name.value, inner)
        for shown, inner in selections.fields_of(f"{record.api_name}Change", details)
    ]
    one = singular(record)
    return Wanted(
        mark=(asked.operations, operation.key, definition.name and definition.name.value, _fixed(given)),
        key=key,
        record=record,
        ids=_ids(record, arguments.get("ids")),
        actions=_actions(arguments.get("actions")),
        where=arguments.get("where"),
        outputs=[
            (shown, field_name, selections.record_node(record, inner) if field_name == one else None)
            for shown, field_name, inner in outputs
        ],
        variables=variables,
        measure=asked.operations.measure(operation, definition),
        largest_page=largest_page,
    )


def _fixed(variables: Mapping[str, Any]) -> bytes:
    return orjson.dumps(variables, option=orjson.OPT_SORT_KEYS)


def _ids(record: RecordType, given: Sequence[str] | None) -> frozenset[UUID] | None:
    """The records meant; what is no id of such a record means none, as in filters."""
    if given is None:
        return None
    if len(given) > LONGEST_LIST:
        raise BadUserInput(msg("At most {limit} entries are allowed here."), limit=LONGEST_LIST)
    found = (split_id(public) for public in given)
    return frozenset(one[1] for one in found if one is not None and one[0] == record.name)


def _actions(given: Sequence[Any] | None) -> frozenset[str] | None:
    return None if given is None else frozenset(ChangeAction(action).value for action in given)
