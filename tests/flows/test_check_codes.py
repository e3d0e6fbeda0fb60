"""One broken file per code: `# expect: CODE LINE` on its first line is all that is found in it."""

import re
from pathlib import Path

import pytest

from flows.check import RULES, check_all
from flows.load import CODES, Loaded, load
from locales.catalogue import Catalogues

DATA = Path(__file__).resolve().parent.parent / "data"
BROKEN = sorted((DATA / "broken").glob("*.yaml"))
TEXTS = Catalogues()


def loaded(path: Path) -> Loaded:
    return load(path.read_text("utf-8"), path.name)


WATER = loaded(DATA / "flows" / "water.yaml")


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_gives_its_code_at_its_line_and_nothing_else(path: Path) -> None:
    first = path.read_text("utf-8").splitlines()[0]
    code, line = re.fullmatch(r"# expect: (F\d{3}) (\d+)", first).groups()
    assert path.stem == f"{code}-{CODES[code].name}"
    found = [one for one in check_all([WATER, loaded(path)], TEXTS, deep=True) if one.file == path.name]
    assert [(one.code, one.line, one.level) for one in found] == [(code, int(line), CODES[code].level)], found


def test_every_code_has_its_broken_file() -> None:
    assert {path.stem for path in BROKEN} == {f"{code.code}-{code.name}" for code in CODES.values()}


def test_every_rule_has_a_registered_code_and_a_docstring() -> None:
    for rule in RULES:
        assert CODES[rule.code.code] is rule.code
        assert rule.find.__doc__
    assert len({rule.code.code for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_every_problem_is_one_line_with_a_remedy(path: Path) -> None:
    for one in check_all([loaded(path)], TEXTS, deep=True):
        assert re.fullmatch(rf"{re.escape(path.name)}:\d+: F\d{{3}}: .+[.?] .+[.?]", str(one)), str(one)
        assert one.as_json() == {
            "file": path.name,
            "line": one.line,
            "code": one.code,
            "level": one.level,
            "message": f"{one.message} {one.remedy}",
        }
