import pytest

from kedang_tenants.imports.csv_source import CsvSource
from kedang_tenants.imports.errors import EmptyFile, FileTooLarge, TooManyColumns, UnknownFormat
from kedang_tenants.imports.source import open_source


def read(tmp_path, text: str | bytes):
    path = tmp_path / "file.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = open_source(path)
    rows = list(source.rows())
    source.close()
    return source, rows


def good(rows):
    return [(row.line, list(row.cells)) for row in rows if row.problem is None]


def bad(rows):
    return [(row.line, row.problem.code) for row in rows if row.problem is not None]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("name,city\nA,B\n", ","),
        ("name;city\nA;B\n", ";"),
        ("name\tcity\nA\tB\n", "\t"),
        ("name|city\nA|B\n", "|"),
        ('"name, full";"city, place"\nA;B\n', ";"),
        ("sep=;\nname;city\nA;B\n", ";"),
    ],
)
def test_the_delimiter_is_found_by_looking(tmp_path, text, delimiter):
    source, rows = read(tmp_path, text)
    assert source.delimiter == delimiter
    assert [cells for _, cells in good(rows)] == [["A", "B"]]


def test_rows_are_told_by_the_line_on_which_they_begin(tmp_path):
    _, rows = read(tmp_path, 'name,note\r\nA,"two\r\nlines"\r\n\r\nB,x\r\n')
    assert good(rows) == [(2, ["A", "two\r\nlines"]), (5, ["B", "x"])]


def test_lines_may_end_in_any_way(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        _, rows = read(tmp_path, end.join(["name,city", "A,B", "C,D"]))
        assert good(rows) == [(2, ["A", "B"]), (3, ["C", "D"])]


@pytest.mark.requirement("A9")
def test_a_broken_row_is_told_and_the_next_one_is_read(tmp_path):
    _, rows = read(tmp_path, 'name,city\nA\nB,x,y\nC,"open\nD,"a"b\nE,z\nF,w,,\n')
    assert bad(rows) == [(2, "BROKEN_ROW"), (3, "BROKEN_ROW"), (4, "BROKEN_ROW"), (5, "BROKEN_ROW")]
    assert good(rows) == [(6, ["E", "z"]), (7, ["F", "w"])]
    assert rows[0].problem.params == {"found": 1, "expected": 2}


@pytest.mark.requirement("A9")
def test_a_quotation_mark_that_is_never_closed_costs_one_row(tmp_path):
    _, rows = read(tmp_path, 'name,city\n"A,x\n' + "".join(f"B{n},y\n" for n in range(2_000)))
    assert bad(rows) == [(2, "BROKEN_ROW")]
    assert good(rows) == [(n + 3, [f"B{n}", "y"]) for n in range(2_000)]


@pytest.mark.requirement("A9")
def test_a_formula_is_told_at_its_cell(tmp_path):
    _, rows = read(tmp_path, 'name,city\n=1+1,x\n"=""007""",y\n+86 21,-5\n@x,z\n')
    assert [{n: fault.code for n, fault in row.faults.items()} for row in rows] == [
        {0: "FORMULA_CELL"},
        {0: "FORMULA_CELL"},
        {},
        {},
    ]


def test_an_apostrophe_that_kept_a_formula_from_running_is_taken_away_again(tmp_path):
    _, rows = read(tmp_path, "name,city\n'=1+1,'+86\n'tis,''=x\n")
    assert good(rows) == [(2, ["=1+1", "+86"]), (3, ["'tis", "'=x"])]


@pytest.mark.requirement("A9")
def test_oversized_text_is_told(tmp_path):
    long, longer, longest = "x" * 32_768, "y" * 200_000, "z" * 3_000_000
    _, rows = read(tmp_path, f"name,city\n{long},a\n{longer},b\n{longest},c\nB,d\n")
    assert {n: fault.code for n, fault in rows[0].faults.items()} == {0: "TOO_LONG"}
    assert [(row.line, row.problem.code) for row in rows[1:3]] == [(3, "TOO_LONG"), (4, "TOO_LONG")]
    assert good(rows[3:]) == [(5, ["B", "d"])]


@pytest.mark.requirement("A9")
def test_a_file_of_100_mb_is_refused_unread(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    with pytest.raises(FileTooLarge) as refused:
        open_source(path)
    assert refused.value.code == "FILE_TOO_LARGE"
    assert str(refused.value) == "The file must be smaller than 100 MB. Please split it."


@pytest.mark.parametrize("text", ["", "\n\n", ",,\n", "  \n"])
def test_a_file_without_a_header_is_refused(tmp_path, text):
    with pytest.raises(EmptyFile):
        read(tmp_path, text)


def test_a_header_that_is_too_wide_is_refused(tmp_path):
    with pytest.raises(TooManyColumns):
        read(tmp_path, ",".join(f"c{n}" for n in range(257)) + "\n")


def test_an_old_or_locked_spreadsheet_is_refused(tmp_path):
    with pytest.raises(UnknownFormat):
        read(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)


def test_columns_without_a_name_of_their_own_get_one(tmp_path):
    source, _ = read(tmp_path, "Name,,Name, Full \t name ,\nA,B,C,D\n")
    assert source.columns == ("Name", "#2", "Name (2)", "Full name")


def test_reading_again_begins_at_the_first_row(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("name\nA\nB\n")
    source = CsvSource.open(path)
    assert next(source.rows()).cells == ["A"]
    assert [row.cells for row in source.rows()] == [["A"], ["B"]]
    source.close()
