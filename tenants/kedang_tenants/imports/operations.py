"""What people do with imports: look at a file first, start, call off."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import Databases, TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, KedangError, NotFound, UserError
from kedang_platform.files import FileStore
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_platform.work.priorities import BULK
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.files import FileContent, visible_content
from kedang_tenants.imports.encodings import encoding_name
from kedang_tenants.imports.errors import AlreadyFinished, NotImportable, unknown_format
from kedang_tenants.imports.mapping import Mapping, Mode, lay_out
from kedang_tenants.imports.models import RUNNING, WAITING
from kedang_tenants.imports.source import Format, SourceRow, open_source
from kedang_tenants.imports.targets import Target, propose_mapping, target_of, targets
from kedang_tenants.reading import Scope, Viewer

RUN = "imports.run"
PREVIEW_ROWS = 20
_FORMATS = frozenset({"CSV", "XLSX"})
_LOCK = "SELECT started_by_id, state FROM import WHERE id = $1 FOR UPDATE"


@dataclass(frozen=True, slots=True)
class FieldOffer:
    """A field that a column can be mapped to."""

    path: str
    label: str
    required: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file looks like, and what would become of its columns if nothing else were said."""

    format: Format
    encoding: str | None
    delimiter: str | None
    columns: tuple[str, ...]
    mapping: dict[str, str]
    fields: tuple[FieldOffer, ...]
    rows: tuple[SourceRow, ...]
    problems: tuple[UserError, ...]


async def start_import(
    write: TenantWrite,
    viewer: Viewer,
    *,
    file_id: UUID,
    record: str,
    mode: Mode,
    mapping: Mapping,
    dry_run: bool,
    clock: Clock,
) -> UUID:
    """Ask for an import of a stored file; returns the id of its record. It runs with the rights of ``viewer``.

    Raises NotImportable, Forbidden, NotFound, UnknownFormat, UnknownField.
    """
    kind = importable_record(viewer, record, mode)
    await _table_file(write, viewer, file_id)
    _check_targets(viewer, kind, mapping)
    import_id = new_id()
    values = {
        "file_id": file_id,
        "record": kind.name,
        "mode": mode,
        "dry_run": dry_run,
        "mapping": mapping.as_json(),
        "started_by_id": viewer.member_id,
    }
    await change_internally(
        write, viewer, [Change("import", "create", import_id, values=values)], clock=clock
    )
    job = NewJob(RUN, {"import_id": str(import_id)}, key=f"{RUN}:{import_id}", priority=BULK)
    (job_id,) = await enqueue(write, job)
    await write.fetch("UPDATE import SET job_id = $2 WHERE id = $1", import_id, job_id)
    return import_id


def _check_targets(viewer: Viewer, record: RecordType, mapping: Mapping) -> None:
    """Raise UnknownField now for what could never be imported; the rest shows when the file is read."""
    for path in (*(mapping.columns or {}).values(), *mapping.defaults, *mapping.key):
        target_of(viewer, record, path)


async def cancel_import(write: TenantWrite, viewer: Viewer, *, import_id: UUID, clock: Clock) -> None:
    """Call an import off: it ends after the chunk it is at, what was accepted so far stays.

    Raises NotFound, also for an import of someone out of reach, and AlreadyFinished.
    """
    row = await write.fetchrow(_LOCK, import_id)
    scope = viewer.on("import").update
    if row is None or not viewer.reaches(scope, row["started_by_id"]):
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    if row["state"] not in {WAITING, RUNNING}:
        raise AlreadyFinished(msg("This has already come to its end."))
    change = Change("import", "update", import_id, values={"cancel_requested": True})
    await change_internally(write, viewer, [change], clock=clock)


async def preview_import(
    databases: Databases, files: FileStore, viewer: Viewer, *, file_id: UUID, record: str
) -> Preview:
    """Open a file as its import would: columns, first rows, proposed mapping, what would be missing.

    Raises NotImportable, Forbidden, NotFound, and the errors of a whole file.
    """
    kind = importable_record(viewer, record, None)
    async with databases.tenant_read(viewer.company) as read:
        content = await _table_file(read, viewer, file_id)
    async with files.local_path(viewer.company, content.content_id) as path:
        source = await asyncio.to_thread(open_source, path)
        try:
            rows = await asyncio.to_thread(lambda: tuple(islice(source.rows(), PREVIEW_ROWS)))
        finally:
            source.close()
    return Preview(
        format=source.format,
        encoding=encoding_name(source.encoding),
        delimiter=source.delimiter,
        columns=source.columns,
        mapping=propose_mapping(viewer, kind, source.columns),
        fields=tuple(_offer(viewer, target) for target in targets(viewer, kind)),
        rows=rows,
        problems=tuple(_problems(viewer, kind, source.columns)),
    )


def importable_record(viewer: Viewer, record: str, mode: Mode | None) -> RecordType:
    """The record type that is to be imported; raises NotImportable for what no file makes, Forbidden.

    ``mode`` None asks for any right to write.
    """
    kind = catalogue().record(record) if record in catalogue() else None
    wanted = {"CREATE": {"create"}, "UPDATE": {"update"}, "UPSERT": {"create", "update"}}.get(
        mode or "", set()
    )
    if kind is None or not wanted <= kind.actions or not kind.actions & {"create", "update"}:
        raise NotImportable(msg("Records of this kind cannot be imported so."), path=("input", "record"))
    access = viewer.on(record)
    rights = {"create": access.create, "update": access.update}
    held = {action for action in kind.actions & rights.keys() if rights[action] is not Scope.NONE}
    if not held or not wanted <= held:
        raise Forbidden(msg("You may not do this."))
    return kind


async def _table_file(read: TenantRead, viewer: Viewer, file_id: UUID) -> FileContent:
    try:
        content = await visible_content(read, viewer, file_id=file_id)
    except NotFound as error:
        raise NotFound(error.message, path=("input", "fileId")) from None
    if content.kind not in _FORMATS:
        raise unknown_format()
    return content


def _offer(viewer: Viewer, target: Target) -> FieldOffer:
    required = (
        target.custom.always_required if target.custom else bool(target.field and target.field.required)
    )
    label = target.label
    if target.custom is not None and viewer.language == "zh-CN":
        label = target.custom.label_zh
    return FieldOffer(target.path, label, required)


def _problems(viewer: Viewer, record: RecordType, columns: Sequence[str]) -> list[UserError]:
    try:
        lay_out(viewer, record, "UPSERT", columns, Mapping())
    except KedangError as error:
        return [UserError.of(error)]
    return []
