"""Our languages as a company's records keep them: texts by a key for each, a member's own by its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kedang_platform.i18n import LANGUAGES, Language, translate

_KEYS: Final[Mapping[Language, str]] = {"en": "en", "zh-CN": "zh"}
_LANGUAGES: Final[Mapping[str, Language]] = {"EN": "en", "ZH_CN": "zh-CN"}


def in_our_languages(text: Callable[[Language], str]) -> dict[str, str]:
    """A text as ``LocalisedKind`` keeps it: what ``text`` says in each language."""
    return {_KEYS[language]: text(language) for language in LANGUAGES}


def translated(msgid: str, params: Mapping[str, object] | None = None) -> dict[str, str]:
    """A message as ``LocalisedKind`` keeps it."""
    return in_our_languages(lambda language: translate(msgid, language, params))


def text_in(texts: Mapping[str, str], language: Language) -> str:
    """What a text that ``LocalisedKind`` keeps says in a language; in another of ours where that is missing."""
    return texts.get(_KEYS[language]) or next((text for text in texts.values() if text), "")


def language_code(language: str) -> str:
    """A language tag as a member's row keeps it: ``zh-CN`` is ``ZH_CN``, whatever is not ours ``EN``."""
    return "ZH_CN" if language == "zh-CN" else "EN"


def language_of(code: str) -> Language:
    """The language tag of what a member's row keeps."""
    return _LANGUAGES[code]
