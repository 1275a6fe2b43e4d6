import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_tenants.imports.neutral import as_read, as_written, is_formula


@pytest.mark.parametrize("cell", ["=1+1", "+86 21", "-x", "@x", "\tx", "\rx", "=HYPERLINK(1)", "-1+2", "'=1"])
def test_what_a_spreadsheet_would_run_is_written_with_an_apostrophe(cell):
    assert as_written(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "x", "-12.5", "-3", "12", "1+1", "O'Hara", "'tis", "公司"])
def test_the_rest_is_written_as_it_is(cell):
    assert as_written(cell) == cell


@given(st.text())
def test_reading_takes_away_exactly_what_writing_put_there(cell):
    assert as_read(as_written(cell)) == cell
    assert not is_formula(as_written(cell))
