"""What search compares: one normal form of texts, its n-grams for the index, and people's order of names.

A row matches when its normal form contains that of the query. The index of n-grams only finds the
candidates; ``LIKE`` decides. So search means the same for one letter and for a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

# Han with its iteration marks, kana, bopomofo and hangul syllables: scripts in which one sign says much.
_CJK: Final = "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_HAS_CJK: Final = re.compile(f"[{_CJK}]")
_LATIN_RUN: Final = re.compile(f"[^{_CJK}]{{3,}}")
_HAS_HAN: Final = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_LIKE_SPECIAL: Final = re.compile(r"([\\%_])")
# Letters of Latin alphabets that no decomposition takes apart.
_PLAIN_LATIN: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"}
)
_SINGLE: Final = re.compile(r'"(\d+)": "([^",]*)')
_PAIR: Final = re.compile(r'"(..)":\s*\[\s*\[\s*"([^"]*)"[^\]]*\],\s*\[\s*"([^"]*)"')
_TONES: Final = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}  # as combining accents

NAME_SORT_CHARS: Final = 64
"""Characters of a name that its order key looks at; a key then always fits a B-tree entry."""


def normal_form(text: str) -> str:
    """``text`` as search compares it: NFKC, casefolded, blanks and control characters as single spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # Folding can make new work for itself (U+0345, U+1E9B): a second pass reaches the fixed point.
    if not folded.isascii():
        folded = unicodedata.normalize("NFKC", folded.casefold())
    return _BLANK.sub(" ", folded).strip()


def tokens(text: str) -> list[str]:
    """The n-grams of ``text`` for a ``text[]`` index, sorted, each once.

    All single signs and pairs without a space, and the triples in which no sign is CJK: Chinese is found
    by pairs, Latin letters and digits by triples; one and two letters work like any other query.
    """
    plain = normal_form(text)
    grams = set(plain)
    pairs = {plain[i : i + 2] for i in range(len(plain) - 1)}
    if " " in grams:
        grams.discard(" ")
        pairs = {pair for pair in pairs if " " not in pair}
    grams |= pairs
    grams |= _latin_triples(plain)
    return sorted(grams)


def query_tokens(query: str) -> list[str]:
    """The n-grams that every text containing ``query`` has: the longest ones that cover it; empty for blanks.

    For all texts t and every part q of ``normal_form(t)``: ``set(query_tokens(q)) <= set(tokens(t))``.
    """
    plain = normal_form(query)
    if len(plain) <= 2:
        return [plain] if plain else []
    triples = _latin_triples(plain)
    pairs = {pair for i in range(len(plain) - 1) if _HAS_CJK.search(pair := plain[i : i + 2])}
    singles = {pair.strip() for pair in pairs if " " in pair}
    return sorted(triples | {pair for pair in pairs if " " not in pair} | singles)


def like_pattern(query: str) -> str:
    r"""The ``LIKE`` pattern, with ``\`` as escape, for "contains ``query``" in a column of normal forms."""
    literal = _LIKE_SPECIAL.sub(r"\\\1", normal_form(query))
    return f"%{literal}%"


def name_sort(name: str) -> str:
    """The key that puts names into people's order under ``COLLATE "C"``.

    Chinese goes by pinyin and tone, equal syllables by sign, between the Latin letters it is read with;
    Latin ignores case and accents. Leading punctuation is ignored, as is all after ``NAME_SORT_CHARS``.
    """
    plain = _letters(name)[:NAME_SORT_CHARS]
    if _HAS_HAN.search(plain) is None:
        return plain
    return "".join(_syllables(plain))


def _latin_triples(plain: str) -> set[str]:
    runs = [found.group() for found in _LATIN_RUN.finditer(plain)]
    return {run[i : i + 3] for run in runs for i in range(len(run) - 2)}


def _letters(name: str) -> str:
    plain = normal_form(name)
    if not plain.isascii():
        parts = unicodedata.normalize("NFKD", plain)
        bare = "".join(part for part in parts if not unicodedata.combining(part))
        plain = unicodedata.normalize("NFC", bare).translate(_PLAIN_LATIN)
    start = next((i for i, char in enumerate(plain) if char.isalnum()), 0)
    return plain[start:]


def _syllables(plain: str) -> list[str]:
    """Each sign followed by nothing (Latin) or led by its reading (Han): 长沙 is ``chang2长sha1沙``."""
    singles, phrases = _readings()
    parts: list[str] = []
    at = 0
    while at < len(plain):
        # Only pairs decide between readings: they settle nearly all names at a tenth of the cost of phrases.
        pair = phrases.get(plain[at : at + 2])
        if pair is not None:
            parts += (pair[0], plain[at], pair[1], plain[at + 1])
            at += 2
        else:
            sign = plain[at]
            parts += (singles.get(sign, ""), sign)
            at += 1
    return parts


@cache
def _readings() -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Readings of signs, and of pairs in which a sign is read otherwise than alone (重庆, 银行, 长沙)."""
    singles = {chr(int(one[1])): _reading(one[2]) for one in _SINGLE.finditer(_dictionary("pinyin"))}
    pairs = {}
    for found in _PAIR.finditer(_dictionary("phrases")):
        pair, readings = found[1], (_reading(found[2]), _reading(found[3]))
        if readings != tuple(singles.get(sign) for sign in pair):
            pairs[pair] = readings
    return singles, pairs


def _dictionary(name: str) -> str:
    """The text of a dictionary of pypinyin's.

    Importing the package would keep all of its dictionaries for good: 65 MB, and a second of work, for the 6 MB
    of what is read here.
    """
    package = find_spec("pypinyin")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name(f"{name}_dict.json").read_text(encoding="utf-8")


@cache
def _reading(syllable: str) -> str:
    """``cháng`` as ``chang2``; the neutral tone is the fifth, for a digit must end each syllable."""
    parts = unicodedata.normalize("NFD", syllable)
    tone = next((_TONES[part] for part in parts if part in _TONES), "5")
    plain = unicodedata.normalize("NFC", "".join(part for part in parts if part not in _TONES))
    return f"{plain.replace('ü', 'v')}{tone}"
