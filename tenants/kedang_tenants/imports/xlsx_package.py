"""The parts of an XLSX file beside its rows: which sheet, which strings, which styles are dates (ECMA-376)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from posixpath import join, normpath
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from kedang_tenants.imports.errors import MAX_CELL_CHARACTERS, file_too_large, unknown_format

_BLOCK = 1 << 18
_LONGEST_TAG = 1 << 20
_DAMAGE = (
    BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
MAX_SHEET_BYTES = 1_000_000_000
"""Of the rows, unpacked; they are read as a stream."""
MAX_PART_BYTES = 64_000_000
"""Of the strings and of each other part, unpacked; they are kept while the rows are read."""
_DATE_FORMATS = frozenset({14, 15, 16, 17, 22, *range(27, 37), *range(50, 59)})
"""Built-in number formats that show a day, with those of Chinese and Japanese editions (18.8.30)."""
_NOT_LETTERS = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')

Handler = Callable[[str, dict[str, str]], None]


@dataclass(frozen=True, slots=True)
class Workbook:
    """What is needed to understand the rows of the first visible sheet."""

    sheet: ZipInfo
    strings: list[str]
    date_styles: frozenset[int]
    since_1904: bool


def open_workbook(archive: ZipFile) -> Workbook:
    """Raises UnknownFormat for what is no workbook, FileTooLarge for one that unpacks beyond the limits."""
    sheet_id, since_1904 = _first_visible_sheet(archive)
    path = _targets(archive).get(sheet_id)
    if path is None:
        raise unknown_format()
    sheet = _part(archive, path, MAX_SHEET_BYTES)
    if sheet is None:
        raise unknown_format()
    return Workbook(sheet, _shared_strings(archive), _date_styles(archive), since_1904)


def parse(archive: ZipFile, part: ZipInfo, parser: expat.XMLParserType) -> Iterator[None]:
    """Feed a part to ``parser`` block by block; raises UnknownFormat when it is damaged.

    A document type is refused: no workbook has one, and entities could grow without end. So is a tag
    that does not end, which the parser would have to keep.
    """
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.buffer_text = True
    fed = 0
    try:
        with archive.open(part) as stream:
            while block := stream.read(_BLOCK):
                parser.Parse(block, False)
                fed += len(block)
                if fed - parser.CurrentByteIndex > _LONGEST_TAG:
                    raise unknown_format()
                yield
            parser.Parse(b"", True)
            yield
    except _DAMAGE:
        raise unknown_format() from None


def local_name(name: str) -> str:
    """The name of an element without its namespace prefix."""
    return name.rpartition(":")[2]


def _refuse_doctype(*_: object) -> None:
    raise unknown_format()


def _read(archive: ZipFile, path: str, start: Handler) -> None:
    part = _part(archive, path, MAX_PART_BYTES)
    if part is None:
        return
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, given: start(local_name(name), given)
    for _ in parse(archive, part, parser):
        pass


def _part(archive: ZipFile, path: str, limit: int) -> ZipInfo | None:
    try:
        info = archive.getinfo(path)
    except KeyError:
        return None
    if info.file_size > limit:
        raise file_too_large()
    return info


def _first_visible_sheet(archive: ZipFile) -> tuple[str, bool]:
    sheets: list[tuple[bool, str]] = []
    dates: list[bool] = []

    def start(name: str, given: dict[str, str]) -> None:
        if name == "sheet":
            relation = next((value for key, value in given.items() if local_name(key) == "id"), "")
            sheets.append((given.get("state", "visible") == "visible", relation))
        elif name == "workbookPr":
            dates.append(given.get("date1904", "0") in ("1", "true"))

    _read(archive, "xl/workbook.xml", start)
    if not sheets:
        raise unknown_format()
    visible = [relation for shown, relation in sheets if shown]
    return (visible or [sheets[0][1]])[0], any(dates)


def _targets(archive: ZipFile) -> dict[str, str]:
    targets: dict[str, str] = {}

    def start(name: str, given: dict[str, str]) -> None:
        if name == "Relationship":
            target = given.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
            targets[given.get("Id", "")] = path

    _read(archive, "xl/_rels/workbook.xml.rels", start)
    return targets


def _date_styles(archive: ZipFile) -> frozenset[int]:
    formats: dict[int, str] = {}
    styles: list[int] = []
    inside = [False]

    def start(name: str, given: dict[str, str]) -> None:
        if name == "numFmt":
            formats[int(given.get("numFmtId", "0"))] = given.get("formatCode", "")
        elif name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            inside[0] = name == "cellXfs"
        elif name == "xf" and inside[0]:
            styles.append(int(given.get("numFmtId", "0")))

    _read(archive, "xl/styles.xml", start)
    return frozenset(i for i, number in enumerate(styles) if _shows_day(number, formats))


def _shows_day(number: int, formats: dict[int, str]) -> bool:
    code = formats.get(number)
    if code is None:
        return number in _DATE_FORMATS
    letters = _NOT_LETTERS.sub("", code.split(";")[0]).lower()
    return "y" in letters or "d" in letters


def _shared_strings(archive: ZipFile) -> list[str]:
    part = _part(archive, "xl/sharedStrings.xml", MAX_PART_BYTES)
    if part is None:
        return []
    strings: list[str] = []
    collector = TextCollector()
    parser = expat.ParserCreate()

    def end(name: str) -> None:
        if local_name(name) == "si":
            strings.append(collector.take())
        else:
            collector.end(local_name(name))

    parser.StartElementHandler = lambda name, _: collector.start(local_name(name))
    parser.EndElementHandler = end
    parser.CharacterDataHandler = collector.text
    for _ in parse(archive, part, parser):
        pass
    return strings


class TextCollector:
    """The text of a string item: its ``t`` elements, without phonetic hints (18.4.6).

    Of more than a cell can hold only the beginning is kept.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._inside = False
        self._phonetic = False

    def start(self, name: str) -> None:
        if name == "rPh":
            self._phonetic = True
        self._inside = name == "t" and not self._phonetic

    def end(self, name: str) -> None:
        if name == "rPh":
            self._phonetic = False
        self._inside = False

    def text(self, data: str) -> None:
        if self._inside and self._length <= MAX_CELL_CHARACTERS:
            self._parts.append(data)
            self._length += len(data)

    def take(self) -> str:
        text = "".join(self._parts)
        self._parts.clear()
        self._length = 0
        return text
