"""The reference of all reading: the same schema, every row in memory, resolved field by field by stock graphql-core.

Nothing here is quick and nothing is shared with the read planner or the engine: scope, masks,
filters, sorting, pages and counts are written down once more, in the plainest Python. Only the
catalogue (what fields there are), the policy's table and the normal form of texts are the product's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cmp_to_key
from typing import Any
from uuid import UUID

from kedang_platform.phones import ending_of, read_phone
from kedang_platform.search_text import name_sort, normal_form
from kedang_tenants.catalogue import Field, RecordType, ReferenceKind, catalogue
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.reading.viewer import NO_ACCESS, Access, Scope

PAGE, LARGEST_PAGE, COUNT_LIMIT = 50, 250, 10_000
CURSOR = "reference-cursor"
Row = Mapping[str, Any]


class Wrong(Exception):
    """The request cannot be answered; ``codes`` are those of everything that is wrong with it."""

    def __init__(self, *codes: str) -> None:
        super().__init__(" ".join(codes))
        self.codes = set(codes)


@dataclass(frozen=True)
class Looker:
    """Who looks: their rights, and whose records count as theirs or their department's.

    ``unit`` are the people of their department alone, ``chosen`` those of the chosen departments with their own. ``shared``
    customers count as theirs, ``shared_to_write`` for changing, too. Where ``closed``, restricted archives are not there
    for them but for those in ``opened``.
    """

    member_id: UUID | None
    department: frozenset[UUID]
    access: Mapping[str, Access]
    unit: frozenset[UUID] = frozenset()
    chosen: frozenset[UUID] = frozenset()
    shared: frozenset[UUID] = frozenset()
    shared_to_write: frozenset[UUID] = frozenset()
    closed: bool = False
    opened: frozenset[UUID] = frozenset()

    def people(self, scope: Scope) -> set[UUID | None]:
        """Whose records a limited scope reaches, beside what is shared."""
        others: Mapping[Scope, frozenset[UUID]] = {
            Scope.DEPARTMENT_ONLY: self.unit,
            Scope.DEPARTMENT: self.department,
            Scope.CHOSEN: self.chosen,
        }
        return {self.member_id, *others.get(scope, frozenset())}

    def on(self, record: RecordType) -> Access:
        return self.access.get(record.name, NO_ACCESS)

    def sees(self, record: RecordType) -> Scope:
        return max(self.on(record).names, self.on(record).read)

    def reads(self, record: RecordType, found: Field) -> Scope:
        """How far a field is readable."""
        reach = self.sees(record) if found.spec.name_level else self.on(record).read
        if found.spec.sensitivity:
            reach = min(reach, self.on(record).sensitive.get(found.spec.sensitivity, Scope.NONE))
        return reach

    def may_use(self, record: RecordType, found: Field) -> bool:
        """Whether a field may be filtered or sorted by: not when it is masked in every row that is seen."""
        return self.reads(record, found) is not Scope.NONE or self.sees(record) is Scope.NONE


@dataclass
class Company:
    """Every row of a company by table, and its own fields."""

    rows: Mapping[str, Mapping[UUID, Row]]
    custom_fields: Sequence[CustomField]
    country: str = "CN"

    def of(self, record: RecordType) -> Mapping[UUID, Row]:
        return self.rows[record.table.name]

    def custom_field(self, record: RecordType, key: str) -> CustomField | None:
        return next((f for f in self.custom_fields if (f.record, f.key) == (record.name, key)), None)


@dataclass(frozen=True)
class Item:
    """A record on its way through the response."""

    record: RecordType
    row: Row


@dataclass(frozen=True)
class Order:
    value: Callable[[Row], Any]
    descending: bool
    nulls_last: bool


@dataclass
class Listing:
    items: list[Item]
    cursors: list[str]
    has_next: bool
    has_previous: bool
    total: int


# How each kind of record leads to the customer below which it lies: columns, and the tables that they point to.
_TO_CUSTOMER = ("customer_id", "customer")
BELOW: Mapping[str, tuple[tuple[str, str], ...]] = {
    **dict.fromkeys(
        (
            "classified_customer", "contact", "customer_collaborator", "handed_customer", "customer_grade", "customer_tag", "grade_trial_row", "follow_up_plan", "follow_up_record", "hot_mark", "pool_move",
            "contract", "demand", "invoice", "meeting", "order", "owned_product", "quotation", "repair_record", "route_stop", "segment_member", "service_request", "survey_answer", "survey_invitation",
        ),
        (_TO_CUSTOMER,),
    ),
    "contact_consent": (("contact_id", "contact"), _TO_CUSTOMER),
    "delivery": (("order_id", "sales_order"), _TO_CUSTOMER),
    "payment": (("invoice_id", "invoice"), _TO_CUSTOMER),
    **dict.fromkeys(("meeting_attendee", "meeting_action", "minutes_receipt"), (("meeting_id", "meeting"), _TO_CUSTOMER)),
    **dict.fromkeys(("daily_report_card", "emergency_report", "watch_entry"), (_TO_CUSTOMER,)),
    "order_line": (("order_id", "sales_order"), _TO_CUSTOMER),
    "service_note": (("request_id", "service_request"), _TO_CUSTOMER),
    "survey_item_answer": (("answer_id", "survey_answer"), _TO_CUSTOMER),
}  # fmt: skip


@dataclass
class Reader:
    """What one viewer reads of a company."""

    company: Company
    looker: Looker

    # Rights

    def within(self, record: RecordType, row: Row, scope: Scope, *, writing: bool = False) -> bool:
        if scope is Scope.NONE or self.shut(record, row):
            return False
        if scope is Scope.ALL:
            return True
        if not record.owner or self.looker.member_id is None:
            return False
        mine = self.looker.people(scope)
        shared = self.looker.shared_to_write if writing else self.looker.shared
        return any(
            holder[path[-1]] in mine or (kind.name == "customer" and holder["id"] in shared)
            for path in record.owners
            for kind, holder in self.holders(record, row, path)
        )

    def holders(self, record: RecordType, row: Row, path: Sequence[str]) -> list[tuple[RecordType, Row]]:
        """The rows at the end of a path of owners, the last part of which is their column."""
        rows = [row]
        for step in path[:-1]:
            relation = record.relations[step]
            record = catalogue().record(relation.target)
            there = self.company.of(record)
            if relation.many:
                ids = {row["id"] for row in rows}
                rows = [one for one in there.values() if one[relation.column] in ids]
            else:
                wanted = {row[relation.column] for row in rows}
                rows = [one for one in there.values() if one["id"] in wanted]
        return [(record, row) for row in rows]

    def shut(self, record: RecordType, row: Row) -> bool:
        """Whether a row lies in a restricted archive that is not open to who looks, or tells of what does."""
        if not self.looker.closed:
            return False
        if record.name == "notice":
            return row["about"] is not None and self._shut_by_id(row["about"])
        for column, table in BELOW.get(record.name, ()):
            if row[column] is None:
                return False
            row = self.company.rows[table][row[column]]
        is_archive = record.name == "customer" or record.name in BELOW
        return is_archive and row["restricted"] and row["id"] not in self.looker.opened

    def _shut_by_id(self, public: str) -> bool:
        target = catalogue().by_prefix(public[:3])
        row = None if target is None else self.company.of(target).get(UUID(public[4:]))
        return target is not None and row is not None and self.shut(target, row)

    def seen(self, record: RecordType, row: Row) -> bool:
        if record.follows is None or row[record.follows] is None:
            return self.within(record, row, self.looker.sees(record))
        if self.looker.sees(record) is Scope.NONE:
            return False
        target = catalogue().by_prefix(row[record.follows][:3])
        return target is not None and self.seen(
            target, self.company.of(target)[UUID(row[record.follows][4:])]
        )

    def value(self, record: RecordType, row: Row, found: Field) -> Any:
        """A field's value as this viewer reads it: None where it is masked, or names what is closed to them."""
        if self._names_what_is_shut(record, row, found):
            return None
        if record.follows is not None and self.looker.reads(record, found) >= self.looker.sees(record):
            return row[found.name]  # who sees such a row reads all of it
        return row[found.name] if self.within(record, row, self.looker.reads(record, found)) else None

    def _names_what_is_shut(self, record: RecordType, row: Row, found: Field) -> bool:
        if found.target is None or row[found.name] is None or record.name == "archive_grant":
            return False
        target = catalogue().record(found.target)
        other = self.company.of(target).get(row[found.name])
        return other is not None and self.shut(target, other)

    def own(self, record: RecordType, row: Row, custom: CustomField) -> Any:
        document = self.value(record, row, record.fields["custom"])
        stored = None if document is None else document.get(custom.id)
        return None if stored is None else _OWN_VALUES[custom.kind_name](stored)

    def one(self, item: Item, relation_name: str) -> Item | None:
        relation = item.record.relations[relation_name]
        target = catalogue().record(relation.target)
        wanted = self.value(item.record, item.row, item.record.fields[relation.column])
        row = self.company.of(target).get(wanted)
        return Item(target, row) if row is not None and self.seen(target, row) else None

    def many(self, item: Item, relation_name: str) -> Iterable[Item]:
        relation = item.record.relations[relation_name]
        target = catalogue().record(relation.target)
        link = target.fields[relation.column]
        for row in self.company.of(target).values():
            if self.seen(target, row) and self.value(target, row, link) == item.row["id"]:
                yield Item(target, row)

    # Lists

    def listing(
        self, record: RecordType, candidates: Iterable[Item], arguments: Mapping[str, Any]
    ) -> Listing:
        limit, backward = self.page(arguments)
        where = arguments.get("where") or {}
        archived = arguments.get("archived", "EXCLUDE")
        found = [
            item.row
            for item in candidates
            if _is_wanted(item.row, archived) and self.matches(record, item.row, where)
        ]
        orders = self.orders(record, arguments)

        def compare(one: Row, other: Row) -> int:
            return _compare(orders, one, other)

        found.sort(key=cmp_to_key(compare))
        total = min(len(found), COUNT_LIMIT)
        sorting = sorting_of(record, arguments)
        for word, keep in (("after", 1), ("before", -1)):
            if arguments.get(word) is not None:
                edge = self.company.of(record)[id_of_cursor(arguments[word], sorting)]
                found = [row for row in found if compare(row, edge) * keep > 0]
        more = len(found) > limit
        page = (found[-limit:] if limit else []) if backward else found[:limit]
        return Listing(
            [Item(record, row) for row in page],
            [f"{CURSOR} {sorting} {row['id'].hex}" for row in page],
            has_next=arguments.get("before") is not None if backward else more,
            has_previous=more if backward else arguments.get("after") is not None,
            total=total,
        )

    def page(self, arguments: Mapping[str, Any]) -> tuple[int, bool]:
        first, last = arguments.get("first"), arguments.get("last")
        limit = next((number for number in (first, last) if number is not None), PAGE)
        if (first is not None and last is not None) or not 0 <= limit <= LARGEST_PAGE:
            raise Wrong("BAD_USER_INPUT")
        return limit, last is not None

    def orders(self, record: RecordType, arguments: Mapping[str, Any]) -> list[Order]:
        wanted = arguments.get("orderBy") or [
            {"field": name.upper()} for name in record.order if name != "id"
        ]
        return [self.order(record, entry) for entry in wanted]

    def order(self, record: RecordType, entry: Mapping[str, Any]) -> Order:
        if (entry.get("field") is None) == (entry.get("custom") is None):
            raise Wrong("BAD_USER_INPUT")
        descending = entry.get("direction") == "DESC"
        nulls_last = entry.get("nulls") != "FIRST"
        if entry.get("custom") is not None:
            custom = self.usable_custom(record, entry["custom"])
            return Order(lambda row: self.own(record, row, custom), descending, nulls_last)
        found = self.usable(record, record.fields[entry["field"].lower()])

        def value(row: Row) -> Any:
            shown = self.value(record, row, found)
            return name_sort(shown) if found.spec.sort_key and shown is not None else shown

        return Order(value, descending, nulls_last)

    def usable(self, record: RecordType, found: Field) -> Field:
        if not self.looker.may_use(record, found):
            raise Wrong("BAD_USER_INPUT")
        return found

    def usable_custom(self, record: RecordType, key: str) -> CustomField:
        custom = self.company.custom_field(record, key)
        self.usable(record, record.fields["custom"])
        if custom is None:
            raise Wrong("BAD_USER_INPUT")
        return custom

    # Filters

    def matches(self, record: RecordType, row: Row, where: Mapping[str, Any]) -> bool:
        return all(
            self.holds(record, row, name, wanted) for name, wanted in where.items() if wanted is not None
        )

    def holds(self, record: RecordType, row: Row, name: str, wanted: Any) -> bool:
        relation = next((r for r in record.relations.values() if r.api_name == name), None)
        if name == "AND":
            return all(self.matches(record, row, part) for part in wanted)
        if name == "OR":
            return any(self.matches(record, row, part) for part in wanted)
        if name == "NOT":
            return not self.matches(record, row, wanted)
        if name == "search":
            return self.found_by(record, row, wanted)
        if name == "custom":
            return all(self.custom_holds(record, row, entry) for entry in wanted)
        if name == "segment" and record.name == "customer":
            return self.belongs(record, row, self.segment(wanted))
        if relation is not None and relation.many:
            living = [i for i in self.many(Item(record, row), relation.name) if i.row["archived_at"] is None]
            some, none, every = (wanted.get(word) for word in ("some", "none", "every"))
            return (
                (some is None or any(self.matches(i.record, i.row, some) for i in living))
                and (none is None or not any(self.matches(i.record, i.row, none) for i in living))
                and (every is None or all(self.matches(i.record, i.row, every) for i in living))
            )
        if relation is not None:
            other = self.one(Item(record, row), relation.name)
            return other is not None and self.matches(other.record, other.row, wanted)
        if name == "id":
            return all(_holds(row["id"], op, _as_id(operand)) for op, operand in wanted.items())
        found = record.field_by_api_name(name)
        assert found is not None, name
        value = self.value(record, row, found)
        return all(
            self.ends(row, value, operand)
            if op == "endsWith"
            else self.lies_within(found, value, _operand(found, operand))
            if op == "within" and operand is not None
            else _holds(value, op, _operand(found, operand))
            for op, operand in wanted.items()
        )

    def segment(self, public: str) -> Row:
        """A living segment that is seen; its ``conditions`` are a filter as the API takes it."""
        found, kind = split(public), catalogue().record("segment")
        row = self.company.of(kind).get(found[1]) if found and found[0] == "segment" else None
        if row is None or row["archived_at"] is not None or not self.seen(kind, row):
            raise Wrong("NOT_FOUND")
        return row

    def belongs(self, record: RecordType, row: Row, segment: Row) -> bool:
        """Whether a customer belongs to a segment: it is among the members of a frozen one, or fulfils a live one."""
        if segment["kind"] == "LIVE":
            return self.matches(record, row, segment["conditions"])
        wanted = {"segmentId": {"eq": f"seg_{segment['id'].hex}"}}
        return self.matches(record, row, {"segmentMemberships": {"some": wanted}})

    def lies_within(self, found: Field, value: UUID | None, top: UUID | None) -> bool:
        """Whether a record is that one or lies in it, however deep."""
        rows = self.company.rows[found.target or ""]
        while value is not None and value != top:
            value = rows[value]["parent_id"]
        return value is not None

    def ends(self, row: Row, number: str | None, digits: str) -> bool:
        """Whether the digits of a telephone number end like this."""
        if number is None:
            return False
        known = read_phone(number, row.get("country") or self.company.country)
        return known.digits_reversed.startswith(ending_of(digits, self.company.country))

    def found_by(self, record: RecordType, row: Row, text: str) -> bool:
        """Every word stands in what the viewer may read of the searched fields."""
        sources = [found for found in record.fields.values() if found.spec.search]
        shown = [self.value(record, row, found) for found in sources]
        texts = [normal_form(value) for value in shown if value]
        return all(any(normal_form(word) in text for text in texts) for word in text.split())

    def custom_holds(self, record: RecordType, row: Row, entry: Mapping[str, Any]) -> bool:
        custom = self.usable_custom(record, entry["key"])
        value = self.own(record, row, custom)
        return all(_own_holds(custom, value, op, operand) for op, operand in entry.items() if op != "key")


def expected_access(
    company: Company,
    looker: Looker,
    record: str,
    row_id: UUID,
    *,
    action: str = "see",
    field: str | None = None,
) -> bool:
    """Whether a member may do something with a row, in plain Python: the oracle of every test of rights.

    ``action`` is ``see``, ``read`` (with ``field`` that field, else all that no class of sensitivity masks), ``update``,
    ``archive``, ``restore`` or ``export``; a row that is not seen can have nothing done with it.
    """
    kind = catalogue().record(record)
    reader, row, access = Reader(company, looker), company.of(kind)[row_id], looker.on(kind)
    if not reader.seen(kind, row) or action == "see":
        return action == "see" and reader.seen(kind, row)
    if action == "read":
        reach = access.read if field is None else looker.reads(kind, kind.fields[field])
        follows = kind.follows is not None and reach >= looker.sees(kind)
        return follows or reader.within(kind, row, reach)
    if action == "export":
        return reader.within(kind, row, access.export)
    return reader.within(kind, row, access.update if action == "update" else access.archive, writing=True)


def _is_wanted(row: Row, archived: str) -> bool:
    return archived == "INCLUDE" or (row["archived_at"] is not None) is (archived == "ONLY")


def _compare(orders: Sequence[Order], one: Row, other: Row) -> int:
    for order in orders:
        left, right = order.value(one), order.value(other)
        if left is None and right is None:
            continue
        if left is None or right is None:
            return 1 if (left is None) is order.nulls_last else -1
        if left != right:
            return 1 if (left > right) is not order.descending else -1
    return (one["id"] > other["id"]) - (one["id"] < other["id"])


def sorting_of(record: RecordType, arguments: Mapping[str, Any]) -> str:
    """What a cursor is bound to: the record and the sorting as it was asked for."""
    said = [
        (o.get("field"), o.get("custom"), o.get("direction") == "DESC", o.get("nulls") == "FIRST")
        for o in arguments.get("orderBy") or ()
    ]
    return repr((record.name, said))


def id_of_cursor(cursor: str, sorting: str) -> UUID:
    begin = f"{CURSOR} {sorting} "
    if not cursor.startswith(begin):
        raise Wrong("BAD_CURSOR")
    return UUID(hex=cursor.removeprefix(begin))


def _holds(value: Any, op: str, operand: Any) -> bool:
    if op == "isNull":
        return (value is None) is operand
    if op == "ne":
        return value != operand
    if operand is None:
        return value is None
    if op == "notIn":
        return value is None or value not in operand
    return value is not None and _COMPARISONS[op](value, operand)


def _own_holds(custom: CustomField, value: Any, op: str, operand: Any) -> bool:
    if operand is None or op in {"isNull", "contains", "startsWith"}:
        return _holds(value, op, operand)
    if op == "in":
        return _holds(value, op, [own_operand(custom, one) for one in operand])
    return _holds(value, op, own_operand(custom, operand))


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, operand: value == operand,
    "in": lambda value, operand: value in operand,
    "lt": lambda value, operand: value < operand,
    "lte": lambda value, operand: value <= operand,
    "gt": lambda value, operand: value > operand,
    "gte": lambda value, operand: value >= operand,
    "has": lambda value, operand: operand in value,
    "contains": lambda value, operand: _small(operand) in _small(value),
    "startsWith": lambda value, operand: _small(value).startswith(_small(operand)),
}
_SMALL = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def _small(text: str) -> str:
    return text.translate(_SMALL)


def _operand(found: Field, operand: Any) -> Any:
    return _as_id(operand, found.target) if isinstance(found.kind, ReferenceKind) else operand


def _as_id(operand: Any, target: str | None = None) -> Any:
    """The UUID inside a public id; one that nobody has for any other text."""
    if operand is None or isinstance(operand, bool):
        return operand
    if isinstance(operand, list):
        return [_as_id(one, target) for one in operand]
    item = split(operand)
    return item[1] if item and target in {None, item[0]} else UUID(int=0)


def split(text: str) -> tuple[str, UUID] | None:
    """The kind of record and the id inside a public id."""
    known = {record.prefix: record.name for record in catalogue()}
    prefix, _, rest = text.partition("_")
    try:
        return (known[prefix], UUID(hex=rest)) if prefix in known and len(rest) == 32 else None
    except ValueError:
        return None


def own_operand(custom: CustomField, operand: Any) -> Any:
    """What a filter compares an own field with; raises Wrong for a value of another kind."""
    try:
        value = _OWN_OPERANDS[custom.kind_name](operand)
    except (ValueError, TypeError, ArithmeticError):
        raise Wrong("BAD_USER_INPUT") from None
    if custom.kind_name == "CHOICE" and value not in {code for code, _ in custom.options}:
        raise Wrong("BAD_USER_INPUT")
    return value


def _exactly(kind: type) -> Callable[[Any], Any]:
    def taken(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(value)
        return value

    return taken


_OWN_OPERANDS: Mapping[str, Callable[[Any], Any]] = {
    "TEXT": _exactly(str),
    "CHOICE": _exactly(str),
    "INTEGER": _exactly(int),
    "DECIMAL": lambda value: Decimal(str(value)),
    "DAY": date.fromisoformat,
    "FLAG": _exactly(bool),
}
# What stands in a record's document.
_OWN_VALUES: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("TEXT", "CHOICE", "INTEGER", "FLAG"), lambda value: value),
    "DECIMAL": Decimal,
    "DAY": date.fromisoformat,
}
