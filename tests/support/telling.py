"""What a test tells whoever reads its output."""

import sys


def say(text: str) -> None:
    """Shown by pytest with a failing test, and with ``-s`` or ``-rP`` always."""
    sys.stdout.write(f"{text}\n")
