"""What the command line says to a person, in the language of the terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Final

from kedang_platform.embedded import Echo
from kedang_platform.errors import KedangError
from kedang_platform.i18n import Language, choose_language, translate

COMPANIES_BEHIND: Final = 3  # exit code of a migration that left some companies behind


def terminal_language(environment: Mapping[str, str]) -> Language:
    """The language of the locale variables, the strongest first; English when they name none of ours."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return choose_language(value.split(".")[0])
    return "en"


def screen() -> Echo:
    """Tells progress on standard output, one line a step."""
    language = terminal_language(os.environ)

    def tell(msgid: str, /, **params: object) -> None:
        print(translate(msgid, language, params), flush=True)

    return tell


def complain(error: KedangError) -> None:
    """Tell an expected failure on standard error."""
    text = translate(error.message, terminal_language(os.environ), error.params)
    print(text, file=sys.stderr, flush=True)


def complain_as_json(error: KedangError) -> None:
    """Tell an expected failure on standard output to a program that reads it."""
    text = translate(error.message, terminal_language(os.environ), error.params)
    print(json.dumps({"error": {"code": error.code, "message": text}}, ensure_ascii=False), flush=True)
