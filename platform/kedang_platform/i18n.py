"""Two languages, one source: messages are English msgids, zh-CN comes from the gettext catalogue.

Code marks a msgid with ``msg("...")`` where it stands; whoever tells it to a person translates it
with ``translate`` at that moment, in the language of that person.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from io import BytesIO
from typing import Literal

from babel.core import UnknownLocaleError, negotiate_locale
from babel.messages.pofile import read_po

Language = Literal["en", "zh-CN"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-CN")


def msg(msgid: str) -> str:
    """Mark an English text for translation; returns it unchanged."""
    return msgid


def translate(msgid: str, language: str, params: Mapping[str, object] | None = None) -> str:
    """The text of ``msgid`` in ``language``, its ``{named}`` placeholders filled; English where unknown."""
    text = catalogue(language).get(msgid, msgid) if language != "en" else msgid
    return text.format_map(dict(params)) if params else text


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """msgid to text of one language; empty for English and for languages we do not have."""
    folder = resources.files("kedang_platform") / "locale" / language.replace("-", "_")
    source = folder / "LC_MESSAGES" / "kedang.po"
    if not source.is_file():
        return {}
    entries = read_po(BytesIO(source.read_bytes()))
    return {str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string}


def choose_language(*wishes: str | None) -> Language:
    """The first wish we speak: each is a language tag or an Accept-Language header; English if none is."""
    for wish in wishes:
        if wish and (found := _negotiate(wish)):
            return found
    return "en"


@lru_cache(maxsize=1000)
def _negotiate(wish: str) -> Language | None:
    preferred = [part.split(";")[0].strip().replace("-", "_") for part in wish.split(",")]
    try:
        found = negotiate_locale([p for p in preferred if p], ["en", "zh_CN", "zh"], sep="_")
    except (UnknownLocaleError, ValueError):
        return None
    if found is None:
        return None
    return "en" if found.lower().startswith("en") else "zh-CN"
