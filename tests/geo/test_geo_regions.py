from __future__ import annotations

import numpy as np
import pytest

from periplus.errors import UsageError
from periplus.geo import PlaceName, describe, places_of


def test_known_places() -> None:
    sf, wellington, lagos = places_of([37.7793, -41.2866, 6.4541], [-122.4193, 174.7756, 3.3947])
    assert (sf.city, sf.region, sf.country, sf.country_code) == (
        "San Francisco",
        "California",
        "United States",
        "US",
    )
    assert (wellington.country_code, lagos.country_code) == ("NZ", "NG")
    assert sf.distance_km < 5


def test_near_is_near_on_the_sphere() -> None:
    # Egvekinot lies at 179.12 W: across the date line, where a search in degrees finds a town 370 km to the south.
    (chukotka,) = places_of([66.4], [179.9])
    assert chukotka.city == "Egvekinot"
    assert chukotka.distance_km == pytest.approx(44.6, abs=0.5)
    (north,) = places_of([89.9], [-170.0])
    assert north.region == "Svalbard"


def test_in_words() -> None:
    assert describe(PlaceName("San Francisco", "California", "United States", "US")) == (
        "San Francisco, California, United States"
    )
    assert describe(PlaceName("Singapore", "", "Singapore", "SG", 3.0)) == "Singapore"
    assert describe(PlaceName("Hilo", "Hawaii", "United States", "US", 1517.2)) == (
        "Hilo, Hawaii, United States (1,517 km away)"
    )


def test_no_positions_and_no_position() -> None:
    assert places_of([], []) == []
    with pytest.raises(UsageError, match="Place 1 has no position"):
        places_of([0, np.nan], [0, 0])
