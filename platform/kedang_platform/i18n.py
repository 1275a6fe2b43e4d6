"""Two languages, one source: messages are English msgids, zh-CN comes from the gettext catalogue.

Code marks a msgid with ``msg("...")`` where it stands; whoever tells it to a person translates it
with ``translate`` at that moment, in the language of that person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from io import BytesIO
from typing import Literal

from babel.messages.pofile import read_po

Language = Literal["en", "zh-CN"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-CN")
_OURS: Mapping[str, Language] = {"en": "en", "zh": "zh-CN"}
_LONGEST_WISH = 300
# A language range with its weight; locales of terminals write an underscore. What has another form is passed over.
_RANGE = re.compile(
    r"\s*(?P<language>[a-z]{1,8}|\*)(?:[-_][a-z0-9]{1,8})*"
    r"\s*(?:;\s*q\s*=\s*(?P<weight>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.IGNORECASE,
)


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
    """What is wanted most among what we speak (RFC 9110 12.5.4); None when it is neither, or indifferent.

    Every English is ours, and every Chinese, since we have one of each; ``*`` wants nothing.
    """
    ranges = [found for part in wish[:_LONGEST_WISH].split(",") if (found := _RANGE.fullmatch(part))]
    # Sorting keeps the order of equals: of two that are wanted alike the first one wins.
    for found in sorted(ranges, key=_weight, reverse=True):
        if _weight(found) > 0 and (language := _OURS.get(found["language"].lower())):
            return language
    return None


def _weight(found: re.Match[str]) -> float:
    return float(found["weight"] or 1)
