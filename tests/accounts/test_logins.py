"""The normal form of logins: one for all spellings, stable, and the same as the database takes for normal."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from server.accounts.errors import LoginUnusable
from server.accounts.logins import normal_form, require_unlike_others
from server.config import sqlalchemy_url


@pytest.mark.parametrize(
    "typed",
    ["anna", "anna ", " Anna", "ANNA", "ａｎｎａ", "\u3000anna\t"],  # letters of full width are meant
)
def test_what_a_person_takes_for_the_same_is_the_same(typed):
    assert normal_form(typed) == "anna"


def test_composed_or_not_is_the_same():
    assert normal_form("Jos\u00e9") == normal_form("jose\u0301") == "jos\u00e9"


@pytest.mark.parametrize("login", ["张伟", "worker0101", "w.li_2-a@city+1", "жанна", "straße"])
def test_letters_of_any_script_are_taken(login):
    assert normal_form(login)


@pytest.mark.parametrize(
    "login",
    [
        "",
        " ",
        "an na",
        "a\0b",
        "a\nb",
        "anna\u200b",
        "\u202eanna",
        "a\u3164",
        "-anna",
        "a/b",
        "a,b",
        "\ud83d",
        "a" * 61,
    ],
)
def test_what_cannot_be_seen_or_typed_again_is_refused_with_its_characters(login):
    with pytest.raises(LoginUnusable) as refused:
        normal_form(login)
    assert refused.value.data["field"] == "login"


@pytest.mark.parametrize(
    "login",
    [
        "\u0430dmin",  # Cyrillic a
        "adm\u0456n",
        "\u03b1dmin",  # Greek alpha
        "\u0455\u0441\u043e\u0440\u0435",  # "scope", all Cyrillic
        "\u0440\u0430\u0443",
        "adm\u0131n",  # dotless i
        "\u1d00dmin",  # a phonetic letter
        "\u0261is",  # script g
        "\u07d0admin",
        "worker\u0660\u0661",  # digits of another script
        "张\u0430",
    ],
)
def test_a_new_login_that_can_be_read_as_another_is_refused_with_its_letters(login):
    with pytest.raises(LoginUnusable) as refused:
        require_unlike_others(normal_form(login))
    assert refused.value.data["reason"] == "look-alike"
    assert f"U+{ord(next(char for char in login if not char.isascii() and char != '张')):04X}" in str(
        refused.value.data["characters"]
    )


@pytest.mark.parametrize(
    "login",
    ["admin", "worker0101", "张伟", "zhang伟", "w.li_2-a@city+1", "жанна", "жанна2", "josé", "straße", "søren",

     "nguyễn", "lǚ", "山田たろう", "ヤマダ1", "김철수", "محمد", "محمد٠١", "דוד", "νίκος", "ωμέγα", "12345", "ༀབཀྲ"],
)  # fmt: skip
def test_a_login_of_one_script_or_of_chinese_and_latin_is_taken(login):
    require_unlike_others(normal_form(login))


@given(st.text(max_size=70))
def test_a_normal_form_is_its_own_normal_form(login):
    try:
        normal = normal_form(login)
    except LoginUnusable:
        return
    assert normal_form(normal) == normal
    assert normal_form(unicodedata.normalize("NFD", normal)) == normal
    assert normal_form(normal.upper().casefold()) == normal_form(normal.casefold())


@pytest.mark.long
def test_the_database_takes_the_normal_form_of_every_letter(cluster_url):
    letters = []
    for code in range(sys.maxunicode):
        try:
            letters.append(normal_form(chr(code)))
        except LoginUnusable:
            continue
    assert len(letters) > 100_000
    engine = create_engine(sqlalchemy_url(cluster_url))
    with engine.connect() as connection:
        others = connection.scalars(
            text("""
                SELECT login FROM unnest(CAST(:logins AS text[])) AS login
                WHERE login <> lower(normalize(login, NFKC)) OR login ~ '[[:space:][:cntrl:]]'
            """),
            {"logins": letters},
        ).all()
    engine.dispose()
    assert others == []
