"""The pages of the guide as what is in them to be executed: fenced blocks, and notes that a reader does not see.

A block's first word is its language, the rest of that line says what it is for (``json answer``). A
note is a comment of one line, ``<!-- as: representative -->``.
"""

import re
from dataclasses import dataclass
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "api"
CHINESE = GUIDE / "zh-CN"
_PART = re.compile(
    r"^(?:<!-- (?P<note>[a-z]+)(?:: (?P<said>[^\n]*?))? -->|```(?P<kind>[^\n]+)\n(?P<text>.*?)^```)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Part:
    """A block (``kind`` such as "json answer") or a note (``kind`` such as "as:")."""

    kind: str
    text: str
    line: int
    start: int
    end: int

    @property
    def same(self) -> tuple[str, str]:
        """What must be equal in both languages."""
        return self.kind, self.text


def parts(page: str) -> list[Part]:
    found = []
    for match in _PART.finditer(page):
        line = page.count("\n", 0, match.start()) + 1
        if match["note"]:
            found.append(Part(f"{match['note']}:", match["said"] or "", line, *match.span()))
        else:
            found.append(Part(match["kind"], match["text"], line, *match.span("text")))
    return found


def pages(folder: Path = GUIDE) -> list[Path]:
    return sorted(folder.glob("*.md"))
