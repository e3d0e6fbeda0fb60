"""Flow files to gettext templates, as a translator's office runs it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from flows.load import load
from flows.model import Text
from locales.catalogue import SHIPPED, Catalogues
from locales.extract import flows as extract_flows

FLOW = """\
flow: demo
title: Démo
language: fr
languages: [fr, ar]
steps:
- say: Bonjour
- say: Bienvenue {name}
- id: tap
  ask: Avez-vous un robinet ?
  type: yes_no
- id: problem
  ask: Quel problème ?
  type: choice
  options:
    no: Non
    cuts: {label: Coupures, go: bye}
    price: {fr: Prix, ar: الثمن}
- id: mark
  ask: Quelle note ?
  type: rating
  labels: [Mauvais, Moyen, Bon]
- id: list
  menu: Que cherchez-vous ?
  options:
    papers:
      label: Papiers
      options:
        card: {label: Carte, say: "Guichet 12:30"}
- go: tap
- id: bye
  say:
    fr: Merci
    ar: شكرا
- end: Au revoir
"""

CONTEXTS = {
    "demo": "Démo",
    "demo/say-1": "Bonjour",
    "demo/say-2": "Bienvenue {name}",
    "demo/tap": "Avez-vous un robinet ?",
    "demo/problem": "Quel problème ?",
    "demo/problem/no": "Non",
    "demo/problem/cuts": "Coupures",
    "demo/problem/price": "Prix",
    "demo/mark": "Quelle note ?",
    "demo/mark/1": "Mauvais",
    "demo/mark/2": "Moyen",
    "demo/mark/3": "Bon",
    "demo/list": "Que cherchez-vous ?",
    "demo/list/papers": "Papiers",
    "demo/list/papers/card": "Carte",
    "demo/list/papers/card/say": "Guichet 12:30",
    "demo/bye": "Merci",
    "demo/end-1": "Au revoir",
}


def pybabel(*arguments: object, cwd: Path) -> None:
    command = [sys.executable, "-m", "babel.messages.frontend", "-q", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "demo.yaml").write_text(FLOW, encoding="utf-8")
    (flows / "demo.test.yaml").write_text("flow: demo\ntitle: Ignore me\nsteps: [{say: Ignore me}]\n")
    (flows / "notes.yaml").write_text("- no\n- flow\n")
    (flows / "empty.yaml").write_text("")
    return tmp_path


def extract(project: Path) -> Path:
    template = project / "flows.pot"
    mapping = SHIPPED / "babel.cfg"
    pybabel("extract", "-F", mapping, "-k", "pgettext:1c,2", "--no-wrap", "-o", template, "flows", cwd=project)
    return template


def test_pybabel_finds_every_text_with_its_context_line_and_notes(project: Path) -> None:
    from babel.messages.pofile import read_po

    with extract(project).open("rb") as file:
        messages = {message.context: message for message in read_po(file) if message.id}
    assert {context: message.id for context, message in messages.items()} == CONTEXTS
    assert messages["demo/tap"].locations == [("flows/demo.yaml", 9)]
    assert messages["demo/tap"].auto_comments == ["ask, yes_no"]
    assert messages["demo/say-2"].auto_comments == ["say; slots to keep: {name}"]
    assert messages["demo/bye"].auto_comments == ["say; already written in the flow: ar"]


def test_a_translated_template_is_served(project: Path) -> None:
    template = extract(project)
    made = project / "locales" / "ar" / "LC_MESSAGES" / "flows.po"
    made.parent.mkdir(parents=True)
    shipped = SHIPPED / "ar" / "LC_MESSAGES" / "awal.po"
    head = shipped.read_text(encoding="utf-8").partition("\n\n")[0]
    made.write_text(head + "\n", encoding="utf-8")
    pybabel("update", "-N", "--no-wrap", "-i", template, "-o", made, "-l", "ar", cwd=project)
    text = made.read_text(encoding="utf-8")
    assert "n%100>=11 ? 4 : 5" in text, "the Arabic plural rule was replaced by Babel's wrong one"
    made.write_text(text.replace('msgid "Mauvais"\nmsgstr ""', 'msgid "Mauvais"\nmsgstr "سيئ"'), encoding="utf-8")
    catalogues = Catalogues([project / "locales"])
    assert catalogues.flow(Text("demo/mark/1", "Mauvais"), "ar", "fr").text == "سيئ"
    assert catalogues.flow(Text("demo/mark/2", "Moyen"), "ar", "fr").language == "fr"


def texts(part: object) -> Iterator[Text]:
    """Yield every text that a loaded flow holds, wherever it is."""
    if isinstance(part, Text):
        yield part
    elif isinstance(part, Struct):
        for name in part.__struct_fields__:
            yield from texts(getattr(part, name))
    elif isinstance(part, tuple):
        for one in part:
            yield from texts(one)


def contexts(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {context: text for _, _, (context, text), _ in extract_flows(file, (), (), {})}


def test_the_loader_and_the_extractor_agree_on_every_context(project: Path) -> None:
    surveys = SHIPPED.parent / "flows" / "surveys"
    shipped = [path for path in surveys.glob("*.yaml") if not path.name.endswith(".test.yaml")]
    assert shipped
    for path in (*shipped, project / "flows" / "demo.yaml"):
        flow = load(path.read_text(encoding="utf-8"), str(path)).flow
        assert flow is not None
        assert contexts(path) == {text.context: text.source for text in texts(flow)}


def test_the_shipped_arabic_catalogue_holds_every_shipped_text() -> None:
    catalogues = Catalogues()
    for path in (SHIPPED.parent / "flows" / "surveys").glob("*.yaml"):
        for context, source in contexts(path).items():
            assert catalogues.state(Text(context, source), "ar", "fr") == "ok", f"{path.name}: {context}"
