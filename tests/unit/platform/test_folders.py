"""Folders of the user's are where `platformdirs` has them, also where it is not asked."""

from __future__ import annotations

import sys

import platformdirs
import pytest

from arenite.platform import folders

ABSENT = None


@pytest.mark.parametrize("home", ["/home/somebody", "", "relative", ABSENT])
@pytest.mark.parametrize("given", ["/somewhere/else", "", " ", "relative", "~/there", ABSENT])
def test_they_are_where_the_library_has_them(monkeypatch: pytest.MonkeyPatch, home: str | None, given: str | None) -> None:
    for name, value in {"HOME": home, "XDG_CACHE_HOME": given, "XDG_DATA_HOME": given}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert folders.caches() == platformdirs.user_cache_path("arenite", appauthor=False)
    assert folders.data() == platformdirs.user_data_path("arenite", appauthor=False)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have rules that the library knows")
def test_the_library_is_not_asked_where_variables_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert str(folders.caches()) == "/home/somebody/.cache/arenite"
    assert str(folders.data()) == "/data/arenite"
