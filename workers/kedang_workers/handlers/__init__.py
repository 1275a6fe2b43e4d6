"""The handlers of every feature: one module a feature, thin, calling its operations.

A module here holds functions marked with ``kedang_platform.work.handler``; nothing else has to be
told of a new one.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from kedang_platform.work import Registry


def load() -> Registry:
    """Import every module of this package and collect its handlers; raises ValueError when two clash."""
    names = sorted(module.name for module in iter_modules(__path__, f"{__name__}."))
    return Registry.collect(import_module(name) for name in names)
