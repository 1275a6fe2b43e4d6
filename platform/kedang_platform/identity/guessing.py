"""How soon a password is guessed by who knows what people choose: an estimate, in powers of ten of guesses.

A password is taken apart into the cheapest pieces: words of the list, what its person is known by, syllables of
pinyin, dates, figures, runs of keys, repetitions, single signs. So the list needs words and habits, not their millions of
combinations: zhang + wei + 1990 + 8 costs what it costs, though nobody wrote it down.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import resources
from math import log10
from typing import Final

TOO_SOON: Final = 8.5
"""Below this it is refused: 10^8.5 guesses are a week of a dozen cores at argon2id's parameters here."""

_WORD, _OWN, _SYLLABLE = 3.0, 0.5, 1.7
_DATE, _BIRTHDAY, _YEAR, _RUN, _AGAIN = 4.0, 2.5, 2.0, 2.0, 1.5
_DIGIT, _LETTER, _SIGN, _USUAL_SIGN, _OTHER = 1.0, 1.56, 1.56, 0.5, 3.0
_LEET: Final = 0.5
_LONGEST_WORD: Final = 26
_LONGEST_READ: Final = 64

_SEQUENCES: Final = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "一二三四五六七八九十",
)
_SHORTEST_RUN: Final = 3
# Letters that figures and signs are put for.
_LOOKALIKES: Final = str.maketrans("013457@$!|", "oleastasil")
_USUAL: Final = frozenset("!.,?*#@_-$~&+=")
# Pinyin without tones: an initial and a final, or a final alone.
_INITIAL: Final = "zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]"
_FINAL: Final = "iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|in|un|er|ia|ie|iu|ua|ui|uo|ue|ve|a|o|e|i|u|v"
_PINYIN: Final = re.compile(rf"(?:(?:{_INITIAL})(?:{_FINAL})|(?:a|ai|an|ang|ao|e|en|er|ou))")
_YEARS: Final = re.compile(r"(?:19[3-9]|20[0-3])\d")
_MONTH, _DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_DATES: Final = re.compile(
    rf"(?:19[3-9]\d|20[0-3]\d){_MONTH}(?:{_DAY})?|\d\d{_MONTH}{_DAY}|{_DAY}{_MONTH}(?:19|20)?\d\d"
)
_BIRTHDAYS: Final = re.compile(rf"{_MONTH}{_DAY}|{_DAY}{_MONTH}")
_PATTERNS: Final = ((_DATES, _DATE), (_BIRTHDAYS, _BIRTHDAY), (_YEARS, _YEAR), (_PINYIN, _SYLLABLE))


def guesses(password: str, *, own: Iterable[str] = ()) -> float:
    """The power of ten of the guesses that the password takes at most; ``own`` is what its person is known by.

    What is longer than 64 characters is judged by the first of them.
    """
    text = fold(password)[:_LONGEST_READ]
    if not text:
        return 0.0
    known = own_words(own)
    whole = _cheapest(text, known)
    if piece := _repeated(text):
        return min(whole, _cheapest(piece, known) + _AGAIN + log10(len(text) / len(piece)))
    return whole


def fold(text: str) -> str:
    """In one spelling, without spaces and case."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def own_words(own: Iterable[str]) -> frozenset[str]:
    """The texts themselves, the part before an at sign, and each word, when longer than two characters."""
    pieces = {piece for text in own for piece in (text, *text.split("@"), *re.split(r"[\s.@_-]+", text))}
    return frozenset(folded for piece in pieces if len(folded := fold(piece)) > 2)


@cache
def common_words() -> frozenset[str]:
    """The words and whole passwords that are used most, English and Chinese."""
    text = resources.files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def _repeated(text: str) -> str | None:
    """The piece that the whole consists of, again and again, as in 123123123."""
    at = (text + text).find(text, 1)
    return text[:at] if at < len(text) else None


def _cheapest(text: str, own: frozenset[str]) -> float:
    """The cost of the cheapest way to put the text together, from left to right."""
    best = [0.0] + [float("inf")] * len(text)
    plain = text.translate(_LOOKALIKES)
    for start in range(len(text)):
        for end, cost in _pieces(text, plain, start, own):
            best[end] = min(best[end], best[start] + cost)
    return best[len(text)]


def _pieces(text: str, plain: str, start: int, own: frozenset[str]) -> Iterator[tuple[int, float]]:
    """What may begin at ``start``: where each piece ends and what it costs."""
    yield start + 1, _single(text[start])
    for end in range(start + 2, min(len(text), start + _LONGEST_WORD) + 1):
        piece = text[start:end]
        if piece in own:
            yield end, _OWN
        elif piece in common_words():
            yield end, _WORD
        elif plain[start:end] in common_words() and not piece.isdigit():
            yield end, _WORD + _LEET
    yield from _patterns(text, start)


def _patterns(text: str, start: int) -> Iterator[tuple[int, float]]:
    for pattern, cost in _PATTERNS:
        if found := pattern.match(text, start):
            yield found.end(), cost
    for length in (_same_from, _run_from):
        if (end := length(text, start)) - start >= _SHORTEST_RUN:
            for shorter in range(start + _SHORTEST_RUN, end + 1):
                yield shorter, _RUN
    for size in (2, 3, 4):
        if (end := _again_from(text, start, size)) > start:
            yield end, _AGAIN + log10((end - start) / size) + sum(map(_single, text[start : start + size]))


def _same_from(text: str, start: int) -> int:
    end = start + 1
    while end < len(text) and text[end] == text[start]:
        end += 1
    return end


def _run_from(text: str, start: int) -> int:
    """Where the longest run of keys, figures or letters ends that begins here, forwards or backwards."""
    return max(_run_in(sequence, text, start) for sequence in _runs())


def _run_in(sequence: str, text: str, start: int) -> int:
    end = start + 1
    while end < len(text) and text[start : end + 1] in sequence:
        end += 1
    return end


@cache
def _runs() -> tuple[str, ...]:
    return tuple(run for sequence in _SEQUENCES for run in (sequence, sequence[::-1]))


def _again_from(text: str, start: int, size: int) -> int:
    """Where a piece of ``size`` that is said at least twice from here has been said for the last time; else ``start``."""
    piece, end = text[start : start + size], start + size
    while len(piece) == size and text.startswith(piece, end):
        end += size
    return end if end > start + size else start


def _single(sign: str) -> float:
    kinds: tuple[tuple[Callable[[str], bool], float], ...] = (
        (str.isdigit, _DIGIT),
        (str.isalpha, _LETTER),
        (_USUAL.__contains__, _USUAL_SIGN),
    )
    if not sign.isascii():
        return _OTHER
    return next((cost for fits, cost in kinds if fits(sign)), _SIGN)
