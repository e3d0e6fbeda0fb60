import csv
import io
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import date
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from report_world import HEALTH, NEEDS, OUJDA, W46, W47, WATER, Crowd, read

from flows.model import Text
from locales.catalogue import Catalogues
from locales.pofile import entries
from locales.report_phrases import REPORT_PHRASES
from locales.slots import slots
from reports.periods import parse
from reports.render import FORMATS, render
from reports.render_html import content_policy
from reports.render_text import bar
from reports.render_words import Wording
from reports.report import FlowReport, Report, ReportError, build

TODAY = date(2026, 11, 23)
TEXTS = Catalogues()
FIGURE = re.compile(r"[0-9]+\s?%")
REPORT_PO = Path(__file__).resolve().parents[2] / "locales" / "ar" / "LC_MESSAGES" / "report.po"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    """A week of three flows: something rose, something stands out, some counts are hidden."""
    crowd = Crowd(tmp_path_factory.mktemp("sample"))
    water, health, needs = read(WATER), read(HEALTH), read(NEEDS)
    crowd.many(30, water, {"satisfaction": 1}, now=W46)
    crowd.many(34, water, {"supply": "yes", "satisfaction": 4, "commune": OUJDA}, place=OUJDA, language="ar")
    crowd.many(40, water, {"supply": "no", "hours": 6, "satisfaction": 2, "problem": "cuts"}, bearer="sms")
    crowd.many(4, water, {"supply": "no", "hours": 7, "satisfaction": 1, "problem": "price"})
    crowd.many(35, health, {"visited": "yes", "satisfaction": 5, "wait": 45, "suggestion": "<b>"})
    crowd.many(12, health, {"visited": "no"})
    crowd.many(15, needs, {"first": "roads", "others": ["water", "school"]}, now=W47)
    yield build(crowd.store, parse("2026-W47", TODAY), "", TEXTS, TODAY, region="02")
    crowd.close()


def words(report: Report, form: str, language: str = "fr") -> str:
    made = render(report, form, language, TEXTS)
    assert isinstance(made, str)
    return made


def retitled(report: Report, title: str) -> Report:
    flows = tuple(replace(flow, title=Text("x", title)) for flow in report.flows)
    return replace(report, flows=flows)


# the words --------------------------------------------------------------------------------------------------------
def test_every_phrase_is_said_in_arabic_with_the_same_slots() -> None:
    arabic = {entry.context: entry for entry in entries(REPORT_PO, None)}
    assert {name: entry.source for name, entry in arabic.items() if name} == REPORT_PHRASES
    for name, french in REPORT_PHRASES.items():
        said = slots(arabic[name].text)
        assert said == slots(french) or (name.startswith("report_digest_") and {"called"} >= said - slots(french)), name
        assert arabic[name].text
        assert not arabic[name].fuzzy


@pytest.mark.parametrize(
    ("period", "language", "said"),
    [
        ("2026-W47", "fr", "Semaine 47, du 16 au 22 novembre 2026"),
        ("2026-W49", "fr", "Semaine 49, du 30 novembre au 6 décembre 2026"),
        ("2026-W53", "fr", "Semaine 53, du 28 décembre 2026 au 3 janvier 2027"),
        ("2026-08", "fr", "août 2026"),
        ("2026-11-18", "fr", "18 novembre 2026"),
        ("2026-W47", "ar", "الأسبوع 47، من 16 إلى 22 نونبر 2026"),
        ("2026-08", "ar", "غشت 2026"),
    ],
)
def test_a_period_is_said_in_full(period: str, language: str, said: str) -> None:
    assert Wording(TEXTS, language).period(parse(period, TODAY)) == said


def test_an_unknown_format_is_refused_with_the_nearest(sample: Report) -> None:
    with pytest.raises(ReportError, match=r"htlm.*Did you mean 'html'"):
        render(sample, "htlm", "fr", TEXTS)
    with pytest.raises(ReportError, match=", ".join(FORMATS)):
        render(sample, "docx", "fr", TEXTS)


# the page ---------------------------------------------------------------------------------------------------------
class Page(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.loose: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("bdi", "style", "footer", "title"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            self.open.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self.open:
            self.loose.append(data)


@pytest.mark.parametrize(("language", "lang", "way"), [("fr", "fr", "ltr"), ("ar", "ar", "rtl"), ("zgh", "ar", "rtl")])
def test_a_page_is_whole_light_and_fetches_nothing(sample: Report, language: str, lang: str, way: str) -> None:
    document = words(sample, "html", language)
    page = Page(document)
    assert len(document.encode()) < 14_000
    assert page.tags[0] == ("html", {"lang": lang, "dir": way})
    assert not {"script", "img", "link", "iframe", "form", "object"} & {tag for tag, _ in page.tags}
    carried = {name for _, attributes in page.tags for name in attributes}
    assert not {name for name in carried if name in ("style", "src", "href") or name.startswith("on")}
    assert "url(" not in document
    assert "@import" not in document
    assert "@page{size:A4" in document


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_every_share_on_a_page_stands_apart(sample: Report, language: str) -> None:
    """Inside Arabic, `62%` outside a bdi is shown as `%62`."""
    page = Page(words(sample, "html", language))
    assert [text for text in page.loose if FIGURE.search(text)] == []
    assert sum(tag == "bdi" for tag, _ in page.tags) > 30


def test_a_page_shows_what_was_counted(sample: Report) -> None:
    french = words(sample, "html")
    for shown in ("Oriental", "Semaine", "À surveiller : Eau potable", "Coupures", "Français", "Menu USSD", "Médiane"):
        assert shown in french
    assert "Fatima" not in french
    arabic = words(sample, "html", "ar")
    for shown in ("الشرق", "يستدعي الانتباه: الماء الصالح للشرب", "الانقطاع", "نونبر"):
        assert shown in arabic


def test_a_text_in_another_language_says_so(sample: Report) -> None:
    flows = tuple(replace(flow, title=Text("x", "Eau", {"zgh": "ⴰⵎⴰⵏ"})) for flow in sample.flows)
    document = words(replace(sample, flows=flows), "html", "zgh")
    assert '<h2><span lang="zgh" dir="ltr">ⴰⵎⴰⵏ</span></h2>' in document


def test_a_hostile_title_stays_text(sample: Report) -> None:
    document = words(retitled(sample, "<script>alert(1)</script>{css}</style>{{ 7 * 7 }}"), "html")
    assert "<script" not in document
    assert document.count("</style>") == 1
    assert "&lt;script&gt;" in document
    assert "{{ 7 * 7 }}" in document


def test_the_policy_allows_exactly_the_pages_own_style(sample: Report) -> None:
    document = words(sample, "html")
    style = document.split("<style>")[1].split("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert content_policy(document).startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_the_page_in_a_real_browser(sample: Report, browser: Any) -> None:
    """Under its own policy the bars have their widths, Arabic runs from the right, and a small phone needs no zoom."""
    document = words(sample, "html", "ar")
    served = {
        "content_type": "text/html; charset=utf-8",
        "headers": {"Content-Security-Policy": content_policy(document)},
    }
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 320, "height": 640})
    page.on("console", lambda message: complaints.append(message.text))
    page.route("http://report.test/", lambda route: route.fulfill(body=document, **served))
    page.goto("http://report.test/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    bars = page.evaluate(
        """[...document.querySelectorAll("td i")].map(bar => {
            const cell = bar.parentElement.getBoundingClientRect(), own = bar.getBoundingClientRect();
            return [cell.right - own.right, own.width / cell.width, Number(bar.className.match(/[0-9]+/)[0]) / 100];
        })"""
    )
    assert len(bars) > 10
    for gap, share, said in bars:
        assert gap == pytest.approx(0, abs=1)
        assert share == pytest.approx(said, abs=0.03)
    page.close()
    assert [one for one in complaints if "favicon" not in one] == []


# the PDF ----------------------------------------------------------------------------------------------------------
def test_a_pdf_needs_its_extra(sample: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ReportError, match=r"pip install awal\[pdf\]"):
        render(sample, "pdf", "fr", TEXTS)


def test_a_pdf_is_made_by_the_real_weasyprint(sample: Report, need: Callable[..., None]) -> None:
    need("module:weasyprint")
    made = render(sample, "pdf", "ar", TEXTS)
    assert isinstance(made, bytes)
    assert made.startswith(b"%PDF-")


def test_a_report_prints_on_one_page(sample: Report, need: Callable[..., None]) -> None:
    need("module:weasyprint")
    from weasyprint import HTML

    assert len(HTML(string=words(sample, "html")).render().pages) == 1


# the text ---------------------------------------------------------------------------------------------------------
def test_the_text_sets_colons_and_percents_as_its_language_does(sample: Report) -> None:
    french, arabic = words(sample, "text"), words(sample, "text", "ar")
    assert "Conversations : " in french
    assert "المحادثات: " in arabic
    assert not re.search(r" :| %", arabic)


def test_the_text_fits_a_terminal(sample: Report) -> None:
    for language in ("fr", "ar", "zgh-Latn"):
        text = words(sample, "text", language)
        assert text.endswith("\n")
        assert max(map(len, text.splitlines())) <= 90
    french = words(sample, "text")
    assert "Coupures" in french
    assert "█" in french
    assert "Satisfaction" in french


def test_bars_are_exact_to_an_eighth() -> None:
    assert [bar(share, 2) for share in (0, 1 / 16, 0.5, 9 / 16, 1, 2)] == ["  ", "▏ ", "█ ", "█▏", "██", "██"]


# the table --------------------------------------------------------------------------------------------------------
def rows(report: Report, language: str = "fr") -> list[dict[str, str]]:
    text = words(report, "csv", language)
    assert text.startswith("\ufeffperiod,place,flow,question,option,label,count,share,status\n")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_table_has_a_row_for_each_figure(sample: Report) -> None:
    found = rows(sample)
    assert {(row["period"], row["place"]) for row in found} == {("2026-W47", "02")}
    by = {(row["flow"], row["question"], row["option"]): row for row in found}
    assert by["", "", "#begun"]["count"] == "140"
    assert by["", "#bearer", "sms"]["count"] == "40"
    assert by["water", "supply", "yes"]["count"] == "34"
    assert by["water", "supply", "yes"]["share"] == "0.4359"
    assert by["water", "satisfaction", "1"] == {
        **by["water", "satisfaction", "1"],
        "label": "1",
        "count": "",
        "share": "",
        "status": "hidden",
    }
    assert by["water", "satisfaction", "1+2"]["status"] == "together"
    assert by["water", "satisfaction", "#satisfied"]["share"] == "0.4359"
    assert by["health", "wait", "#median"]["count"] == "45"
    assert by["needs", "others", "school"]["count"] == "15"


def test_no_cell_of_the_table_runs_as_a_formula(sample: Report) -> None:
    for title in ("=1+1", "@SUM(A1)", "+cmd|'/c calc'!A0", "\t=1", "＝1+1"):
        labels = [row["label"] for row in rows(retitled(sample, title)) if row["option"] == "#begun" and row["flow"]]
        assert labels
        assert all(label.startswith("'") for label in labels), title


def test_an_operators_own_report_hides_nothing(sample: Report) -> None:
    assert all(flow.begun for flow in sample.flows)
    hidden = [row for row in rows(sample) if row["status"] == "hidden"]
    assert hidden
    assert {row["count"] for row in hidden} == {""}


def test_a_report_on_nothing_says_so(sample: Report) -> None:
    empty = replace(sample, begun=0, completed=0, flows=(), languages=(), bearers=(), satisfaction=None, worst="")
    assert "Aucune conversation" in words(empty, "html")
    assert "Aucune conversation" in words(empty, "text")
    assert len(rows(empty)) == 4


def test_bounds_are_said_as_bounds(sample: Report) -> None:
    water = next(flow for flow in sample.flows if flow.flow == "water")
    bounded = _bounded(water, at_least=0.956)
    text = words(replace(sample, flows=(bounded,), satisfaction=bounded.satisfaction, worst=""), "text")
    assert "au moins 95 %" in text
    bounded = _bounded(water, at_most=0.041)
    page = words(replace(sample, flows=(bounded,), satisfaction=bounded.satisfaction, worst=""), "html")
    assert "au plus <bdi>5\u00a0%</bdi>" in page


def _bounded(flow: FlowReport, **bound: float) -> FlowReport:
    own = flow.indicator
    assert own is not None
    assert own.satisfaction is not None
    found = replace(own.satisfaction, estimate=None, change=None, **bound)
    made = replace(own, satisfaction=found)
    return replace(flow, questions=tuple(made if one is own else one for one in flow.questions))
