"""What is written for operators says what the code says."""

import re
import tomllib

from kedang_platform.settings import Settings
from tests.house.test_layout import ROOT
from tests.support import sdl, settings_table


def test_the_table_of_settings_is_current():
    assert settings_table.DOCUMENT.read_text(encoding="utf-8") == settings_table.document(), (
        "run `make requirements`"
    )


def test_the_printed_api_is_current():
    assert sdl.DOCUMENT.read_text(encoding="utf-8") == sdl.document(), (
        "the API has changed: run `make requirements` and read the difference as one that integrators will meet"
    )


def test_every_setting_that_a_document_names_exists():
    known = {f"KEDANG_{name.upper()}" for name in Settings.model_fields}
    known |= {
        "KEDANG_VERSION",
        "KEDANG_TEST_DATABASE_URL",
        "KEDANG_TEST_REDIS_URL",
    }  # of compose, of the tests
    for name in ("README.md", "Dockerfile", "compose.yaml", "docs/adr/0001-embedded-servers.md"):
        named = set(re.findall(r"KEDANG_[A-Z_]+", (ROOT / name).read_text(encoding="utf-8")))
        assert named - known == set(), name


def test_every_make_target_that_the_readme_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"up", "down", "test"} <= named <= targets


def test_the_image_installs_a_part_of_the_lock_and_nothing_else():
    full, run = _pins("requirements.lock"), _pins("requirements-run.lock")
    assert run.items() <= full.items()
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {re.split(r"[\[<>=~!]", line)[0].lower() for line in wanted}
    assert names <= run.keys()


def test_locks_name_no_place_to_download_from():
    for name in ("requirements.lock", "requirements-run.lock", "tests/clients/requirements.lock"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name
    for name in ("web/package-lock.json", "tests/clients/package-lock.json"):
        assert '"resolved"' not in (ROOT / name).read_text(encoding="utf-8"), name


def _pins(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)(==\S+)", text, re.MULTILINE))
