"""Writes one format of a gathered report, in a process of its own: ``python -m … FOLDER FORMAT``.

The folder holds the document and its rows; the file is put beside them. What the product expects to go
wrong is told on the last line of stdout as JSON, with the exit code 3.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kedang_platform.documents import tell_expected
from kedang_tenants.reports.document import load


def write(folder: Path, file_format: str) -> None:
    """Write ``report.<format>`` into the folder. Raises FontsMissing."""
    document = load(folder)
    target = folder / f"report.{file_format.lower()}"
    # Each format is loaded only where it is written: a chart's engine takes more memory than a workbook.
    match file_format:
        case "XLSX":
            from kedang_tenants.reports.writers import xlsx

            xlsx.write(document, folder, target)
        case "PDF":
            from kedang_tenants.reports.writers import pdf

            pdf.write(document, folder, target)
        case "CSV":
            from kedang_tenants.reports.writers import csv

            csv.write(document, folder, target)
        case _:
            raise ValueError(f"no format: {file_format}")


if __name__ == "__main__":
    with tell_expected():
        write(Path(sys.argv[1]), sys.argv[2])
