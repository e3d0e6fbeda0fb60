"""A week without a link: 200 citizens, three languages, both bearers; then the link returns, and all is there."""

import threading
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from flows.model import restore
from gateway.cli.init import create
from gateway.lane import Lane
from gateway.project import Project
from gateway.rehearsal.citizen import Temper
from gateway.rehearsal.run import Rehearsal
from gateway.sender import Sender
from national.app import create_app
from national.store import open_store
from reports.keys import public_key
from reports.sync import open_syncer

DAY = 86_400_000
MONDAY = int(datetime(2026, 11, 16, 9, tzinfo=UTC).timestamp() * 1000)
CITIZENS = 200


class Quiet(WSGIRequestHandler):
    """Logs nothing: thousands of requests would hide what failed."""

    def log_request(self, *args):
        pass


@contextmanager
def serving(application):
    """Serve a WSGI application on a free port; yield its address."""
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def project(tmp_path):
    create(tmp_path / "demo", demo=True)
    with Project(tmp_path / "demo") as one:
        one.now = MONDAY
        one.clock = lambda: one.now
        yield one


def syncer(project, url):
    gateway = project.settings.gateway
    signing = project.settings.keys.signing
    return open_syncer(
        project.store,
        url=url,
        gateway=gateway.id,
        region=gateway.region,
        signing=signing,
        texts=project.texts,
        clock=project.clock,
        timezone=gateway.timezone,
    )


def test_a_week_without_a_link_loses_nothing(project, tmp_path):
    summary = Counter()
    with serving(Lane(project.channels, project.conversations)) as address:
        nowhere = syncer(project, "http://127.0.0.1:9")
        for day in range(7):
            project.now = MONDAY + day * DAY
            temper = Temper(odd=0.1, drop=0.1, repeat=0.2)
            rehearsal = Rehearsal(project, address, seed=day + 1, temper=temper)
            done = rehearsal.run(CITIZENS // 7 + (day < CITIZENS % 7))
            assert done.ok, done.errors
            summary += done.counts
            summary.update({f"speaks {tag}": count for tag, count in done.languages.items()})
            summary.update({f"over {bearer}": count for bearer, count in done.bearers.items()})
            assert not nowhere.once().ok

    assert summary["citizens"] == CITIZENS
    assert all(summary[f"speaks {tag}"] > 20 for tag in ("fr", "ar", "zgh"))
    assert all(summary[f"over {bearer}"] > 20 for bearer in ("ussd", "sms"))
    assert summary["drops"] > 20
    assert summary["repeats"] > 20
    assert summary["odd"] > 20
    assert summary["completed"] > CITIZENS / 2

    replies = len(project.store.outbox(limit=100_000))
    sent = Sender(project.store, project.channels, project.phones, project.clock)
    while sent.run_once(project.now):
        pass
    settled = project.store.outbox_counts()
    assert settled["accepted"] + settled["dead"] == replies
    assert settled["accepted"] > summary["over sms"] / 2, "each conversation by SMS has its last word"
    late = project.store.outbox(("dead",), 100_000)
    assert {(row.kind, row.last_error) for row in late} == {("question", "not sent in time")}

    project.now = MONDAY + 8 * DAY
    platform = open_store(f"sqlite:{tmp_path / 'national.db'}")
    platform.enrol(
        project.settings.gateway.id, project.settings.gateway.region, public_key(project.settings.keys.signing), MONDAY
    )
    with serving(create_app(platform, clock=project.clock)) as address:
        link = syncer(project, address)
        assert link.once().ok
        assert link.once().sent == 0
    assert held_totals(platform) == kept_totals(project.store)
    platform.close()


def kept_totals(store):
    """Count what the gateway keeps, by question and option, and by conversation."""
    totals = Counter()
    closed = ("yes_no", "choice", "choices", "rating", "nps")
    flows = {row.flow_hash: restore(store.flow_data(row.flow_hash)) for row in store.answers()}
    for row in store.answers():
        kinds = {ask.id: ask.type for ask in flows[row.flow_hash].questions}
        if kinds[row.step] in closed:
            for value in row.value if isinstance(row.value, list) else [row.value]:
                totals[row.flow, row.step, str(value)] += 1
    for walk in store.walks("2026-11-16", "2026-11-22"):
        totals[walk.flow, "started"] += walk.started
        totals[walk.flow, "completed"] += walk.completed
    return +totals


def held_totals(platform):
    """Count what the platform holds, the same way."""
    totals = Counter()
    for one in platform.shown("2026-W47", running=True):
        for question in one.questions:
            for option, counts in zip(question.options, one.cells[question.id], strict=True):
                totals[one.flow, question.id, option.key] += sum(counts)
        totals[one.flow, "started"] += sum(one.walks.started)
        totals[one.flow, "completed"] += sum(one.walks.completed)
    return +totals
