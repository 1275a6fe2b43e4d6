"""Sets one paper as PDF, in a process of its own: ``python -m … FOLDER TEMPLATE``.

The folder holds its texts as ``texts.json``; ``paper.pdf`` is put beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from kedang_platform.documents.typesetting import tell_expected, typeset

if __name__ == "__main__":
    with tell_expected():
        place = Path(sys.argv[1])
        texts = orjson.loads((place / "texts.json").read_bytes())
        (made,) = typeset(Path(sys.argv[2]), place, texts, file_format="pdf")
        (place / "paper.pdf").write_bytes(made)
