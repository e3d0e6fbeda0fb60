"""A province without a link, by the installed commands alone: citizens, a USB stick there, a receipt back."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from flows.model import restore
from gateway.cli.init import create
from gateway.project import Project
from national.store import open_store
from reports.wire_client import Cursor

CITIZENS = 200
BIN = Path(sys.executable).parent


class Province:
    """A gateway without a link, its stick, and the platform it has never met but by their keys."""

    def __init__(self, folder):
        self.project, self.stick = folder / "oriental", folder / "stick"
        self.store = f"sqlite:{folder / 'national.db'}"
        self.stick.mkdir()
        create(self.project, demo=True)
        here, there = json.loads(self.awal("keys", "--json")), json.loads(self.national("keys", "--json"))
        self.national("gateway", "add", here["id"], "--region", "02", "--key", here["public_key"])
        settings = self.project / "awal.toml"
        pattern, national = r"^\[national\]\n(?:.+\n)*", f'[national]\nkey = "{there["public_key"]}"\n'
        settings.write_text(re.sub(pattern, national, settings.read_text(), flags=re.M))

    def awal(self, *arguments):
        return run(BIN / "awal", "-C", self.project, *arguments)

    def national(self, *arguments):
        return run(BIN / "awal-national", *arguments, "--store", self.store)

    def carry(self):
        """Take the stick to the platform."""
        return self.national("import", self.stick)


def run(*command):
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    return Province(tmp_path_factory.mktemp("province"))


@pytest.fixture
def serving(province):
    command = [BIN / "awal", "-C", province.project, "serve", "--port", "0"]
    with subprocess.Popen([str(one) for one in command], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert any(line.startswith("Awal is listening on") for line in process.stdout)
            yield
        finally:
            process.terminate()
            process.wait(20)


def test_what_citizens_said_reaches_the_platform_by_stick(province, serving):
    province.awal("rehearse", str(CITIZENS))
    written = province.awal("sync", "--carrier", "bundle", "--to", province.stick)
    assert written.count("Written: ") == 1
    assert "0 kept" not in province.carry()
    receipts = list(province.stick.glob("*.receipt"))
    assert len(receipts) == 1
    back = province.awal("sync", "--carrier", "bundle", "--to", province.stick)
    assert re.search(r"^Receipt awal-demo-\d+-\d+\.receipt: \d+ sent\.$", back, re.M)
    assert "Nothing to send" in back
    assert "nothing changed" in province.carry()


def test_the_platforms_totals_are_the_gateways(province):
    """After the gateway has stopped: what is compared are the rows of both."""
    platform = open_store(province.store)
    with Project(province.project, readonly=True) as project:
        kept = gateway_totals(project.store)
        held = platform_totals(platform)
        assert held == kept
        assert held["started"] >= CITIZENS * 0.9
        assert {(one.flow_hash, one.period, one.epoch, one.seq) for one in platform.cursor("demo")} == {
            (one.flow_hash, one.period, one.epoch, one.seq) for one in project.store.held() if one.acked
        }
    platform.close()


def test_a_receipt_is_kept_readable_for_whoever_carries_it(province):
    [receipt] = province.stick.glob("*.receipt")
    told = json.loads(receipt.read_text())
    assert told["gateway"] == "demo"
    assert set(Cursor.__struct_fields__) <= set(told)


def gateway_totals(store):
    closed = {"yes_no", "choice", "choices", "rating", "nps"}
    kinds, totals = {}, Counter()
    for row in store.answers():
        if row.flow_hash not in kinds:
            kinds[row.flow_hash] = {ask.id: ask.type for ask in restore(store.flow_data(row.flow_hash)).questions}
        if kinds[row.flow_hash][row.step] in closed:
            for value in row.value if isinstance(row.value, list) else [row.value]:
                totals[row.flow, row.step, str(value)] += 1
    for walk in store.walks("2000-01-01", "2999-12-31"):
        totals["started"] += walk.started
        totals["completed"] += walk.completed
    return +totals


def platform_totals(platform):
    totals = Counter()
    for period in platform.periods(running=True):
        for one in platform.shown(period, running=True):
            for question in one.questions:
                for option, row in zip(question.options, one.cells[question.id], strict=True):
                    totals[one.flow, question.id, option.key] += sum(row)
            totals["started"] += sum(one.walks.started)
            totals["completed"] += sum(one.walks.completed)
    return +totals
