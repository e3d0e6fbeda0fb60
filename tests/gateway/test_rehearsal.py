"""A rehearsal: simulated citizens on the real lane, counted; what goes wrong is said."""

import threading

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from flows.errors import AwalError
from gateway.lane import Lane
from gateway.project import Project
from gateway.rehearsal.run import Rehearsal


class Quiet(WSGIRequestHandler):
    def log_request(self, *args):
        pass


@pytest.fixture
def project(demo):
    with Project(demo) as one:
        yield one


@pytest.fixture
def address(project):
    lane = Lane(project.channels, project.conversations)
    server = make_server("127.0.0.1", 0, lane, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_citizens_speak_three_languages_over_both_bearers(project, address):
    progress = []
    summary = Rehearsal(project, address, seed=3).run(30, lambda: progress.append(1))
    assert summary.ok, summary.errors
    assert len(progress) == summary.counts["citizens"] == 30
    assert set(summary.languages) == {"fr", "ar", "zgh"}
    assert set(summary.bearers) == {"ussd", "sms"}
    assert summary.counts["completed"] > 15
    assert project.store.counts()["answers"] > 30
    assert any(line.startswith("Repeats") for line in summary.lines())


def test_one_flow_can_be_rehearsed_alone(project, address):
    Rehearsal(project, address, flow="water").run(12)
    assert set(project.store.spread("2000-01-01", "2100-01-01")["flow"]) == {"water"}


def test_an_unknown_flow_is_refused(project):
    with pytest.raises(AwalError, match="there is no flow 'fire'"):
        Rehearsal(project, "http://127.0.0.1:9", flow="fire")


def test_a_gateway_that_does_not_answer_is_an_error_with_its_remedy(project):
    summary = Rehearsal(project, "http://127.0.0.1:9").run(2)
    assert not summary.ok
    assert "awal serve" in summary.errors[0]
