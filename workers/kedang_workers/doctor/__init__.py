"""``kedang doctor``: what is wrong with an installation, each thing with a code and what to do."""

from kedang_workers.doctor.examining import Examination, examine
from kedang_workers.doctor.findings import Finding

__all__ = ["Examination", "Finding", "examine"]
