"""Documents, parsed and validated once and remembered, with the plans made of them.

The memory of the cache is bounded in bytes: an entry is weighed by the tokens of its document and by what was
made of it since, and the least recently used ones go first.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    is_non_null_type,
    parse,
    validate,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields
from graphql.execution.values import VariableValues, get_variable_values

from kedang_graphql.engine.arguments import LARGEST_PAGE
from kedang_graphql.engine.cost import Measure, measure
from kedang_graphql.engine.limits import (
    LONGEST_DOCUMENT,
    MOST_TOKENS,
    DocumentTooLarge,
    bound_validation,
    check_limits,
    check_variables,
    too_deep,
)
from kedang_graphql.engine.roots import Root, RootReader, Roots
from kedang_graphql.engine.selection import RecordNode
from kedang_graphql.measuring.signatures import sign
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Catalogue
from kedang_tenants.measuring.tallies import Signature
from kedang_tenants.reading import Viewer

CACHE_BYTES = 32 * 1024 * 1024
# Bytes of memory, measured and rounded up: of any document, for each of its tokens, of a plan, for each token again.
_BYTES = 6000
_BYTES_A_TOKEN = 600
_PLAN_BYTES = 4000
_PLAN_BYTES_A_TOKEN = 150
_MOST_PLANS = 16
_SIGNATURE_BYTES = 400
# Names that an overlay may know, and those that ask what the schema has; too many found here cost some time, no more.
_OWN_NAMES = re.compile(r"\bcustom(?:Fields?)?\b|Custom(?!er)|\bCUSTOM_|\bWholeNumber")
_INTROSPECTION = re.compile(r"\b__(?:schema|type)\b")
_MOST_MASKED_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class RootField:
    """A root field of a planned operation: its response key and what answers it."""

    key: str
    root: Root | None
    details: tuple[FieldDetails, ...]
    nullable: bool


@dataclass(slots=True)
class Plan:
    """An operation whose root fields are all answered by the engine, and the code generated for it."""

    operation: Operation
    roots: list[RootField]
    compiled: dict[int, Any] = field(default_factory=dict)
    masked: dict[str, list[str]] = field(default_factory=dict)
    masked_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Selected:
    """What is selected of a record that a resolver returns, and the code generated for it."""

    node: RecordNode
    compiled: dict[int, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Operation:
    """One document: what is wrong with it, or its definitions and the plans made so far."""

    document: DocumentNode | None
    errors: list[GraphQLError]
    fragments: dict[str, FragmentDetails] = field(default_factory=dict)
    plans: dict[tuple[object, ...], Plan | None] = field(default_factory=dict)
    selected: dict[tuple[object, ...], Selected] = field(default_factory=dict)
    directive_variables: frozenset[str] = frozenset()
    measures: dict[str | None, Measure] = field(default_factory=dict)
    signatures: dict[str | None, Signature] = field(default_factory=dict)
    told: dict[str | None, bytes] = field(default_factory=dict)
    """Answers about the schema itself, by the operation's name."""
    tokens: int = 0
    key: bytes = b""
    weight: int = 0
    asks_the_overlay: bool = False
    """Whether a schema with a company's own fields in it may say something else of the document."""

    def definition(self, name: str | None) -> OperationDefinitionNode:
        """The operation to execute; raises BadUserInput as the specification's GetOperation does."""
        assert self.document is not None
        found = [d for d in self.document.definitions if isinstance(d, OperationDefinitionNode)]
        if name is not None:
            found = [d for d in found if d.name and d.name.value == name]
        if len(found) == 1:
            return found[0]
        if name is None:
            raise BadUserInput(msg("This document holds several operations: name the one to execute."))
        raise BadUserInput(msg("There is no operation called “{name}”."), name=name)


class OperationCache:
    """Documents by the hash of their text, at most ``most_bytes`` of them by estimate."""

    def __init__(
        self,
        schema: GraphQLSchema,
        catalogue: Catalogue,
        roots: Roots,
        most_bytes: int = CACHE_BYTES,
        *,
        largest_page: int = LARGEST_PAGE,
        words: Sequence[Container[str]] = (),
    ) -> None:
        """``words`` are those of the schema, which stand in signatures (``measuring.signatures.vocabulary``)."""
        self._schema = schema
        self._words = words
        self._catalogue = catalogue
        self._roots = roots
        self._most_bytes = most_bytes
        self._largest_page = largest_page
        self._operations: OrderedDict[bytes, Operation] = OrderedDict()
        self._bytes = 0
        self.telling = asyncio.Lock()
        """Held while an answer about the schema itself is worked out."""
        self.hits = self.misses = 0
        """How often a document was remembered, and was not."""
        bound_validation()

    def get(self, text: str) -> Operation:
        """The operation of a document; raises DocumentTooLarge for one past the limits."""
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        known = self._operations.get(key)
        if known is not None:
            self.hits += 1
            self._operations.move_to_end(key)
            return known
        self.misses += 1
        operation = self._read(text)
        operation.key = key
        self._operations[key] = operation
        self._weigh(operation, _BYTES + sys.getsizeof(text) + operation.tokens * _BYTES_A_TOKEN)
        return operation

    @property
    def schema(self) -> GraphQLSchema:
        """What its documents are valid in."""
        return self._schema

    @property
    def entries(self) -> int:
        """How many documents are remembered."""
        return len(self._operations)

    @property
    def held_bytes(self) -> int:
        """What they take by estimate."""
        return self._bytes

    def variables(
        self, definition: OperationDefinitionNode, inputs: Mapping[str, Any]
    ) -> VariableValues | list[GraphQLError]:
        """The variables' values, or what is wrong with them; raises VariablesTooLarge, BadUserInput for bottomless ones."""
        check_variables(inputs)
        try:
            return get_variable_values(
                self._schema, definition.variable_definitions or (), dict(inputs), max_errors=20
            )
        except RecursionError:
            raise BadUserInput(msg("These variables are nested too deeply.")) from None

    def measure(self, operation: Operation, definition: OperationDefinitionNode) -> Measure:
        """What an operation costs, as a function of its variables."""
        name = definition.name.value if definition.name else None
        found = operation.measures.get(name)
        if found is None:
            found = operation.measures[name] = measure(
                self._schema, operation.fragments, definition, largest_page=self._largest_page
            )
        return found

    def signature(self, operation: Operation, definition: OperationDefinitionNode) -> Signature:
        """As what the operation is counted: itself without the values in it."""
        name = definition.name.value if definition.name else None
        found = operation.signatures.get(name)
        if found is None:
            assert operation.document is not None
            found = operation.signatures[name] = sign(operation.document, definition, *self._words)
            self._weigh(operation, _SIGNATURE_BYTES + sys.getsizeof(found.document))
        return found

    def plan(
        self, operation: Operation, definition: OperationDefinitionNode, variables: VariableValues
    ) -> Plan | None:
        """How the engine answers an operation wholly; None where anything in it is not the engine's."""
        if definition.operation is not OperationType.QUERY:
            return None
        name = definition.name.value if definition.name else None
        key = (name, *_directive_values(operation, variables))
        if key not in operation.plans:
            if len(operation.plans) >= _MOST_PLANS:
                self._forget_plans(operation)
            operation.plans[key] = self._plan(operation, definition, variables)
            self._weigh(operation, _plan_weight(operation))
        return operation.plans[key]

    def selected(
        self,
        operation: Operation,
        record: str,
        details: Sequence[FieldDetails],
        variables: VariableValues,
        read: Callable[[], RecordNode],
    ) -> Selected:
        """What fields of an operation select of a record, as ``read`` finds it out the first time."""
        # The document holds the nodes for as long as this is remembered with it.
        key = (record, *(id(detail.node) for detail in details), *_directive_values(operation, variables))
        known = operation.selected.get(key)
        if known is None:
            if len(operation.selected) >= _MOST_PLANS:
                self._weigh(operation, -_plan_weight(operation) * len(operation.selected))
                operation.selected.clear()
            known = operation.selected[key] = Selected(read())
            self._weigh(operation, _plan_weight(operation))
        return known

    def remember_told(self, operation: Operation, name: str | None, told: bytes) -> None:
        """Remember what an operation was told about the schema."""
        operation.told[name] = told
        self._weigh(operation, len(told))

    def masked(self, plan: Plan, viewer: Viewer) -> list[str]:
        """The paths of fields that are masked for everybody whose rights reach as far as this viewer's."""
        known = plan.masked.get(viewer.fingerprint)
        if known is None:
            known = [p for root in plan.roots if root.root for p in root.root.masked(viewer, root.key)]
            size = sum(map(sys.getsizeof, known)) + sys.getsizeof(known)
            if plan.masked_bytes + size > _MOST_MASKED_BYTES:
                plan.masked.clear()
                self._weigh(plan.operation, -plan.masked_bytes)
                plan.masked_bytes = 0
            plan.masked[viewer.fingerprint] = known
            plan.masked_bytes += size
            self._weigh(plan.operation, size)
        return known

    def _forget_plans(self, operation: Operation) -> None:
        for plan in operation.plans.values():
            self._weigh(operation, -_plan_weight(operation) - (plan.masked_bytes if plan else 0))
        operation.plans.clear()

    def _plan(
        self, operation: Operation, asked: OperationDefinitionNode, variables: VariableValues
    ) -> Plan | None:
        query = self._schema.query_type
        assert query is not None
        collected = collect_fields(self._schema, operation.fragments, variables, query, asked)
        reader = RootReader(self._schema, self._catalogue, asked, operation.fragments, variables)
        plan = Plan(operation, [])
        for response_key, details in collected.grouped_field_set.items():
            name = details[0].node.name.value
            if name == "__typename":
                plan.roots.append(RootField(response_key, None, tuple(details), nullable=False))
                continue
            make = self._roots.get(name)
            if make is None:
                return None
            definition = query.fields[name]
            nullable = not is_non_null_type(definition.type)
            root = make(reader, definition, details)
            plan.roots.append(RootField(response_key, root, tuple(details), nullable))
        return plan

    def _read(self, text: str) -> Operation:
        if len(text.encode("utf-8", "surrogatepass")) > LONGEST_DOCUMENT:
            raise DocumentTooLarge(msg("A document has at most {limit} bytes."), limit=LONGEST_DOCUMENT)
        try:
            document = parse(text, max_tokens=MOST_TOKENS, no_location=False)
            check_limits(document)
            errors = validate(self._schema, document, max_errors=20)
        except GraphQLError as error:
            _refuse_too_large(error)
            return Operation(None, [_kept(error)])
        except RecursionError:  # values and selections nested so deeply that nobody means them
            raise too_deep() from None
        if errors:
            _refuse_too_large(errors[-1])
            kept = [_kept(error) for error in errors]
            own = _OWN_NAMES.search(text) is not None
            return Operation(None, kept, tokens=_tokens(document), asks_the_overlay=own)
        fragments = {
            d.name.value: FragmentDetails(d)
            for d in document.definitions
            if isinstance(d, FragmentDefinitionNode)
        }
        return Operation(
            document,
            [],
            fragments,
            directive_variables=_directive_variables(document),
            tokens=_tokens(document),
            asks_the_overlay=_INTROSPECTION.search(text) is not None,
        )

    def _weigh(self, operation: Operation, grown: int) -> None:
        """An operation has grown by so many bytes: others go, or it does itself when it is the oldest."""
        if self._operations.get(operation.key) is not operation:
            return  # gone already, and still being executed
        operation.weight += grown
        self._bytes += grown
        while self._bytes > self._most_bytes and len(self._operations) > 1:
            _, gone = self._operations.popitem(last=False)
            self._bytes -= gone.weight


def name_own_fields(values: Mapping[str, Any]) -> bool:
    """Whether names that an overlay may know stand in variables; too many found cost some time, no more."""
    try:
        return _OWN_NAMES.search(orjson.dumps(values).decode()) is not None
    except orjson.JSONEncodeError:  # nested more deeply than anybody means it
        return False


def _tokens(document: DocumentNode) -> int:
    """The tokens of a document, comments among them; nodes keep them all."""
    assert document.loc is not None
    token, count = document.loc.start_token.next, 0
    while token is not None:
        token, count = token.next, count + 1
    return count


def _kept(error: GraphQLError) -> GraphQLError:
    """An error to be remembered: without the frames it came through, which hold the parser and all its tokens."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _directive_values(operation: Operation, variables: VariableValues) -> list[object]:
    """On what it depends which of its fields an operation selects."""
    return [variables.coerced.get(name) for name in sorted(operation.directive_variables)]


def _plan_weight(operation: Operation) -> int:
    return _PLAN_BYTES + operation.tokens * _PLAN_BYTES_A_TOKEN


def _refuse_too_large(error: GraphQLError) -> None:
    """Raise DocumentTooLarge where graphql-core gave up on a document, which it says in these words."""
    if error.message.endswith("tokens. Parsing aborted."):
        raise DocumentTooLarge(msg("A document may hold at most {limit} tokens."), limit=MOST_TOKENS)
    if error.message.endswith("Parsing aborted."):
        raise too_deep()
    if error.message == "Validation aborted.":
        raise DocumentTooLarge(msg("This document is too complex to be checked."))


def _directive_variables(document: DocumentNode) -> frozenset[str]:
    """The variables on which it depends what is selected at all."""
    found: set[str] = set()
    pending: list[Any] = list(document.definitions)
    while pending:
        node = pending.pop()
        for directive in getattr(node, "directives", None) or ():
            for argument in directive.arguments or ():
                if argument.value.kind == "variable":
                    found.add(argument.value.name.value)
        selections = getattr(node, "selection_set", None)
        if selections is not None:
            pending += selections.selections
    return frozenset(found)
