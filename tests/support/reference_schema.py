"""The reference's schema: the printed one, built anew, with resolvers over ``reference_reader``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    execute_sync,
    get_named_type,
    is_object_type,
    parse,
    print_schema,
    validate,
)
from graphql.execution.values import get_argument_values
from graphql.language import FieldNode, FragmentSpreadNode, SelectionSetNode

from kedang_platform.phones import ending_of
from kedang_tenants.catalogue import DecimalKind, RecordType, ReferenceKind, Relation, catalogue
from tests.support.reference_reader import (
    Item,
    Listing,
    Reader,
    Wrong,
    id_of_cursor,
    own_operand,
    sorting_of,
    split,
)

Told = tuple[list[str | int] | None, set[str]]
INVALID = {"errors": [(None, {"GRAPHQL_VALIDATION_FAILED"})]}


@dataclass(frozen=True)
class Reference:
    """Answers documents as the API must."""

    schema: GraphQLSchema

    @classmethod
    def of(cls, core: GraphQLSchema) -> "Reference":
        """The reference of a schema, which gives it nothing but its text and its scalars."""
        schema = build_schema(print_schema(core))
        for name, scalar in schema.type_map.items():
            if isinstance(scalar, GraphQLScalarType) and name in _OURS:
                scalar.parse_value = core.type_map[name].parse_value
                scalar.coerce_input_value = core.type_map[name].coerce_input_value
        _resolve(schema)
        return cls(schema)

    def answer(
        self, reader: Reader, document: str, variables: Mapping[str, Any], operation: str | None = None
    ) -> dict[str, Any]:
        """``data``, and each error as its path and the codes that it may bear."""
        try:
            parsed = parse(document)
        except GraphQLError:
            return INVALID
        if validate(self.schema, parsed):
            return INVALID
        done = execute_sync(
            self.schema,
            parsed,
            variable_values=dict(variables),
            operation_name=operation,
            context_value=reader,
        )
        if done.data is None and done.errors and done.errors[0].path is None:
            return INVALID
        told = [_told(error) for error in done.errors or ()]
        return {"data": done.data, **({"errors": told} if told else {})}


def _told(error: GraphQLError) -> Told:
    original = error.original_error
    if isinstance(original, Wrong):
        return error.path, original.codes
    if original is not None and not isinstance(original, GraphQLError):
        raise original
    return error.path, {"GRAPHQL_VALIDATION_FAILED"}


_OURS = frozenset({"Date", "DateTime", "Decimal", "JSON", "LocalisedText", "MinorUnits"})


def _resolve(schema: GraphQLSchema) -> None:
    for record in catalogue():
        _resolve_record(schema, record)
    page_info = _object(schema, "PageInfo").fields
    page_info["hasNextPage"].resolve = lambda listing, _: listing.has_next
    page_info["hasPreviousPage"].resolve = lambda listing, _: listing.has_previous
    page_info["startCursor"].resolve = lambda listing, _: next(iter(listing.cursors), None)
    page_info["endCursor"].resolve = lambda listing, _: next(reversed(listing.cursors), None)
    query = _object(schema, "Query").fields
    query["me"].resolve = lambda *_: {}
    query["node"].resolve = lambda _, info, id: _record(info, id, None)  # noqa: A006
    query["nodes"].resolve = lambda _, info, ids: _several(info, ids)
    schema.type_map["Node"].resolve_type = lambda item, *_: item.record.api_name


def _object(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    found = schema.type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def _resolve_record(schema: GraphQLSchema, record: RecordType) -> None:
    query = _object(schema, "Query").fields
    query[record.api_plural].resolve = lambda _, info, **given: _records(info, record, given)
    one = record.api_name[0].lower() + record.api_name[1:]
    query[one].resolve = lambda _, info, id: _record(info, id, record)  # noqa: A006
    connection = _object(schema, f"{record.api_name}Connection").fields
    connection["nodes"].resolve = lambda listing, _: listing.items
    connection["edges"].resolve = lambda listing, _: list(zip(listing.cursors, listing.items, strict=True))
    connection["pageInfo"].resolve = lambda listing, _: listing
    connection["totalCount"].resolve = lambda listing, _: listing.total
    connection["totalPrecision"].resolve = lambda listing, _: "EXACT"
    edge = _object(schema, f"{record.api_name}Edge").fields
    edge["cursor"].resolve = lambda pair, _: pair[0]
    edge["node"].resolve = lambda pair, _: pair[1]
    _resolve_fields(_object(schema, record.api_name), record)


def _resolve_fields(of: GraphQLObjectType, record: RecordType) -> None:
    of.fields["id"].resolve = lambda item, _: f"{record.prefix}_{item.row['id'].hex}"
    of.fields["customFields"].resolve = _own_fields
    for found in record.visible_fields:

        def value(item: Item, info: Any, found: Any = found) -> Any:
            return _shown(found.kind, info.context.value(item.record, item.row, found))

        of.fields[found.api_name].resolve = value
    for relation in record.relations.values():
        of.fields[relation.api_name].resolve = _many(relation) if relation.many else _one(relation)


def _one(relation: Relation) -> Callable[..., Any]:
    return lambda item, info: info.context.one(item, relation.name)


def _many(relation: Relation) -> Callable[..., Any]:
    target = catalogue().record(relation.target)

    def listed(item: Item, info: GraphQLResolveInfo, **given: Any) -> Listing:
        return info.context.listing(target, info.context.many(item, relation.name), given)

    return listed


def _shown(kind: Any, value: Any) -> Any:
    if isinstance(kind, ReferenceKind) and value is not None:
        return f"{catalogue().record(kind.target).prefix}_{value.hex}"
    if isinstance(kind, DecimalKind) and isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value


def _own_fields(item: Item, info: GraphQLResolveInfo) -> Any:
    reader: Reader = info.context
    document = reader.value(item.record, item.row, item.record.fields["custom"])
    defined = [f for f in reader.company.custom_fields if f.record == item.record.name]
    return None if document is None else {custom.key: document.get(custom.id) for custom in defined}


def _record(info: GraphQLResolveInfo, public: str, wanted: RecordType | None) -> Item | None:
    reader: Reader = info.context
    found = split(public)
    if found is None or (wanted is not None and wanted.name != found[0]):
        return None
    record = catalogue().record(found[0])
    _check_below(reader, info, _object(info.schema, record.api_name))
    row = reader.company.of(record).get(found[1])
    return Item(record, row) if row is not None and reader.seen(record, row) else None


def _several(info: GraphQLResolveInfo, ids: list[str]) -> list[Item | None]:
    if len(ids) > 250:
        raise Wrong("BAD_USER_INPUT")
    return [_record(info, public, None) for public in ids]


def _records(info: GraphQLResolveInfo, record: RecordType, given: Mapping[str, Any]) -> Listing:
    reader: Reader = info.context
    _check_below(reader, info, _object(info.schema, f"{record.api_name}Connection"))
    every = [Item(record, row) for row in reader.company.of(record).values() if reader.seen(record, row)]
    return reader.listing(record, every, given)


# What is wrong with the arguments at and below a root field is found before anything of it is answered.


def _check_below(reader: Reader, info: GraphQLResolveInfo, of: GraphQLObjectType) -> None:
    codes: set[str] = set()
    for node in info.field_nodes:
        codes |= _wrong_in_field(reader, info, node, info.parent_type, of)
    if codes:
        raise Wrong(*codes)


def _wrong_in_field(
    reader: Reader,
    info: GraphQLResolveInfo,
    node: FieldNode,
    parent: GraphQLObjectType,
    of: GraphQLObjectType,
) -> set[str]:
    codes: set[str] = set()
    definition = parent.fields[node.name.value]
    if of.name.endswith("Connection"):
        record = next(record for record in catalogue() if f"{record.api_name}Connection" == of.name)
        given = get_argument_values(definition, node, info.variable_values)
        codes |= _wrong_in_listing(reader, record, given)
    if node.selection_set is not None:
        codes |= _wrong_below(reader, info, node.selection_set, of)
    return codes


def _wrong_below(
    reader: Reader, info: GraphQLResolveInfo, selections: SelectionSetNode, of: GraphQLObjectType
) -> set[str]:
    codes: set[str] = set()
    for node in selections.selections:
        if not _is_included(info, node):
            continue
        if isinstance(node, FieldNode):
            definition = of.fields.get(node.name.value)
            inner = get_named_type(definition.type) if definition else None
            if is_object_type(inner):
                codes |= _wrong_in_field(reader, info, node, of, inner)
            continue
        fragment: Any = info.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        if fragment.type_condition is None or fragment.type_condition.name.value in {of.name, "Node"}:
            codes |= _wrong_below(reader, info, fragment.selection_set, of)
    return codes


def _is_included(info: GraphQLResolveInfo, node: Any) -> bool:
    for directive in node.directives or ():
        definition = info.schema.get_directive(directive.name.value)
        given = get_argument_values(definition, directive, info.variable_values)
        if given["if"] is (directive.name.value == "skip"):
            return False
    return True


def _wrong_in_listing(reader: Reader, record: RecordType, given: Mapping[str, Any]) -> set[str]:
    codes: set[str] = set()

    def tried(attempt: Callable[..., Any], *arguments: Any) -> None:
        try:
            attempt(*arguments)
        except Wrong as wrong:
            codes.update(wrong.codes)

    tried(reader.page, given)
    tried(reader.orders, record, given)
    tried(_check_where, reader, record, given.get("where") or {})
    for word in ("after", "before"):
        if given.get(word) is not None:
            tried(id_of_cursor, given[word], sorting_of(record, given))
    return codes


def _check_where(reader: Reader, record: RecordType, where: Mapping[str, Any]) -> None:
    """Everything in a filter is looked at, whether or not a row depends on it."""
    for name, wanted in where.items():
        if wanted is not None:
            _check_part(reader, record, name, wanted)


def _check_part(reader: Reader, record: RecordType, name: str, wanted: Any) -> None:
    relation = next((r for r in record.relations.values() if r.api_name == name), None)
    if name in {"AND", "OR"}:
        for part in wanted:
            _check_where(reader, record, part)
    elif name == "NOT":
        _check_where(reader, record, wanted)
    elif name == "custom":
        for entry in wanted:
            _check_custom(reader, record, entry)
    elif name == "segment" and record.name == "customer":
        segment = reader.segment(wanted)
        if segment["kind"] == "LIVE":
            _check_where(reader, record, segment["conditions"])
    elif name == "search":
        sources = [found for found in record.fields.values() if found.spec.search]
        if wanted.strip() and not any(reader.looker.may_use(record, found) for found in sources):
            raise Wrong("BAD_USER_INPUT")
    elif relation is not None:
        target = catalogue().record(relation.target)
        link = target if relation.many else record
        words = ("some", "none", "every")
        parts = [wanted.get(word) for word in words] if relation.many else [wanted]
        for part in parts:
            if part is not None:
                reader.usable(link, link.fields[relation.column])
                _check_where(reader, target, part)
    else:
        found = record.field_by_api_name(name)
        for op, operand in wanted.items():
            if found is not None:
                reader.usable(record, found)
            _check_operand(op, operand)
            if op == "endsWith" and not ending_of(operand, reader.company.country):
                raise Wrong("BAD_USER_INPUT")


def _check_custom(reader: Reader, record: RecordType, entry: Mapping[str, Any]) -> None:
    custom = reader.usable_custom(record, entry["key"])
    for op, operand in entry.items():
        if op == "key":
            continue
        _check_operand(op, operand)
        if op in {"contains", "startsWith"} and custom.kind_name not in {"TEXT", "CHOICE"}:
            raise Wrong("BAD_USER_INPUT")
        if op not in {"isNull", "contains", "startsWith"} and operand is not None:
            for one in operand if op == "in" else [operand]:
                own_operand(custom, one)


def _check_operand(op: str, operand: Any) -> None:
    if operand is None and op not in {"eq", "ne"}:
        raise Wrong("BAD_USER_INPUT")
