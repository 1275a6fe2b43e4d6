"""Letters in a company's own words: checked when they are written, filled with our placeholders only (T10).

A template is plain text: whatever somebody writes into it is escaped in HTML, and a value that is filled in is not
read for placeholders again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.i18n import Language, choose_language, msg, translate
from kedang_platform.mail import Letter
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.correspondence.template_kinds import (
    GREETING,
    LINK,
    TEMPLATE_KINDS,
    TemplateKind,
    Words,
    template_kind,
)
from kedang_tenants.reading import Viewer

LONGEST: Final[Mapping[str, int]] = {"subject": 150, "body": 10_000, "button": 40}
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_BRACE: Final = re.compile(r"[{}]")
Path: TypeAlias = tuple[str | int, ...]

_OWN: Final = (
    "SELECT language, subject, body, button FROM mail_template WHERE kind = $1 AND archived_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Templates:
    """The words of a kind of mail in each language: the company's where it has some, else the product's."""

    kind: TemplateKind
    own: Mapping[Language, Words]

    def words(self, language: Language) -> Words:
        """The words in a language."""
        return self.own.get(language) or self.kind.words(language)


async def load_templates(read: TenantRead, kind: str) -> Templates:
    """The words that the company has for a kind of mail; raises UnknownMailKind."""
    known = template_kind(kind)
    own = {}
    for row in await read.fetch(_OWN, kind):
        language = language_of(row["language"])
        button = row["button"] or known.words(language).button
        own[language] = Words(row["subject"], row["body"], button)
    return Templates(known, own)


def letter_from_template(
    templates: Templates, *, language: str, values: Mapping[str, object], unsubscribe: str | None = None
) -> Letter:
    """The letter in a language, its placeholders filled with ``values``; one that is not said is empty.

    ``link`` is where the button leads; the greeting is made of ``name``. A line that has become empty is left out.
    """
    tongue = choose_language(language)
    return letter_of(templates.words(tongue), tongue, values=values, unsubscribe=unsubscribe)


def letter_of(
    words: Words, language: Language, *, values: Mapping[str, object], unsubscribe: str | None = None
) -> Letter:
    """The letter that words make."""
    told = {GREETING: _greeting(str(values.get("name") or ""), language), **values}
    before, _, after = words.body.partition(f"{{{LINK}}}")
    link = told.get(LINK)
    texts = {"subject": _filled(words.subject, told), "action": _filled(words.button, told)}
    parts = []
    for begin, text in (("before", before), ("after", after)):
        lines = [filled for line in text.splitlines() for filled in _lines(line, told)]
        names = [f"{begin}_{number}" for number in range(len(lines))]
        texts |= dict(zip(names, lines, strict=True))
        parts.append(tuple(f"{{{name}}}" for name in names))
    return Letter(
        subject="{subject}",
        paragraphs=parts[0],
        params=texts,
        action="{action}" if link else None,
        url=str(link) if link else None,
        closing=parts[1],
        unsubscribe=unsubscribe,
    )


def _greeting(name: str, language: Language) -> str:
    if not name.strip():
        return translate(msg("Hello,"), language)
    return translate(msg("Hello {name},"), language, {"name": " ".join(name.split())})


def _lines(line: str, values: Mapping[str, object]) -> Iterator[str]:
    """The paragraphs that a line becomes: a value of several lines, alone in its own, stays that many."""
    alone = _PLACEHOLDER.fullmatch(line.strip())
    filled = str(values.get(alone[1]) or "") if alone else _filled(line, values)
    yield from (each.strip() for each in filled.splitlines() if each.strip())


def _filled(text: str, values: Mapping[str, object]) -> str:
    return _PLACEHOLDER.sub(lambda found: " ".join(str(values.get(found[1]) or "").split()), text)


# --- Writing one ------------------------------------------------------------------------------------


def faults_of(kind: TemplateKind, words: Words, path: Path) -> list[UserError]:
    """Everything that is wrong with words for a kind of mail."""
    faults: list[UserError] = []
    for name, text in (("subject", words.subject), ("body", words.body), ("button", words.button)):
        if len(text) > LONGEST[name]:
            message = msg("At most {limit} characters are allowed here.")
            faults.append(UserError("TOO_LONG", message, (*path, name), {"limit": LONGEST[name]}))
        allowed = kind.names if name == "body" else kind.names - {LINK, GREETING}
        faults += _unknown(text, allowed, (*path, name))
    faults += _missing(kind, words.body, (*path, "body"))
    return faults


def _unknown(text: str, allowed: frozenset[str], path: Path) -> Iterator[UserError]:
    unknown = [name for name in dict.fromkeys(_PLACEHOLDER.findall(text)) if name not in allowed]
    for name in unknown:
        message = msg("There is no “{name}” here. Possible are: {names}.")
        names = ", ".join(f"{{{each}}}" for each in sorted(allowed))
        yield UserError("UNKNOWN_PLACEHOLDER", message, path, {"name": f"{{{name[:50]}}}", "names": names})
    if _BRACE.search(_PLACEHOLDER.sub("", text)):
        yield UserError("STRAY_BRACE", msg("Braces stand only around a placeholder."), path)


def _missing(kind: TemplateKind, body: str, path: Path) -> Iterator[UserError]:
    standing = _PLACEHOLDER.findall(body)
    for name in sorted(kind.required - set(standing)):
        message = msg("“{name}” has to stand in the text.")
        yield UserError("MISSING_PLACEHOLDER", message, path, {"name": f"{{{name}}}"})
    alone = [line for line in body.splitlines() if line.strip() == f"{{{LINK}}}"]
    if LINK in standing and (standing.count(LINK) > 1 or len(alone) != 1):
        message = msg("“{name}” stands once, alone on a line.")
        yield UserError("LINK_NOT_ALONE", message, path, {"name": f"{{{LINK}}}"})


@prepares("mail_template")
async def check_templates(
    write: TenantWrite,  # noqa: ARG001 - the signature of a step
    viewer: Viewer,  # noqa: ARG001
    drafts: Sequence[Draft],
    clock: Clock,  # noqa: ARG001
) -> None:
    """Refuse words that no letter can be made of."""
    for draft in drafts:
        if draft.action not in {"create", "update"} or draft.refused:
            continue
        kind = TEMPLATE_KINDS.get(str(draft.now("kind")))
        if kind is None:
            message = msg("There are no mails of the kind “{kind}”.")
            draft.refuse("kind", "UNKNOWN_MAIL_KIND", message, kind=str(draft.now("kind"))[:50])
            continue
        for fault in faults_of(kind, words_in(draft), ()):
            draft.refuse(str(fault.path[-1]), fault.code, fault.message, **fault.params)


def words_in(draft: Draft) -> Words:
    """The words that a draft has."""
    subject, body, button = (cast("str | None", draft.now(name)) or "" for name in LONGEST)
    return Words(subject, body, button)
