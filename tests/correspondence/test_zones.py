"""Where somebody lives, as far as their customer tells it (T9)."""

import pytest

from kedang_tenants.correspondence.zones import zone_of


@pytest.mark.requirement("T9")
@pytest.mark.parametrize(
    ("country", "region", "zone"),
    [
        ("CN", None, "Asia/Shanghai"),
        ("CN", "新疆", "Asia/Shanghai"),
        ("DE", "Bayern", "Europe/Berlin"),
        ("US", None, "America/New_York"),
        ("US", "CA", "America/Los_Angeles"),
        ("US", "us-ca", "America/Los_Angeles"),
        ("US", " California ", "America/Los_Angeles"),
        ("CA", "British Columbia", "America/Vancouver"),
        ("CA", "CA", "America/Toronto"),
        ("JP", "Kanagawa", "Asia/Tokyo"),
        ("XX", None, "Asia/Singapore"),
        (None, "CA", "Asia/Singapore"),
    ],
)
def test_the_zone_follows_from_country_and_region_or_is_the_company_s(country, region, zone):
    assert zone_of(country, region, otherwise="Asia/Singapore") == zone
