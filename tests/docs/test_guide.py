"""The guide for integrators does what it says: every page is executed, top to bottom."""

import re

import pytest

from tests.docs.pages import CHINESE, GUIDE, pages, parts
from tests.docs.scenario import FILLING, Scenario

NAMES = [page.stem for page in pages()]


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("name", NAMES)
async def test_every_example_is_answered_as_shown(northwind, tmp_path, name):
    page = GUIDE / f"{name}.md"
    folder = tmp_path / "work"
    folder.mkdir()
    scenario = Scenario(northwind, folder, page.read_text())
    try:
        await scenario.play()
    finally:
        if FILLING:
            page.write_text(scenario.filled())


@pytest.mark.parametrize("name", [page.stem for page in pages(CHINESE)])
def test_examples_are_the_same_in_both_languages(name):
    chinese, english = (parts((folder / f"{name}.md").read_text()) for folder in (CHINESE, GUIDE))
    assert [part.same for part in chinese] == [part.same for part in english]


def test_every_page_is_there_in_both_languages():
    assert {page.name for page in pages(CHINESE)} == {page.name for page in pages()} - {"changelog.md"}


@pytest.mark.parametrize("folder", [GUIDE, CHINESE], ids=["en", "zh-CN"])
def test_links_of_the_guide_lead_somewhere(folder):
    for page in pages(folder):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            name, _, place = target.partition("#")
            if "://" in target:
                continue
            found = (folder / name).resolve() if name else page
            assert found.exists(), f"{page.name}: {target}"
            headings = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            assert not place or place in {heading.lower().replace(" ", "-") for heading in headings}, target
