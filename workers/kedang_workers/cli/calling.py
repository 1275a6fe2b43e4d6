"""What every command does around its work: reads the settings, and tells an expected failure instead of a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, TypeAlias

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.observing.logs import configure_structlog
from kedang_platform.settings import Settings
from kedang_workers.cli.telling import complain, complain_as_json

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Tell it as JSON, for a program.")]


class SettingWrong(KedangError):
    """An environment variable has a value that cannot be used."""


@contextmanager
def failures_told(
    *, as_json: bool = False, codes: Mapping[type[KedangError], int] | None = None
) -> Iterator[None]:
    """An expected failure becomes one message and its exit code, 1 by default; a bug keeps its traceback."""
    try:
        yield
    except KedangError as failure:
        (complain_as_json if as_json else complain)(failure)
        raise typer.Exit((codes or {}).get(type(failure), 1)) from failure


def read_settings() -> Settings:
    """The settings; raises SettingWrong, naming the variable without repeating its value."""
    configure_structlog()  # what the product logs is no part of what a command tells on standard output
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        variable = f"KEDANG_{first['loc'][0]}".upper()
        raise SettingWrong(
            msg("{setting} cannot be used: {reason}."), setting=variable, reason=first["msg"]
        ) from problem
    except SettingsError as problem:  # names the setting, never its value
        raise SettingWrong(
            msg("A setting is not written as JSON: {reason}."), reason=str(problem)
        ) from problem
