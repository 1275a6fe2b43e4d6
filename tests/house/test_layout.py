"""The five import roots stay what they are."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("root", ["platform", "tenants", "graphql", "workers", "migrations"])
def test_an_import_root_holds_one_package_and_is_none_itself(root):
    folder = ROOT / root
    # With an __init__.py, `import platform` and `import graphql` would find our folder first.
    assert not (folder / "__init__.py").exists()
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert packages == {f"kedang_{root}"}
    assert (folder / f"kedang_{root}" / "py.typed").exists()


def test_the_interpreter_keeps_its_own_platform_and_graphql():
    import platform

    import graphql

    for module in (graphql, platform):
        assert not Path(module.__file__).is_relative_to(ROOT / module.__name__)
    assert "kedang_platform" in sys.modules


def test_every_folder_of_tests_is_a_package():
    ours = (path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts)
    folders = {path.parent for path in ours}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []
