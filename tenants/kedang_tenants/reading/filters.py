"""Filters as SQL conditions.

A comparison with an empty field is neither true nor false in SQL; here it counts as false, and what
stands under a ``Not`` is negated as such. Letters A-Z are compared without regard to case by
``contains`` and ``starts_with``.
"""

from __future__ import annotations

from collections.abc import Callable

from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_platform.phones import ending_of
from kedang_platform.search_text import like_pattern, query_tokens
from kedang_tenants.catalogue import Field, RecordType, catalogue
from kedang_tenants.catalogue.custom import custom_expression
from kedang_tenants.reading.errors import MaskedField
from kedang_tenants.reading.masks import Mask, field_scope, mask_of, owned, usable_column, visible
from kedang_tenants.reading.request import All, AnyOf, Compare, Filter, Kept, Not, Related, Search
from kedang_tenants.reading.statement import Statement, quoted
from kedang_tenants.reading.viewer import Viewer

_SYMBOLS = {"eq": "=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def condition(
    statement: Statement, viewer: Viewer, record: RecordType, alias: str, where: Filter
) -> str | None:
    """The SQL condition of a filter on rows called ``alias``; None when it holds for every row.

    No kept filter is named in it (``kept.in_full``). Raises MaskedField for fields the viewer may not read.
    """
    match where:
        case All(parts):
            conditions = [condition(statement, viewer, record, alias, part) for part in parts]
            return _joined(" AND ", [c for c in conditions if c is not None])
        case AnyOf(parts):
            conditions = [condition(statement, viewer, record, alias, part) for part in parts]
            # What always holds is written out, for a value once bound has to stand in the statement.
            return _joined(" OR ", [c or "TRUE" for c in conditions]) or "FALSE"
        case Not(part):
            inner = condition(statement, viewer, record, alias, part)
            return "FALSE" if inner is None else f"({inner}) IS NOT TRUE"
        case Related():
            return _related(statement, viewer, record, alias, where)
        case Search(text):
            return _search(statement, viewer, record, alias, text)
        case Kept():
            raise LookupError("what is kept is written out before it is read")
        case Compare():
            return _compare(statement, viewer, record, alias, where)


def _joined(word: str, conditions: list[str]) -> str | None:
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else "(" + word.join(conditions) + ")"


def _related(statement: Statement, viewer: Viewer, record: RecordType, alias: str, where: Related) -> str:
    relation = record.relations[where.relation]
    target = catalogue().record(relation.target)
    inner = statement.alias()
    if relation.many:
        link_field = target.fields[relation.column]
        link = f"{usable_column(statement, viewer, target, inner, link_field, link=True)} = {alias}.id"
    else:
        link_field = record.fields[relation.column]
        link = f"{inner}.id = {usable_column(statement, viewer, record, alias, link_field, link=True)}"
    parts = [link]
    if relation.many:
        parts.append(f"{inner}.archived_at IS NULL")
    parts += [
        part
        for part in (
            visible(statement, viewer, target, inner),
            condition(statement, viewer, target, inner, where.where),
        )
        if part is not None
    ]
    return f"EXISTS (SELECT 1 FROM {quoted(target.table.name)} {inner} WHERE {' AND '.join(parts)})"


def _search(statement: Statement, viewer: Viewer, record: RecordType, alias: str, text: str) -> str | None:
    searched = _searched_text(statement, viewer, record, alias)
    conditions = []
    for word in text.split():
        # LIKE stands first: where no index is used it is by far the cheaper of the two.
        conditions.append(f"{searched} LIKE {statement.bind(like_pattern(word))}")
        tokens = query_tokens(word)
        if tokens:
            conditions.append(f"{alias}.search_tokens @> {statement.bind(tokens)}::text[]")
    return _joined(" AND ", conditions)


def _searched_text(statement: Statement, viewer: Viewer, record: RecordType, alias: str) -> str:
    """What of a row may be searched: all of it, or only its first line, the one of names (``deriving``)."""
    sources = [field for field in record.fields.values() if field.spec.search]
    masks = {mask_of(viewer, record, field) for field in sources}
    if masks == {Mask.OPEN}:
        return f"{alias}.search_text"
    if masks == {Mask.CLOSED}:
        raise MaskedField(msg("You may not search here."))
    names = f"split_part({alias}.search_text, E'\\n', 1)"
    scope = min(field_scope(viewer, record, field) for field in sources)
    reached = owned(statement, viewer, record, alias, scope)
    return f"CASE WHEN {reached} THEN {alias}.search_text ELSE {names} END"


def _compare(statement: Statement, viewer: Viewer, record: RecordType, alias: str, where: Compare) -> str:
    if where.operator == "ending":
        return _ending(statement, viewer, record, alias, where)
    if where.operator == "within":
        return _within(statement, viewer, record, alias, where)
    expression, cast = _operand(statement, viewer, record, alias, where)
    return _OPERATIONS[where.operator](statement, expression, where.value, cast)


def _operand(
    statement: Statement, viewer: Viewer, record: RecordType, alias: str, where: Compare
) -> tuple[str, str]:
    holder = record.fields["custom"]
    if where.custom:
        custom = viewer.custom_field(record.name, where.field)
        if custom is None:
            raise BadUserInput(msg("There is no field “{field}”."), field=where.field)
        document = usable_column(statement, viewer, record, alias, holder)
        return custom_expression(document, custom), custom.sql_type
    if where.field == "id":  # not a field of the catalogue, and never masked
        return f"{alias}.id", "uuid"
    field = record.fields[where.field]
    return usable_column(statement, viewer, record, alias, field), sql_cast(record, field)


def sql_cast(record: RecordType, field: Field) -> str:
    """The SQL type of a field, as a value bound against it is cast."""
    return _CASTS[type(record.table.c[field.name].type).__name__]


_CASTS = {
    "Text": "text",
    "Uuid": "uuid",
    "Integer": "int",
    "BigInteger": "bigint",
    "Numeric": "numeric",
    "Date": "date",
    "DateTime": "timestamptz",
    "Boolean": "boolean",
    "ARRAY": "text[]",
    "JSONB": "jsonb",
}

_Operation = Callable[[Statement, str, object, str], str]


def _symbol(symbol: str) -> _Operation:
    def operation(statement: Statement, expression: str, value: object, cast: str) -> str:
        return f"{expression} {symbol} {statement.bind(value)}::{cast}"

    return operation


def _not_equal(statement: Statement, expression: str, value: object, cast: str) -> str:
    return f"{expression} IS DISTINCT FROM {statement.bind(value)}::{cast}"


def _one_of(statement: Statement, expression: str, value: object, cast: str) -> str:
    return f"{expression} = ANY({statement.bind(value)}::{cast}[])"


def _none_of(statement: Statement, expression: str, value: object, cast: str) -> str:
    return f"({expression} = ANY({statement.bind(value)}::{cast}[])) IS NOT TRUE"


def _is_null(statement: Statement, expression: str, value: object, cast: str) -> str:  # noqa: ARG001
    return f"{expression} IS NULL" if value else f"{expression} IS NOT NULL"


def _has(statement: Statement, expression: str, value: object, cast: str) -> str:  # noqa: ARG001
    return f"{statement.bind(value)}::text = ANY({expression})"


def _like(before: str) -> _Operation:
    def operation(statement: Statement, expression: str, value: object, cast: str) -> str:  # noqa: ARG001
        pattern = before + _escaped(ascii_lower(str(value))) + "%"
        return f'lower({expression} COLLATE "C") LIKE {statement.bind(pattern)}::text'

    return operation


def _ending(statement: Statement, viewer: Viewer, record: RecordType, alias: str, where: Compare) -> str:
    """A number that ends with these digits: a range over the reversed digits, which the index serves."""
    field = record.fields[where.field]
    digits = ending_of(str(where.value), viewer.country)
    if field.spec.derives is None or not digits:
        raise BadUserInput(msg("The end of a telephone number is made of digits."))
    reversed_digits = usable_column(statement, viewer, record, alias, field, f"{field.spec.derives}_reversed")
    lower, upper = statement.bind(digits), statement.bind(digits + ":")
    return f"({reversed_digits} ~>=~ {lower}::text AND {reversed_digits} ~<~ {upper}::text)"


def _within(statement: Statement, viewer: Viewer, record: RecordType, alias: str, where: Compare) -> str:
    """The record that is named, or one that lies in it however deep: the tree is walked once a statement.

    A line that closes, which no change lets in, ends the walk all the same.
    """
    field = record.fields[where.field]
    target = catalogue().record(field.target or "")
    link = next(found.name for found in target.references if found.target == target.name)
    table, top = quoted(target.table.name), statement.bind(where.value)
    below = statement.alias()
    tree = (
        f"WITH RECURSIVE {below} AS (SELECT {top}::uuid AS id UNION SELECT r.id FROM {table} r"
        f" JOIN {below} ON r.{quoted(link)} = {below}.id) SELECT id FROM {below}"
    )
    return f"{usable_column(statement, viewer, record, alias, field)} = ANY(ARRAY({tree}))"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def ascii_lower(text: str) -> str:
    """Lower case of A-Z alone, as PostgreSQL's "C" collation has it."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


_OPERATIONS: dict[str, _Operation] = {
    **{name: _symbol(symbol) for name, symbol in _SYMBOLS.items()},
    "ne": _not_equal,
    "in": _one_of,
    "not_in": _none_of,
    "is_null": _is_null,
    "has": _has,
    "contains": _like("%"),
    "starts_with": _like(""),
}
