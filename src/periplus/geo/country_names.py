"""Which country a text means: a code, or a name in one of the spellings that tables have."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache

from periplus.geo.continents import CONTINENT_OF
from periplus.geo.regions import gazetteer

_ALSO = """
BA Bosnia; BL Saint Barthelemy, St. Barthelemy; BN Brunei; BQ Bonaire, Caribbean Netherlands; BS The Bahamas
CD DR Congo, DRC, Congo Kinshasa, Democratic Republic of the Congo, Congo DRC
CG Congo Brazzaville, Republic of the Congo
CI Ivory Coast; CV Cabo Verde; CZ Czechia; FK Falkland Islands; FM Micronesia; GB UK, Great Britain, England, Scotland
GB Wales, Northern Ireland; GM The Gambia; HK Hong Kong SAR; IR Iran; KN St. Kitts and Nevis
KP North Korea; KR South Korea, Korea; LA Laos; LC St. Lucia; LY Libya; MD Moldova; MF St. Martin; MK North Macedonia
MM Burma; MO Macau; NL The Netherlands, Holland; PS Palestine, West Bank, Gaza Strip, Gaza, State of Palestine
RU Russia; SH St. Helena; SJ Svalbard; ST Sao Tome; SX Saint Martin Dutch part; SY Syria; SZ Eswatini; TL East Timor
TR Turkiye; TW Taiwan Province of China; TZ Tanzania; US USA, United States of America, America
VA Vatican, Vatican City, Holy See; VC St. Vincent and the Grenadines; VG British Virgin Islands
VI US Virgin Islands, U.S. Virgin Islands, Virgin Islands; VN Viet Nam; AX Aland; RE La Reunion
TF French Southern Lands
"""


def plain_name(name: str) -> str:
    """A name without accents, case, spaces and signs: ``"Côte d'Ivoire"`` and ``"COTE DIVOIRE"`` are one."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in parts if letter.isalnum())


def country_code(text: str) -> str | None:
    """ISO 3166-1 alpha-2 of a country given by its code or by an English name; None where it is not known.

    ``"NA"`` is Namibia.
    """
    if (code := text.strip().upper()) in CONTINENT_OF:
        return code
    names = _names()
    for name in (text, text.partition("(")[0], text.strip().removeprefix("The ")):
        if (code := names.get(plain_name(name), "")) in CONTINENT_OF:
            return code
    return None


@cache
def _names() -> Mapping[str, str]:
    entries = [entry.strip() for line in _ALSO.splitlines() for entry in line.split(";")]
    also = ((name, entry[:2]) for entry in entries for name in entry[3:].split(", "))
    known: Iterable[tuple[str, str]] = ((name, code) for code, name in gazetteer().countries.items())
    return {plain_name(name): code for name, code in (*also, *known) if name}
