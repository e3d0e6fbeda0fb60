"""Morocco's places: the tables add up, and a citizen's way of writing a name is understood or offered back."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locales.naming import half_candidates, halves, key, mistyped
from locales.ordinary import is_ordinary
from locales.places import DATA, Gazetteer, Place, PlaceLevel, load

MOROCCO = load()
LETTERS = "abcdeالفب"


def found(text: str, level: PlaceLevel = "commune", within: str = "") -> list[str]:
    return [place.name("fr") for place in MOROCCO.find(text, level, within)]


def town(code: str, fr: str, ar: str = "-", population: int = 1) -> Place:
    return Place(code, "commune", {"fr": fr, "ar": ar}, code[:6], population)


# the tables ---------------------------------------------------------------------------------------------------
def test_the_kingdom_has_twelve_regions_seventy_five_provinces_and_1503_communes() -> None:
    regions = MOROCCO.children("")
    provinces = [place for region in regions for place in MOROCCO.children(region.code)]
    communes = [place for province in provinces for place in MOROCCO.children(province.code)]
    assert [place.code for place in regions] == [f"{number:02d}" for number in range(1, 13)]
    assert [len(provinces), len(communes)] == [75, 1503]
    assert {place.level for place in regions} == {"region"}
    assert {(place.level, place.kind) for place in provinces} == {("province", "province"), ("province", "prefecture")}
    assert {(place.level, place.kind) for place in communes} == {("commune", "urban"), ("commune", "rural")}


def test_the_people_of_each_place_add_up() -> None:
    for region in MOROCCO.children(""):
        provinces = MOROCCO.children(region.code)
        assert region.population == sum(place.population for place in provinces)
        for province in provinces:
            assert province.population == sum(place.population for place in MOROCCO.children(province.code))
    assert sum(region.population for region in MOROCCO.children("")) == 36_828_330


def test_children_are_in_code_order_and_know_their_parent() -> None:
    for region in MOROCCO.children(""):
        codes = [place.code for place in MOROCCO.children(region.code)]
        assert codes == sorted(codes)
        assert all(place.parent == region.code for place in MOROCCO.children(region.code))
    assert MOROCCO.children("02.411.01.01") == MOROCCO.children("nowhere") == ()


def test_a_place_has_a_name_in_every_language() -> None:
    nador = MOROCCO.find("Nador", "province")[0]
    assert [nador.name(tag) for tag in ("fr", "ar", "zgh-Latn", "zgh")] == ["Nador", "الناضور", "Nador", "الناضور"]
    for region in MOROCCO.children(""):
        assert set(region.names) == {"fr", "ar"}, "no Amazigh name has been checked yet"


def test_no_name_holds_a_mark_that_is_read_aloud_as_another() -> None:
    kasba = MOROCCO.get("07.351.01.01")
    assert kasba is not None
    assert "\u2013" not in kasba.name("ar")


# understanding ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("level", ["region", "province", "commune"])
def test_every_place_is_found_by_its_names_and_its_code(level: PlaceLevel) -> None:
    places = {"region": MOROCCO.children("")}
    places["province"] = [child for place in places["region"] for child in MOROCCO.children(place.code)]
    places["commune"] = [child for place in places["province"] for child in MOROCCO.children(place.code)]
    for place in places[level]:
        for name in place.names.values():
            assert place in MOROCCO.find(name, level)
            assert place in MOROCCO.find(f"  {name.upper()} ! ", level)
        assert MOROCCO.find(place.code, level) == [place]
        assert MOROCCO.find(place.code.replace(".", ""), level) == [place]


@pytest.mark.parametrize(
    ("text", "commune"),
    [
        ("al hoceima", "Al Hoceima"),
        ("El-Hoceima", "Al Hoceima"),
        ("hoceima", "Al Hoceima"),
        ("الحسيمه", "Al Hoceima"),
        ("حسيمة", "Al Hoceima"),
        ("beni mellal", "Béni Mellal"),
        ("Beni-Mellal", "Béni Mellal"),
        ("BENIMELLAL", "Béni Mellal"),
        ("fes", "Fès"),
        ("Fés", "Fès"),
        ("mdiq", "M'diq"),
        ("M’diq", "M'diq"),
        ("m diq", "M'diq"),
        ("ⴰⴳⴰⴷⵉⵔ", "Agadir"),
        ("ⵜⵉⵣⵏⵉⵜ", "Tiznit"),
        ("ⵡⴰⵔⵣⴰⵣⴰⵜ", "Ouarzazate"),
        ("warzazat", "Ouarzazate"),
        ("ouarzazat", "Ouarzazate"),
        ("Agadirr", "Agadir"),
        ("Casabl", "Casablanca"),
        ("commune de Taza", "Taza"),
        ("commune urbaine d'Agadir", "Agadir"),
        ("ville de Taza", "Taza"),
        ("جماعة تازة", "Taza"),
        ("الجماعة الحضرية تازة", "Taza"),
    ],
)
def test_one_commune_is_meant(text: str, commune: str) -> None:
    assert found(text) == [commune]


@pytest.mark.parametrize(
    ("text", "level", "name"),
    [
        ("l'Oriental", "region", "Oriental"),
        ("جهة الشرق", "region", "Oriental"),
        ("région de l'Oriental", "region", "Oriental"),
        ("Fes Meknes", "region", "Fès-Meknès"),
        ("02", "region", "Oriental"),
        ("٠٢", "region", "Oriental"),
        ("02.381", "province", "Nador"),
        ("02 381", "province", "Nador"),
        ("préfecture d'Oujda-Angad", "province", "Oujda-Angad"),
        ("oujda", "province", "Oujda-Angad"),
        ("إقليم الناضور", "province", "Nador"),
    ],
)
def test_one_region_or_province_is_meant(text: str, level: PlaceLevel, name: str) -> None:
    assert found(text, level) == [name]


NOT_A_COMMUNE = ["", " ", "?", "non", "1", "2", "02", "02.381", "99.999.99.99", "xyzxyz", "ta", "فا", "al", "x" * 5000]
ANOTHER_LEVEL = ["province de Nador", "إقليم الناضور", "région Oriental"]
NO_NAME = ["commune", "commune de", "de", "Agadirrr", "je ne sais pas"]


@pytest.mark.parametrize("text", [*NOT_A_COMMUNE, *ANOTHER_LEVEL, *NO_NAME])
def test_no_commune_is_guessed(text: str) -> None:
    assert found(text) == []


def test_a_name_counts_as_written_before_its_article_is_left_out() -> None:
    places = Gazetteer(
        lambda: [town("01.001.01", "Ksar"), town("01.001.02", "El Ksar"), town("01.001.03", "La Source")]
    )
    assert [place.code for place in places.find("El Ksar", "commune")] == ["01.001.02"]
    assert [place.code for place in places.find("Ksar", "commune")] == ["01.001.01"]
    assert [place.code for place in places.find("Al Ksar", "commune")] == ["01.001.01", "01.001.02"]
    assert [place.code for place in places.find("source", "commune")] == ["01.001.03"]


def test_several_places_of_one_name_are_all_offered_the_most_populous_first() -> None:
    ouled = MOROCCO.find("Ouled M'hamed", "commune")
    assert {place.parent for place in ouled} == {"02.533", "06.461"}
    assert [place.population for place in ouled] == sorted((place.population for place in ouled), reverse=True)
    sidi = MOROCCO.find("Sidi", "commune")
    assert len(sidi) > 100
    assert len({place.code for place in sidi}) == len(sidi)


def test_an_exact_name_wins_over_being_the_beginning_of_another() -> None:
    assert found("Taza") == ["Taza"]
    assert found("Salé", "province") == ["Salé"]
    assert len(found("taz")) > 1


def test_a_search_can_be_kept_to_a_region_or_province() -> None:
    assert {place.code for place in MOROCCO.find("Ouled M'hamed", "commune", "02")} == {"02.533.03.15"}
    assert {place.code for place in MOROCCO.find("Ouled M'hamed", "commune", "06.461")} == {"06.461.11.23"}
    assert found("Nador", within="06") == found("Nador", within="0") == []
    assert found("Nador", within="02") == ["Nador"]


def test_a_name_that_is_a_province_and_a_commune_is_found_at_the_level_asked() -> None:
    assert {place.level for place in MOROCCO.find("Nador", "province")} == {"province"}
    assert {place.level for place in MOROCCO.find("Nador", "commune")} == {"commune"}


@settings(deadline=None)
@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    assert all(place.level == "commune" for place in MOROCCO.find(text, "commune"))


# one typing error ---------------------------------------------------------------------------------------------
def edits(word: str) -> set[str]:
    """Return everything one letter away, worked out the long way."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    lost = {a + b[1:] for a, b in cuts if b}
    replaced = {a + letter + b[1:] for a, b in cuts if b for letter in LETTERS}
    return lost | replaced | {a + letter + b for a, b in cuts for letter in LETTERS}


@given(st.text(LETTERS, min_size=1, max_size=7), st.text(LETTERS, max_size=8))
def test_one_letter_added_lost_or_replaced_is_one_typing_error(word: str, other: str) -> None:
    assert mistyped(word, other) == (other in edits(word))
    assert mistyped(word, other) == mistyped(other, word)


@given(st.text(LETTERS, min_size=4, max_size=9), st.data())
def test_a_typing_error_leaves_one_half_of_the_name(word: str, data: st.DataObject) -> None:
    typed = data.draw(st.sampled_from(sorted(edits(word))))
    assert set(half_candidates(typed)) & set(halves(word))


PROVINCES = [place for region in MOROCCO.children("") for place in MOROCCO.children(region.code)]


@settings(deadline=None)  # the first example reads the tables
@given(st.sampled_from(PROVINCES), st.data())
def test_a_mistyped_province_is_understood_or_was_the_beginning_of_another(place: Place, data: st.DataObject) -> None:
    name = key(place.name(data.draw(st.sampled_from(["fr", "ar"])))).whole
    at = data.draw(st.integers(0, len(name) - 1))
    typed = name[:at] + data.draw(st.sampled_from(["", "z" + name[at], "z"])) + name[at + 1 :]
    offered = MOROCCO.find(typed, "province")
    names = [written for one in offered for form in map(key, one.names.values()) for written in (form.whole, form.bare)]
    elsewhere = [one for level in ("region", "commune") for one in MOROCCO.find(typed, level)]
    named = typed in [key(written).whole for one in elsewhere for written in one.names.values()]
    begun = any(written.startswith(typed) for written in names)
    assert len(name) < 4 or place in offered or begun or named or is_ordinary(typed)


@pytest.mark.parametrize(
    ("typed", "level", "offered"),
    [
        ("Ifni", "commune", {"Tifni", "Sidi Ifni"}),  # a word of another name is no slip
        ("Témara", "province", {"Es-Semara", "Skhirate-Témara"}),
        ("Tanger", "province", {"Tanger-Assilah"}),  # a town opens the name of its province
        ("بركين", "province", set()),  # a commune is asked for as such
        ("manger", "commune", set()),  # an ordinary word is no slip of Tanger
        ("شكرا", "commune", set()),
        ("tanger", "commune", {"Tanger"}),
        ("Tangir", "commune", {"Tanger"}),
        ("صباح", "commune", {"Sabbah"}),  # an ordinary word that is a name
    ],
)
def test_near_misses_of_a_name_are_told_from_slips(typed: str, level: PlaceLevel, offered: set[str]) -> None:
    assert {place.names["fr"] for place in MOROCCO.find(typed, level)} == offered


# memory and speed ---------------------------------------------------------------------------------------------
def test_nothing_is_read_before_the_first_question(tmp_path: Path) -> None:
    places = load(tmp_path)
    with pytest.raises(FileNotFoundError):
        places.get("02")


def test_the_tables_are_read_once() -> None:
    calls: list[int] = []

    def rows() -> list[Place]:
        calls.append(1)
        return [town("01.001.01", "Ksar")]

    places = Gazetteer(rows)
    assert not calls
    for _ in range(3):
        places.get("01")
        places.children("")
        places.find("ksar", "commune")
    assert len(calls) == 1


def test_the_tables_are_credited() -> None:
    credit = (DATA / "README.md").read_text(encoding="utf-8")
    assert "Haut-Commissariat au Plan" in credit
    assert "CC BY 4.0" in credit
    for table in DATA.glob("*.csv"):
        assert table.name in credit
