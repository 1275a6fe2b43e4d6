"""The verbs of bulk operations: a query becomes a file, a file becomes records, either is called off."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final
from uuid import UUID

import strawberry
from graphql import GraphQLError, GraphQLSchema, OperationType
from graphql.execution.values import VariableValues
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import archived_of, filter_of, orders_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.selection import (
    ConnectionNode,
    EdgeNode,
    Own,
    RecordNode,
    ToMany,
    ToOne,
    TypeName,
    Value,
)
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_graphql.stored_queries import StoredQuery, own_shown, read_query
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.bulk.errors import InvalidBulkQuery
from kedang_tenants.bulk.lines import PARENT
from kedang_tenants.bulk.operations import cancel_bulk_operation, start_bulk_export, start_bulk_import
from kedang_tenants.bulk.questions import DEEPEST, Level
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Listing, Page, Viewer
from kedang_tenants.reading.shown import Shown, select_of

_OPERATION = catalogue().record("bulk_operation")
_FORMAT: Any = generated_types().scalar(_OPERATION, _OPERATION.fields["format"])
_MODE: Any = generated_types().scalar(_OPERATION, _OPERATION.fields["mode"])
BULK_OPERATION = generated_types().of["bulk_operation"].node
_QUERY: Final = ("input", "query")
_PAGING: Final = ("first", "after", "last", "before")


@strawberry.input(description="What is to be exported.")
class BulkExportInput(Repeatable):
    query: str = strawberry.field(
        description="A GraphQL document with one list at its root and at most two levels of lists below it,"
        " all of them without paging arguments: { customers { nodes { id name contacts { nodes { name } } } } }"
    )
    format: Enum = strawberry.field(graphql_type=_FORMAT, default=_FORMAT.JSONL)


@strawberry.input(description="A file whose lines become records.")
class BulkImportInput(Repeatable):
    file_id: strawberry.ID = strawberry.field(
        description="A JSONL file: each line is what stands in the input of the record's create or update"
    )
    record: str = strawberry.field(description="The kind of record, such as customer or order_line")
    mode: Enum = strawberry.field(graphql_type=_MODE, default=_MODE.UPSERT)


@strawberry.input
class CancelBulkOperationInput(Repeatable):
    id: strawberry.ID


@strawberry.type
class BulkOperationVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=BULK_OPERATION | None)
    user_errors: list[UserError]


async def answer_bulk_export(
    info: Info[Context, None],
    input: BulkExportInput,  # noqa: A002 - the API's word
) -> BulkOperationVerbPayload:
    core = await info.context.schema()

    async def start(write: TenantWrite, viewer: Viewer) -> UUID:
        return await start_bulk_export(
            write,
            viewer,
            question=read_question(core, viewer, input.query),
            file_format=input.format.value,
            clock=info.context.clock,
        )

    return _payload(*await write_in_company(info.context, start))


async def answer_bulk_import(
    info: Info[Context, None],
    input: BulkImportInput,  # noqa: A002 - the API's word
) -> BulkOperationVerbPayload:
    async def start(write: TenantWrite, viewer: Viewer) -> UUID:
        return await start_bulk_import(
            write,
            viewer,
            file_id=record_id(input.file_id, "file", path=("input", "fileId")),
            record=input.record,
            mode=input.mode.value,
            clock=info.context.clock,
        )

    return _payload(*await write_in_company(info.context, start))


async def answer_cancel_bulk_operation(
    info: Info[Context, None],
    input: CancelBulkOperationInput,  # noqa: A002 - the API's word
) -> BulkOperationVerbPayload:
    async def cancel(write: TenantWrite, viewer: Viewer) -> UUID:
        operation_id = record_id(input.id, "bulk_operation", path=("input", "id"))
        await cancel_bulk_operation(write, viewer, operation_id=operation_id, clock=info.context.clock)
        return operation_id

    return _payload(*await write_in_company(info.context, cancel))


def _payload(operation_id: UUID | None, errors: list[UserError]) -> BulkOperationVerbPayload:
    found = Ref("bulk_operation", operation_id) if operation_id is not None else None
    return BulkOperationVerbPayload(record=found, user_errors=errors)


def read_question(core: GraphQLSchema, viewer: Viewer, text: str) -> Level:
    """The question that a document asks; raises InvalidBulkQuery, and what is wrong with its filters."""
    try:
        return _question(core, viewer, text)
    except GraphQLError as error:
        raise _wrong(error) from None
    except BadUserInput as error:
        raise type(error)(error.message, path=_QUERY, **error.params) from None


def _question(core: GraphQLSchema, viewer: Viewer, text: str) -> Level:
    query = read_query(core, text, {})
    if query.definition.operation is not OperationType.QUERY:
        raise _refused(msg("A bulk export takes a query."))
    return _level(viewer, _connection(query), query.variables, below=0)


def _connection(query: StoredQuery) -> ConnectionNode:
    """The one list at the root of the query."""
    roots = query.roots()
    lists = {record.api_plural: record for record in catalogue()}
    name = roots[0][1][0].node.name.value if roots else ""
    if len(roots) != 1 or name not in lists:
        raise _refused(msg("A bulk export takes a query with exactly one list at its root."))
    root = query.schema.query_type
    assert root is not None
    return query.selections().connection_node(lists[name], root.fields[name], roots[0][1])


def _level(viewer: Viewer, connection: ConnectionNode, variables: VariableValues, *, below: int) -> Level:
    if below > DEEPEST:
        raise _refused(msg("A bulk export takes at most {limit} levels of nested lists."), limit=DEEPEST)
    arguments = connection.arguments.values(variables)
    if any(arguments.get(name) is not None for name in _PAGING):
        raise _refused(msg("A bulk export brings whole lists: leave out first, after, last and before."))
    node = _node(connection)
    inner = [output.connection for output in node.outputs if isinstance(output, ToMany)]
    shown = _shown(node, lists=True)
    if inner:
        shown = _with_id(shown)
    record = connection.record
    listing = Listing(
        record=record.name,
        select=select_of(shown),
        page=Page(1),
        where=filter_of(viewer, record, arguments.get("where")),
        order_by=orders_of(record, arguments),
        archived=archived_of(arguments),
        relation=connection.relation,
        cursors=True,
    )
    levels = tuple(_level(viewer, child, variables, below=below + 1) for child in inner)
    return Level(listing, shown, levels)


def _node(connection: ConnectionNode) -> RecordNode:
    """The one selection on the records of a list, in nodes or in the edges."""
    found: list[RecordNode] = []
    for _, part, inner in connection.outputs:
        if part == "nodes":
            found.append(inner)
        elif part == "edges" and isinstance(inner, EdgeNode) and len(inner.outputs) == 1:
            found += [what for _, what in inner.outputs if isinstance(what, RecordNode)]
    if len(connection.outputs) != 1 or len(found) != 1:
        raise _refused(msg("Of each list a bulk export takes nodes, or edges with node, and nothing else."))
    return found[0]


def _shown(node: RecordNode, *, lists: bool) -> tuple[Shown, ...]:
    shown: list[Shown] = []
    for output in node.outputs:
        if output.key == PARENT:
            raise _refused(msg("The key “{key}” is taken by the id of the line above."), key=PARENT)
        match output:
            case TypeName():
                shown.append(Shown(output.key, "type"))
            case Value(field=None):
                shown.append(Shown(output.key, "id"))
            case Value(field=str(name)):
                shown.append(Shown(output.key, "field", name))
            case ToOne(relation=relation, node=inner):
                shown.append(Shown(output.key, "one", relation, _shown(inner, lists=False)))
            case Own():
                shown.append(own_shown(output))
            case ToMany() if not lists:
                raise _refused(msg("A nested list must stand directly below a list."))
    return tuple(shown)


def _with_id(shown: tuple[Shown, ...]) -> tuple[Shown, ...]:
    """The keys of a line that others name as theirs: always with its id."""
    known = next((one for one in shown if one.key == "id"), None)
    if known is None:
        return (Shown("id", "id"), *shown)
    if known.what != "id":
        raise _refused(msg("The key “{key}” is taken by the id of the line above."), key="id")
    return shown


def _wrong(error: GraphQLError) -> InvalidBulkQuery:
    return _refused(msg("This query cannot be exported: {reason}"), reason=error.message)


def _refused(message: str, **params: object) -> InvalidBulkQuery:
    return InvalidBulkQuery(message, path=_QUERY, **params)


@strawberry.type
class BulkMutation:
    bulk_export: BulkOperationVerbPayload = strawberry.mutation(
        resolver=answer_bulk_export,
        description="Write all that a query lists into a file; it is named by the operation when it is done.",
    )
    bulk_import: BulkOperationVerbPayload = strawberry.mutation(
        resolver=answer_bulk_import,
        description="Create or update a record for each line of a file; a file tells what became of each line.",
    )
    cancel_bulk_operation: BulkOperationVerbPayload = strawberry.mutation(
        resolver=answer_cancel_bulk_operation,
        description="End an operation after the part it is at; what an import accepted so far stays.",
    )
