"""The order of stops: exact on lines and circles, no worse than the nearest neighbours' way, whatever order they come in."""

from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_tenants.classing.ordering import Place, Stop, distance_km, length_km, ordered

pytestmark = pytest.mark.requirement("G5")
# Decorations of Shanghai: what a driver of 浦东 passes from west to east, and then south.
BUND, TOWER, PARK, EXPO = (31.2400, 121.4900), (31.2397, 121.4998), (31.2158, 121.5500), (31.1845, 121.4890)


def stop(number, place=None, postal_code="", address="", town=""):
    return Stop(UUID(int=number), None if place is None else Place(*place), postal_code, address, town)


def numbers(stops):
    return [one.id.int for one in stops]


def test_a_great_circle_is_as_long_as_it_is():
    paris, london = Place(48.8566, 2.3522), Place(51.5074, -0.1278)
    assert distance_km(paris, london) == pytest.approx(343.56, abs=0.05)
    assert distance_km(Place(0, 179.5), Place(0, -179.5)) == pytest.approx(111.195, abs=0.01)
    assert distance_km(Place(90, 0), Place(90, 77)) == pytest.approx(0, abs=1e-9)
    assert distance_km(Place(-90, 0), Place(90, 0)) == pytest.approx(20015.115, abs=0.01)


def test_a_route_goes_from_its_start_along_the_line():
    stops = [stop(n, (30.0, 120.0 + n / 10)) for n in (5, 1, 4, 2, 3)]
    found = ordered(stops, start=Place(30.0, 120.0))
    assert numbers(found) == [1, 2, 3, 4, 5]
    assert length_km(found, start=Place(30.0, 120.0)) == pytest.approx(48.15, abs=0.05)


def test_without_a_start_a_route_begins_at_an_end():
    found = ordered([stop(n, (30.0, 120.0 + n / 10)) for n in (3, 1, 5, 2, 4)])
    assert numbers(found) in ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1])


def test_a_crossing_of_the_nearest_neighbours_is_undone():
    # From the start the nearest one lies east, and going west at last would cross what was driven before.
    start, lean = Place(30.0, 120.0), [(30.0, 120.02), (30.0, 119.97), (30.0, 120.06), (30.0, 119.90)]
    stops = [stop(n, place) for n, place in enumerate(lean, start=1)]
    found = ordered(stops, start=start)
    best = min(permutations(stops), key=lambda way: length_km(way, start=start))
    assert length_km(found, start=start) == pytest.approx(length_km(best, start=start))


def test_what_has_no_place_stands_by_postal_code_and_address():
    stops = [
        stop(1, None, "200120", "世纪大道 9"),
        stop(2, TOWER, "200120"),
        stop(3, None, "200120", "世纪大道 100"),
        stop(4, BUND, "200002"),
        stop(5, None, "", "人民路 1"),
        stop(6, None, "999999", "b"),
        stop(7, None, "999999", "a"),
        stop(8, EXPO),
    ]
    found = numbers(ordered(stops, start=Place(*BUND)))
    assert found == [4, 2, 1, 3, 8, 7, 6, 5]


def test_towns_stay_together_where_postal_codes_are_missing():
    stops = [
        stop(1, None, "", "Hauptstraße 12", "de berlin"),
        stop(2, None, "", "Hauptstraße 3", "de aachen"),
        stop(3, None, "10785", "Zoo 1", "de berlin"),
        stop(4, None, "", "Hauptstraße 9", "de berlin"),
        stop(5, None, "52062", "Markt 2", "de aachen"),
        stop(6, None, "", "Am Deich 1"),
        stop(7, None, "", "Ring 4", "de xanten"),
    ]
    assert numbers(ordered(stops)) == [4, 1, 3, 2, 5, 7, 6]
    shanghai = [stop(8, BUND, "200002", town="cn 上海"), stop(9, PARK, "201203", town="cn 上海")]
    found = ordered([stop(10, None, "", "1", "cn 上海"), *shanghai, stop(11, TOWER)], start=Place(*EXPO))
    assert numbers(found)[numbers(found).index(8) + 1] == 10
    assert found[numbers(found).index(10)].postal_code == ""


def test_nothing_and_one_are_routes_too():
    assert ordered([]) == ()
    assert numbers(ordered([stop(1, PARK)])) == [1]
    assert numbers(ordered([stop(1)], start=Place(*PARK))) == [1]
    assert length_km([], start=Place(*PARK)) == 0


PLACES = st.tuples(
    st.integers(-890_000, 890_000).map(lambda n: n / 10_000),
    st.integers(-1_790_000, 1_790_000).map(lambda n: n / 10_000),
)
STOPS = st.lists(
    st.tuples(st.none() | PLACES, st.sampled_from(["", "10115", "200120"]), st.sampled_from(["", "a", "b"])),
    max_size=12,
).map(lambda rows: [stop(n, *row) for n, row in enumerate(rows, start=1)])


@given(stops=STOPS, start=st.none() | PLACES, data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_order_is_one_of_all_stops_and_knows_nothing_of_how_they_came(stops, start, data):
    begin = None if start is None else Place(*start)
    found = ordered(stops, start=begin)
    assert sorted(numbers(found)) == sorted(numbers(stops))
    assert ordered(data.draw(st.permutations(stops)), start=begin) == found


@given(stops=STOPS, start=PLACES)
@settings(max_examples=40, deadline=None)
def test_the_way_is_no_longer_than_the_nearest_neighbours(stops, start):
    begin, here, left = Place(*start), Place(*start), [one for one in stops if one.place is not None]
    naive = []
    while left:
        nearest = min(left, key=lambda one: distance_km(here, one.place))
        left.remove(nearest)
        naive.append(nearest)
        here = nearest.place
    assert length_km(ordered(stops, start=begin), start=begin) <= length_km(naive, start=begin) + 1e-6
