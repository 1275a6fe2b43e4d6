"""What a kind of report can be told beside its period: said once, checked alike for definitions, runs and dashboards.

A kind names its parameters; their values stand together in one document of the definition or run, by
their names. So a new kind, or a new parameter of an old one, changes no table. References are kept as
public ids, and are good only for who may see what they name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_platform.errors import NotFound, UserError
from kedang_platform.i18n import Language, msg, translate
from kedang_tenants.catalogue import (
    ChoiceKind,
    FlagKind,
    IntegerKind,
    InvalidValue,
    Kind,
    Option,
    ReferenceKind,
    TextKind,
    catalogue,
)
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.reading import Lookup, Select, Viewer, read_lookup

PARAMETERS: Final = "parameters"
"""The column and the input in which the values stand."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that a kind of report can be told.

    ``name`` is as the API has it, ``label`` and ``description`` are msgids; ``kind`` checks a value.
    Where nothing is said the ``default`` counts.
    """

    name: str
    label: str
    kind: Kind
    default: object = None
    required: bool = False
    description: str = ""

    @property
    def options(self) -> tuple[Option, ...]:
        """What can be chosen; empty where anything of its kind can be said."""
        return self.kind.options if isinstance(self.kind, ChoiceKind) else ()

    @property
    def target(self) -> str | None:
        """The kind of record that it names."""
        return self.kind.target if isinstance(self.kind, ReferenceKind) else None

    @property
    def type(self) -> str:
        """What a value is, for forms."""
        match self.kind:
            case ChoiceKind():
                return "CHOICE"
            case IntegerKind():
                return "INTEGER"
            case FlagKind():
                return "FLAG"
            case ReferenceKind():
                return "REFERENCE"
        return "TEXT"


# Those that several kinds share

REGION: Final = Parameter(
    "region", msg("Region"), TextKind(100), description=msg("As it stands with customers")
)
GRADE: Final = Parameter("gradeLevel", msg("Grade"), ReferenceKind("grade_level"))
PRODUCT: Final = Parameter("product", msg("Product"), ReferenceKind("product"))
CATEGORY: Final = Parameter("category", msg("Product category"), ReferenceKind("product_category"))
TOP: Final = Parameter("top", msg("How many"), IntegerKind(1, 1_000), default=20)
COMPARE: Final = Parameter(
    "compare",
    msg("Compare with the time before"),
    FlagKind(),
    default=True,
    description=msg("As many days before"),
)


def group_by(*options: Option) -> Parameter:
    """By what the figures are told apart; the first where nothing is said."""
    return Parameter("groupBy", msg("Told apart by"), ChoiceKind(options), default=options[0].code)


@dataclass(frozen=True, slots=True)
class Given:
    """The values of a question's parameters, each of its kind; ``names`` are those of what they refer to."""

    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    said: frozenset[str] = frozenset()

    def __getitem__(self, parameter: Parameter) -> Any:
        return self.values.get(parameter.name, parameter.default)


# Checking


def faults_in(parameters: Sequence[Parameter], given: object) -> list[UserError]:
    """What is wrong with the values for these parameters; paths begin with the document's own name."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        text = msg("Parameters are an object of names and values.")
        return [UserError("INVALID_PARAMETERS", text, (PARAMETERS,))]
    return [*_unknown(parameters, given), *_wrong(parameters, given)]


def _unknown(parameters: Sequence[Parameter], given: Mapping[Any, Any]) -> Iterator[UserError]:
    known = {parameter.name for parameter in parameters}
    for name in given:
        if name not in known:
            text = msg("This report has no parameter “{name}”.")
            yield UserError("UNKNOWN_PARAMETER", text, (PARAMETERS, str(name)[:50]), {"name": str(name)[:50]})


def _wrong(parameters: Sequence[Parameter], given: Mapping[Any, Any]) -> Iterator[UserError]:
    for parameter in parameters:
        value, path = given.get(parameter.name), (PARAMETERS, parameter.name)
        if value is None:
            if parameter.required:
                yield UserError("REQUIRED", msg("This report needs to be told this."), path)
            continue
        try:
            _value(parameter, value)
        except InvalidValue as error:
            yield UserError(error.reason, error.message, path, error.params)


def settled(parameters: Sequence[Parameter], given: object) -> dict[str, Any]:
    """The right values of a question in the one form that is kept; what was said to be nothing is left out."""
    said = given if isinstance(given, Mapping) else {}
    kept: dict[str, Any] = {}
    for parameter in parameters:
        raw = said.get(parameter.name)
        value = None if raw is None else _value(parameter, raw)
        if value is not None:
            kept[parameter.name] = _public(value, parameter) if isinstance(value, UUID) else value
    return kept


def _public(value: UUID, parameter: Parameter) -> str:
    assert parameter.target is not None
    return f"{catalogue().record(parameter.target).prefix}_{value.hex}"


def _value(parameter: Parameter, value: object) -> object:
    """The value in the parameter's kind; raises InvalidValue."""
    if parameter.target is not None:
        value = _id_in(value, parameter.target)
    return parameter.kind.check(value)


def _id_in(value: object, target: str) -> UUID:
    prefix = f"{catalogue().record(target).prefix}_"
    if isinstance(value, str) and value.startswith(prefix) and len(value) == len(prefix) + 32:
        try:
            return UUID(hex=value.removeprefix(prefix))
        except ValueError:
            pass
    raise InvalidValue("NOT_FOUND", msg("There is no such record."))


async def take(
    read: TenantRead, viewer: Viewer, parameters: Sequence[Parameter], given: object, *, language: Language
) -> Given:
    """The values of a question for one reader, who has to see what they name; raises NotFound."""
    stored = settled(parameters, given)
    values, names, said = {}, {}, set()
    for parameter in parameters:
        if parameter.name not in stored:
            continue
        values[parameter.name] = value = _value(parameter, stored[parameter.name])
        said.add(parameter.name)
        if parameter.target is not None and isinstance(value, UUID):
            names[parameter.name] = await _name_of(read, viewer, parameter, value, language)
    return Given(values, names, frozenset(said))


async def ensure_seen(
    read: TenantRead, viewer: Viewer, parameters: Sequence[Parameter], given: object
) -> list[UserError]:
    """What of that which the values name is not there for the viewer; the values are right otherwise."""
    try:
        await take(read, viewer, parameters, given, language="en")
    except NotFound as error:
        return [UserError(error.code, error.message, tuple(error.path))]
    return []


_CALLED: Final = {"grade_level": "code", "product": "name", "product_category": "name", "customer": "name"}
"""By which field each kind of record is called on paper."""


async def _name_of(
    read: TenantRead, viewer: Viewer, parameter: Parameter, value: UUID, language: Language
) -> str:
    assert parameter.target is not None
    called = _CALLED[parameter.target]
    found = await read_lookup(read, viewer, Lookup(parameter.target, (value,), Select(fields=(called,))))
    if not found.page.rows:
        raise NotFound(msg("There is no such record."), path=(PARAMETERS, parameter.name))
    name = found.page.rows[0][found.layout.fields[called]]
    return text_in(name, language) if isinstance(name, Mapping) else str(name)


def facts_in(parameters: Sequence[Parameter], given: Given, language: Language) -> Iterator[tuple[str, str]]:
    """What was said, as people read it."""
    for parameter in parameters:
        if parameter.name in given.said:
            yield translate(parameter.label, language), _printed(parameter, given, language)


def _printed(parameter: Parameter, given: Given, language: Language) -> str:
    value = given[parameter]
    if parameter.name in given.names:
        return given.names[parameter.name]
    for option in parameter.options:
        if option.code == value:
            return translate(option.label, language)
    if isinstance(value, bool):
        return translate(msg("Yes") if value else msg("No"), language)
    return str(value)
