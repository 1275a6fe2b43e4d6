"""What a mail says, in the language of its reader, as text and as HTML that every client shows.

A letter is built of translatable msgids; what people typed enters only as values of placeholders and
is escaped in HTML and flattened to one line in text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from kedang_platform.i18n import msg, translate

_LINE = "-" * 40
_NO_MORE = msg("You want no more mails like this one? Unsubscribe")


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a list in a letter: a plain text, and where it leads when it is a link."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail before it has a language.

    ``subject``, ``paragraphs``, ``action`` and ``closing`` are msgids filled from ``params``; ``lines``
    are texts as they are. ``action`` labels the one button, which leads to ``url``. ``unsubscribe`` is where
    mails like this one are stopped; it stands below everything else and in the mail's headers.
    """

    subject: str
    paragraphs: tuple[str, ...]
    params: Mapping[str, object] = field(default_factory=dict)
    action: str | None = None
    url: str | None = None
    lines: tuple[Line, ...] = ()
    closing: tuple[str, ...] = ()
    unsubscribe: str | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


def render(letter: Letter, *, language: str, footer: tuple[str, ...] = ()) -> Rendered:
    """The letter in one language. ``footer`` are the lines below it that say who writes; the product, without any."""
    lines = tuple(_flat(line) for line in footer) or (_signature(language),)
    params = {name: _flat(value) for name, value in letter.params.items()}
    subject = _flat(translate(letter.subject, language, params))
    return Rendered(
        subject=subject,
        text=_text(letter, language=language, params=params, footer=lines),
        html=_html(letter, language=language, params=params, subject=subject, footer=lines),
    )


def _flat(value: object) -> str:
    """On one line, so that a name can neither start a header nor a paragraph."""
    return " ".join(str(value).split())


def _text(letter: Letter, *, language: str, params: Mapping[str, object], footer: tuple[str, ...]) -> str:
    blocks = [translate(msgid, language, params) for msgid in letter.paragraphs]
    if letter.lines:
        blocks.append("\n".join(_text_line(line) for line in letter.lines))
    if letter.action and letter.url:
        label = translate(letter.action, language, params)
        blocks.append(translate(msg("{label}:"), language, {"label": label}) + f"\n{letter.url}")
    blocks += [translate(msgid, language, params) for msgid in letter.closing]
    blocks += [_LINE, "\n".join(footer)]
    if letter.unsubscribe:
        label = translate(msg("{label}:"), language, {"label": translate(_NO_MORE, language)})
        blocks.append(f"{label}\n{letter.unsubscribe}")
    return "\n\n".join(blocks) + "\n"


def _text_line(line: Line) -> str:
    return f"- {_flat(line.text)}" + (f"\n  {line.url}" if line.url else "")


def _signature(language: str) -> str:
    return translate(msg("Kedang, customer archives"), language)


_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body style="margin:0;padding:24px 12px;background:#f4f5f7;font-family:system-ui,'PingFang SC','Microsoft YaHei',\
sans-serif;font-size:16px;line-height:1.6;color:#1f2933">
<div style="max-width:560px;margin:0 auto;padding:28px 24px;background:#fff;border-radius:8px">
{body}
</div>
<p style="max-width:560px;margin:16px auto 0;font-size:13px;color:#52606d;text-align:center">{signature}{unsubscribe}</p>
</body>
</html>
"""
_BUTTON = (
    '<p style="margin:24px 0"><a href="{url}" style="display:inline-block;padding:12px 24px;border-radius:6px;'
    'background:#1d4ed8;color:#fff;text-decoration:none;font-weight:600">{label}</a></p>'
    '<p style="font-size:13px;color:#52606d;word-break:break-all">{url}</p>'
)


def _html(
    letter: Letter, *, language: str, params: Mapping[str, object], subject: str, footer: tuple[str, ...]
) -> str:
    blocks = [_paragraph(translate(msgid, language, params)) for msgid in letter.paragraphs]
    if letter.lines:
        items = "".join(f"<li>{_html_line(line)}</li>" for line in letter.lines)
        blocks.append(f'<ul style="padding-left:20px">{items}</ul>')
    if letter.action and letter.url:
        label = escape(translate(letter.action, language, params))
        blocks.append(_BUTTON.format(url=escape(letter.url), label=label))
    blocks += [_paragraph(translate(msgid, language, params)) for msgid in letter.closing]
    return _PAGE.format(
        language=language,
        title=escape(subject),
        body="\n".join(blocks),
        signature="<br>".join(escape(line) for line in footer),
        unsubscribe=_unsubscribe(letter, language),
    )


def _unsubscribe(letter: Letter, language: str) -> str:
    if not letter.unsubscribe:
        return ""
    label = escape(translate(_NO_MORE, language))
    return f'<br><a href="{escape(letter.unsubscribe)}" style="color:#52606d">{label}</a>'


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _html_line(line: Line) -> str:
    text = escape(_flat(line.text))
    return f'<a href="{escape(line.url)}">{text}</a>' if line.url else text
