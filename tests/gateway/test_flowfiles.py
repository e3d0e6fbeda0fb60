"""Which flows of a folder are served: those that work, also where a translation is still missing."""

from gateway.flowfiles import FlowFiles
from locales.catalogue import Catalogues

GOOD = "flow: one\ntitle: T\nlanguage: fr\nsteps:\n- id: a\n  ask: A ?\n  type: yes_no\n"


def served(folder):
    return [flow.id for flow in FlowFiles(folder, Catalogues()).sound()]


def test_a_flow_with_an_error_does_not_keep_the_others_from_being_served(tmp_path):
    (tmp_path / "one.yaml").write_text(GOOD)
    (tmp_path / "two.yaml").write_text(GOOD.replace("one", "two").replace("yes_no", "yesno"))
    assert served(tmp_path) == ["one"]


def test_a_missing_translation_is_an_error_that_silences_nobody(tmp_path):
    (tmp_path / "one.yaml").write_text(GOOD.replace("language: fr", "language: fr\nlanguages: [fr, ar]"))
    files = FlowFiles(tmp_path, Catalogues())
    assert "F503" in {problem.code for problem in files.problems if problem.level == "error"}
    assert [flow.id for flow in files.sound()] == ["one"]


def test_conversation_tests_are_no_flows(tmp_path):
    (tmp_path / "one.yaml").write_text(GOOD)
    (tmp_path / "one.test.yaml").write_text("flow: one\ntests: []\n")
    assert served(tmp_path) == ["one"]


def test_files_are_read_again_only_when_they_change(tmp_path):
    (tmp_path / "one.yaml").write_text(GOOD)
    files = FlowFiles(tmp_path, Catalogues())
    assert not files.refresh()
    (tmp_path / "two.yaml").write_text(GOOD.replace("one", "two"))
    assert files.refresh()
    assert [flow.id for flow in files.sound()] == ["one", "two"]
