"""Every code by which the product refuses something, read from its own source.

A code is the name of a subclass of KedangError, or is spelled where a finding is made of it and a message.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import kedang_graphql
import kedang_platform
import kedang_tenants
from kedang_platform.errors import KedangError, Refused

# What only an operator of the installation, the product's own code or a base of other errors ever meets.
_OPERATORS = (
    "kedang_platform.backups.",
    "kedang_platform.embedded.",
    "kedang_platform.registry.overview",
    "kedang_tenants.people.suspending",
    "kedang_platform.database.provision",
    "kedang_platform.database.urls",
    "kedang_platform.observing.",
)
NOT_TOLD = {"INVALID_VALUE", "UNKNOWN_KIND", "MAIL_DELAYED"}
# One of their first three arguments is a code.
_FINDERS = {"UserError", "Wrong", "refuse", "InvalidValue", "refuse_custom", "_fault"}
_OUTSIDE = {"GRAPHQL_VALIDATION_FAILED", "INTERNAL_ERROR"}  # of errors that are none of ours


@cache
def codes() -> dict[str, set[str]]:
    """All codes that an integrator can meet, with the English messages that are written beside them."""
    found: dict[str, set[str]] = {code: set() for code in _OUTSIDE}
    classes: dict[str, str] = {}
    for module in _modules():
        if module.__name__.startswith(_OPERATORS):
            continue
        for kind in vars(module).values():
            if not isinstance(kind, type) or kind.__module__ != module.__name__:
                continue
            # What a Refused holds is told, each with its own code.
            if issubclass(kind, KedangError) and not issubclass(kind, Refused):
                classes[kind.__name__] = kind.code
                found.setdefault(kind.code, set())
    for module in _modules():
        if not module.__name__.startswith(_OPERATORS):
            for code, message in _spelled(module, classes):
                found.setdefault(code, set()).update(message)
    return {code: messages for code, messages in found.items() if code not in NOT_TOLD | {KedangError.code}}


def _modules() -> Iterator[ModuleType]:
    for package in (kedang_platform, kedang_tenants, kedang_graphql):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not info.name.endswith("__main__"):
                yield importlib.import_module(info.name)


def _spelled(module: ModuleType, classes: dict[str, str]) -> Iterator[tuple[str, set[str]]]:
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text())
    named: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name) and node.value:
            named.setdefault(target.id, set()).update(_messages(node.value))

    def told(node: ast.expr) -> set[str]:
        return named.get(node.id, set()) if isinstance(node, ast.Name) else _messages(node)

    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in classes:
            inside = (inner for inner in ast.walk(node) if isinstance(inner, ast.expr))
            yield classes[node.name], {text for inner in inside for text in _messages(inner)}
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
            if (code := _constant(node.elts[0])) and (message := _messages(node.elts[1])):
                yield code, message
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func).split(".")[-1]
            if name in classes and name != "InvalidValue":
                yield classes[name], {text for argument in node.args for text in told(argument)}
            if name in _FINDERS:
                for place, argument in enumerate(node.args[:3]):
                    if code := _constant(argument):
                        yield code, told(node.args[place + 1]) if len(node.args) > place + 1 else set()


def _constant(node: ast.expr) -> str | None:
    """An upper-case word that is a code; options and parts of dates are shorter or no constants."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 4:
        word = node.value.replace("_", "")
        return node.value if word.isalpha() and word.isupper() else None
    return None


def _messages(node: ast.expr) -> set[str]:
    if (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "msg"
        and isinstance(node.args[0], ast.Constant)
    ):
        return {str(node.args[0].value)}
    return set()
