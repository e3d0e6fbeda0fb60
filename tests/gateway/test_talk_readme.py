"""The page that teaches conversation tests: its examples pass, its table names every line there is."""

import re
from pathlib import Path

from flows.load import load
from gateway.talk import script
from gateway.talk.coverage import Watch
from gateway.talk.run import run
from locales.catalogue import Catalogues

TEXT = Path("flows/README.md").read_text("utf-8")
SECTION = TEXT.split("## Conversation tests")[1].split("\n## ")[0]
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.M | re.S)


def test_the_examples_of_tests_pass_and_walk_the_example_whole() -> None:
    flow = load(next(block for block in BLOCKS if block.startswith("flow: water")), "README.md").flow
    (tests,) = [block for block in BLOCKS if "\ntests:" in block]
    assert flow
    watch = Watch()
    runs = list(run(script.read(tests, "README.md"), {flow.id: flow}, Catalogues(), watch.step))
    assert len(runs) >= 4
    assert [one.failure for one in runs if one.failure] == []
    assert watch.coverage(flow, {flow.id: flow}).percent == 100


def test_every_line_is_in_the_table() -> None:
    named = {found.partition(":")[0] for found in re.findall(r"^\| `(.*?)` \|", SECTION, re.M)}
    assert named == set(script.ACTIONS)
