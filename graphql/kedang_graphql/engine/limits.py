"""What a document may be: limits checked once per document, before anything is executed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, OperationDefinitionNode, OperationType
from graphql.language import FragmentSpreadNode, SelectionSetNode
from graphql.validation.rules import overlapping_fields_can_be_merged

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg

LONGEST_DOCUMENT = 64 * 1024
MOST_TOKENS = 1000
DEEPEST = 12
MOST_ALIASES = 30
MOST_DIRECTIVES = 20
MOST_MUTATIONS = 5
# Telling the whole schema takes some hundred milliseconds, whatever is left out of it.
MOST_SCHEMAS = 1
MOST_TYPES = 5
MOST_VALUES = 10_000
# What comparing fields of the same key with each other may cost graphql-core, in its own units (two a pair).
MOST_COMPARISONS = 20_000
# Guesses at passwords and tokens are counted per request, so a request may hold only one.
AUTHENTICATION_FIELDS = frozenset(
    {
        "signIn",
        "completeSignIn",
        "signUp",
        "confirmEmail",
        "acceptInvitation",
        "requestPasswordReset",
        "resetPassword",
        "reauthenticate",
        "changePassword",
        "requestEmailChange",
        "confirmEmailChange",
        "confirmTwoFactor",
    }
)
# What is answered with the cookie of a session, which only an answer over HTTP can carry.
COOKIE_FIELDS = AUTHENTICATION_FIELDS | {"disableTwoFactor", "switchCompany"}

_TOO_MANY = {
    "fields": msg("A request may hold at most {limit} fields."),
    "spreads": msg("A request may hold at most {limit} fragment spreads."),
    "aliases": msg("A request may hold at most {limit} aliases."),
    "directives": msg("A request may hold at most {limit} directives."),
    "changes": msg("A request may hold at most {limit} changes."),
    "__schema": msg("A request may ask for the whole schema once."),
    "__type": msg("A request may ask for at most {limit} types."),
}

_ABOUT_SCHEMA = {"__schema": MOST_SCHEMAS, "__type": MOST_TYPES}


class DocumentTooLarge(KedangError):
    code: ClassVar[str] = "DOCUMENT_TOO_LARGE"


class VariablesTooLarge(KedangError):
    """The variables hold more values than anything here could mean."""


def bound_validation() -> None:
    """Make validation give up on documents of many fields of one key, whose pairs are all compared.

    graphql-core reads the bound from its module, so it holds for the process.
    """
    overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = MOST_COMPARISONS


def check_variables(variables: Mapping[str, Any]) -> None:
    """Raise VariablesTooLarge for more than MOST_VALUES values, objects and lists among them.

    Each costs microseconds to be brought into its type, of which a body has room for 500,000; this walk
    ends where it has seen too many, however long their lists are.
    """
    left = MOST_VALUES
    pending: list[Iterable[Any]] = [variables.values()]
    while pending:
        for value in pending.pop():
            left -= 1
            if left < 0:
                raise VariablesTooLarge(msg("Variables may hold at most {limit} values."), limit=MOST_VALUES)
            if isinstance(value, dict):
                pending.append(value.values())
            elif isinstance(value, list):
                pending.append(value)


def check_limits(document: DocumentNode) -> None:
    """Raise DocumentTooLarge for a document that is too deep, too wide or asks for too much at once."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            _Count(fragments, definition.operation).visit(definition.selection_set, 1)


def too_deep() -> DocumentTooLarge:
    return DocumentTooLarge(msg("Selections may be nested {limit} levels deep."), limit=DEEPEST)


class _Count:
    """Walks an operation with its fragments written out; stops as soon as a limit is passed."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], operation: OperationType) -> None:
        self._fragments = fragments
        self._operation = operation
        self._counts: Counter[str] = Counter()
        self._authentications = 0

    def visit(self, selections: SelectionSetNode, depth: int) -> None:
        if depth > DEEPEST:
            raise too_deep()
        for node in selections.selections:
            self._count("directives", len(node.directives or ()), MOST_DIRECTIVES)
            if isinstance(node, FieldNode):
                self._visit_field(node, depth)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments.get(node.name.value)
                if fragment is not None:
                    self._count("spreads", 1, MOST_TOKENS)
                    self.visit(fragment.selection_set, depth)
            else:
                inner: Any = node
                self.visit(inner.selection_set, depth)

    def _visit_field(self, node: FieldNode, depth: int) -> None:
        self._count("fields", 1, MOST_TOKENS)
        if node.alias is not None:
            self._count("aliases", 1, MOST_ALIASES)
        if depth == 1 and self._operation is OperationType.MUTATION:
            self._count("changes", 1, MOST_MUTATIONS)
        if depth == 1 and node.name.value in AUTHENTICATION_FIELDS:
            self._authentications += 1
            if self._authentications > 1:
                raise DocumentTooLarge(msg("One sign-in or sign-up is allowed in a request."))
        if node.name.value in _ABOUT_SCHEMA:
            self._count(node.name.value, 1, _ABOUT_SCHEMA[node.name.value])
        introspection = node.name.value.startswith("__")
        if node.selection_set is not None and not introspection:
            self.visit(node.selection_set, depth + 1)

    def _count(self, what: str, number: int, limit: int) -> None:
        self._counts[what] += number
        if self._counts[what] > limit:
            raise DocumentTooLarge(_TOO_MANY[what], limit=limit)
