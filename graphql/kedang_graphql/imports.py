"""The verbs of imports and exports: look at a file, start, call off, ask for a list as a file."""

from __future__ import annotations

from enum import Enum
from typing import Any, Self
from uuid import UUID

import strawberry
from graphql import GraphQLSchema
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import attempt, write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_graphql.json_filters import filter_in_json
from kedang_platform.database import TenantWrite
from kedang_platform.errors import UserError as Wrong
from kedang_platform.i18n import translate
from kedang_tenants.catalogue import catalogue
from kedang_tenants.imports.exporting import start_export
from kedang_tenants.imports.mapping import Mapping
from kedang_tenants.imports.operations import (
    Preview,
    cancel_import,
    preview_import,
    start_import,
)
from kedang_tenants.imports.source import SourceRow
from kedang_tenants.reading import Viewer

_IMPORT = catalogue().record("import")
_EXPORT = catalogue().record("export")
_MODE: Any = generated_types().scalar(_IMPORT, _IMPORT.fields["mode"])
_FORMAT: Any = generated_types().scalar(_EXPORT, _EXPORT.fields["format"])
IMPORT = generated_types().of["import"].node
EXPORT = generated_types().of["export"].node


@strawberry.input(description="A column of the file and the field that it fills.")
class ImportColumnInput:
    column: str
    field: str = strawberry.field(
        description="As the API calls it; a reference by the key of its record (owner), own fields as custom.key"
    )


@strawberry.input(description="What holds where the file says nothing.")
class ImportDefaultInput:
    field: str
    value: str = strawberry.field(description="As it would stand in a cell")


@strawberry.input(description="Which column fills which field.")
class ImportMappingInput:
    columns: list[ImportColumnInput] | None = strawberry.field(
        default=None, description="What is proposed for the file's columns, if nothing is said"
    )
    defaults: list[ImportDefaultInput] = strawberry.field(default_factory=list)
    key: list[str] = strawberry.field(
        default_factory=list,
        description="The fields by which a record is found again, in place of its own key",
    )


@strawberry.input
class StartImportInput(Repeatable):
    file_id: strawberry.ID
    record: str = strawberry.field(description="The kind of record, such as customer or order_line")
    mode: Enum = strawberry.field(graphql_type=_MODE, default=_MODE.UPSERT)
    mapping: ImportMappingInput | None = None
    dry_run: bool = strawberry.field(default=False, description="Check and count everything, write nothing")


@strawberry.input
class CancelImportInput(Repeatable):
    id: strawberry.ID


@strawberry.type
class ImportVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=IMPORT | None)
    user_errors: list[UserError]


@strawberry.input
class ExportRecordsInput(Repeatable):
    record: str = strawberry.field(description="The kind of record, such as customer or order_line")
    format: Enum = strawberry.field(graphql_type=_FORMAT, default=_FORMAT.CSV)
    where: JSON | None = strawberry.field(
        default=None, description="A filter in the shape of the where of the record's list"
    )


@strawberry.type
class ExportVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=EXPORT | None)
    user_errors: list[UserError]


@strawberry.type(description="A field that a column can fill.")
class ImportField:
    path: str
    label: str
    required: bool


@strawberry.type(description="A column of a file and the field proposed for it.")
class ImportColumn:
    column: str
    field: str | None


@strawberry.type
class ImportRow:
    line: int
    cells: list[str]
    problems: list[UserError]


@strawberry.type(description="What a file looks like before it is imported.")
class ImportPreview:
    format: str
    encoding: str | None
    delimiter: str | None
    columns: list[ImportColumn]
    fields: list[ImportField]
    rows: list[ImportRow]
    problems: list[UserError]

    @classmethod
    def of(cls, seen: Preview, language: str) -> Self:
        return cls(
            format=seen.format,
            encoding=seen.encoding,
            delimiter=seen.delimiter,
            columns=[ImportColumn(column=name, field=seen.mapping.get(name)) for name in seen.columns],
            fields=[
                ImportField(path=offer.path, label=translate(offer.label, language), required=offer.required)
                for offer in seen.fields
            ],
            rows=[_row(row, seen.columns, language) for row in seen.rows],
            problems=[_told(problem, [], language) for problem in seen.problems],
        )


@strawberry.type
class PreviewImportPayload:
    preview: ImportPreview | None
    user_errors: list[UserError]


async def answer_preview_import(
    info: Info[Context, None], file_id: strawberry.ID, record: str
) -> PreviewImportPayload:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()

    async def look() -> Preview:
        return await preview_import(
            context.databases,
            context.files,
            viewer,
            file_id=record_id(file_id, "file", path=("fileId",)),
            record=record,
        )

    seen, errors = await attempt(context, look())
    preview = ImportPreview.of(seen, context.language) if seen else None
    return PreviewImportPayload(preview=preview, user_errors=errors)


async def answer_start_import(
    info: Info[Context, None],
    input: StartImportInput,  # noqa: A002 - the API's word
) -> ImportVerbPayload:
    async def start(write: TenantWrite, viewer: Viewer) -> UUID:
        return await start_import(
            write,
            viewer,
            file_id=record_id(input.file_id, "file", path=("input", "fileId")),
            record=input.record,
            mode=input.mode.value,
            mapping=_mapping(input.mapping),
            dry_run=input.dry_run,
            clock=info.context.clock,
        )

    import_id, errors = await write_in_company(info.context, start)
    return ImportVerbPayload(record=Ref("import", import_id) if import_id else None, user_errors=errors)


async def answer_cancel_import(
    info: Info[Context, None],
    input: CancelImportInput,  # noqa: A002 - the API's word
) -> ImportVerbPayload:
    async def cancel(write: TenantWrite, viewer: Viewer) -> UUID:
        import_id = record_id(input.id, "import", path=("input", "id"))
        await cancel_import(write, viewer, import_id=import_id, clock=info.context.clock)
        return import_id

    import_id, errors = await write_in_company(info.context, cancel)
    return ImportVerbPayload(record=Ref("import", import_id) if import_id else None, user_errors=errors)


async def answer_export_records(
    info: Info[Context, None],
    input: ExportRecordsInput,  # noqa: A002 - the API's word
) -> ExportVerbPayload:
    # Strawberry keeps graphql-core's schema private; the type of the filter stands in it.
    core: GraphQLSchema = info.schema._schema  # noqa: SLF001

    async def start(write: TenantWrite, viewer: Viewer) -> UUID:
        return await start_export(
            write,
            viewer,
            record=input.record,
            file_format=input.format.value,
            where=filter_in_json(core, viewer, input.record, input.where),
            clock=info.context.clock,
        )

    export_id, errors = await write_in_company(info.context, start)
    return ExportVerbPayload(record=Ref("export", export_id) if export_id else None, user_errors=errors)


def _mapping(given: ImportMappingInput | None) -> Mapping:
    if given is None:
        return Mapping()
    columns = {entry.column: entry.field for entry in given.columns} if given.columns is not None else None
    return Mapping(columns, {entry.field: entry.value for entry in given.defaults}, tuple(given.key))


def _row(row: SourceRow, columns: tuple[str, ...], language: str) -> ImportRow:
    problems = [_told(fault, [columns[place]], language) for place, fault in row.faults.items()]
    if row.problem is not None:
        problems.append(_told(row.problem, [], language))
    return ImportRow(line=row.line, cells=list(row.cells), problems=problems)


def _told(wrong: Wrong, path: list[str], language: str) -> UserError:
    return UserError(path=path, message=translate(wrong.message, language, wrong.params), code=wrong.code)


@strawberry.type
class ImportQuery:
    preview_import: PreviewImportPayload = strawberry.field(
        resolver=answer_preview_import,
        description="Look into a file before it is imported: its columns, first rows and what is proposed.",
    )


@strawberry.type
class ImportMutation:
    start_import: ImportVerbPayload = strawberry.mutation(
        resolver=answer_start_import,
        description="Import the rows of a stored file; how it goes is told by the import.",
    )
    cancel_import: ImportVerbPayload = strawberry.mutation(
        resolver=answer_cancel_import,
        description="End an import after the rows it is at; what was accepted so far stays.",
    )
    export_records: ExportVerbPayload = strawberry.mutation(
        resolver=answer_export_records,
        description="Write a list of records into a file; it is named by the export when it is done.",
    )
