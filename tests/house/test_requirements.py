"""docs/requirements.md says what the markers of the tests say."""

import pytest

from tests.support.requirements import DOCUMENT, UnknownRequirement, catalogue, document


def test_the_document_is_current():
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `make requirements`"


def test_markers_of_function_class_and_module_are_found(tmp_path):
    _write(
        tmp_path,
        'pytestmark = [pytest.mark.requirement("T1")]\n'
        '@pytest.mark.requirement("T3", "A9")\ndef test_one(): ...\n'
        '@pytest.mark.requirement("G1")\nclass TestTwo:\n    async def test_in_class(self): ...\n',
    )
    text = document(tmp_path / "tests")
    assert "## T3 Two seats free for ever" in text
    assert text.count("- `tests/test_it.py::test_one`\n") == 3
    assert text.count("- `tests/test_it.py::TestTwo::test_in_class`\n") == 2
    assert f"4 of {len(catalogue())} requirements" in text
    assert "- G2 " in text.split("## Not yet named by a test")[1]


def test_an_unknown_requirement_is_refused(tmp_path):
    _write(tmp_path, '@pytest.mark.requirement("T99")\ndef test_one(): ...\n')
    with pytest.raises(UnknownRequirement, match="test_one names T99"):
        document(tmp_path / "tests")


def _write(folder, text):
    (folder / "tests").mkdir()
    (folder / "tests" / "test_it.py").write_text(text)
