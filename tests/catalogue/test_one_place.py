"""A field is said once (design 4)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.requirement("A2", "A6", "A9", "A11", "I1")
def test_a_field_added_in_one_place_is_found_everywhere(servers):
    """In SDL, where, orderBy, create and update, import, export, audit and mask: each a test of the run inside."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "KEDANG_TEST_DATABASE_URL": servers.database_url,
        "KEDANG_TEST_REDIS_URL": servers.redis_url,
    }
    inside = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"),
            *("-p", "tests.catalogue.added_field", "tests/catalogue/with_added_field.py"),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert inside.returncode == 0, inside.stdout + inside.stderr
    assert "5 passed" in inside.stdout
