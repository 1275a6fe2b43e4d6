"""Which encoding a text file is written in.

A byte-order mark decides. Without one, what is valid UTF-8 is UTF-8. The rest is GB18030 when it
is valid GB18030 *and* reads like Chinese: western and Japanese encodings are often valid GB18030
too, and would come in as nonsense that nobody notices.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from kedang_tenants.imports.errors import wrong_encoding

_BLOCK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 (BOM)", "utf-16": "UTF-16", "gb18030": "GB18030"}
_SIGN = re.compile(rb"[\x81-\xfe](?:[\x30-\x39][\x81-\xfe][\x30-\x39]|[\x40-\xfe])")
_LIKELY = re.compile(
    # Hanzi, punctuation and full-width letters, pinyin vowels of GB 2312; and the four-byte signs.
    rb"[\xa1\xa3\xa8\xb0-\xf7][\xa1-\xfe]|[\x81-\xfe][\x30-\x39][\x81-\xfe][\x30-\x39]"
)
_LIKELY_SHARE = 0.4
"""Of running text: simplified Chinese has 1.0, traditional in GBK 0.52, Big5 0.26, Shift-JIS and Latin-1 0.0."""
_SAMPLE = 4 << 20


def recognise_encoding(path: Path) -> str:
    """Python's name of the file's encoding; raises WrongEncoding with the first line that cannot be read."""
    with path.open("rb") as stream:
        start = stream.read(4)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            fault = first_fault(path, encoding)
            if fault is not None:
                raise wrong_encoding(fault)
            return encoding
    fault = first_fault(path, "utf-8")
    if fault is None:
        return "utf-8"
    if first_fault(path, "gb18030") is None and _reads_like_chinese(path):
        return "gb18030"
    raise wrong_encoding(fault)


def encoding_name(encoding: str | None) -> str | None:
    """What people call an encoding of ``recognise_encoding``."""
    return _NAMES.get(encoding or "", encoding)


def first_fault(path: Path, encoding: str) -> int | None:
    """The first line, counted from 1, that is not text in ``encoding``; None when all is."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line = 1
    with path.open("rb") as stream:
        while True:
            block = stream.read(_BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return line + error.object[: error.start].count(b"\n")
            if "\0" in text:
                return line + text[: text.index("\0")].count("\n")
            if not block:
                return None
            line += text.count("\n")


def _reads_like_chinese(path: Path) -> bool:
    with path.open("rb") as stream:
        sample = stream.read(_SAMPLE)
    signs = _SIGN.findall(sample)
    likely = sum(1 for sign in signs if _LIKELY.fullmatch(sign))
    return likely >= _LIKELY_SHARE * len(signs)
