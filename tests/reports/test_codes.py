"""Printed codes, scanned for real: from the pictures, from the page in a browser, from the PDF."""

from __future__ import annotations

import io
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from frame_world import link, polled
from PIL import Image
from wire_world import PUBLIC, SIGNING, W47, W48, World

from locales.catalogue import Catalogues
from national.reception import Reception
from national.store import Store, open_store
from reports.codes import Code, codes, page, png, svg
from reports.frames.envelope import CODE_BYTES
from reports.keys import signing_key
from reports.periods import today_of
from reports.snapshots import Sender, Snapshot, snapshots
from reports.wire import canonical


@pytest.fixture
def nation(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:{tmp_path / 'national.db'}")
    store.enrol("demo", "02", PUBLIC, W47)
    yield store
    store.close()


@pytest.fixture(scope="module")
def catalogues() -> Catalogues:
    return Catalogues([])


@pytest.fixture
def made(tmp_path: Path, nation: Store) -> list[Code]:
    world = World(tmp_path)
    for at in range(12):
        world.many(2 + at % 5, {"supply": "yes", "mark": 1 + at % 5}, place=f"02.411.01.{at:02d}")
    found = snapshots(world.store, Sender("demo", "02"), today_of(W48), W48)
    world.close()
    return codes(found, link(nation.identity().public), signing_key(SIGNING), ())


def scanned(picture: bytes | Path) -> set[str]:
    """Return the texts of all QR codes in a picture, as a phone reads them; its squares may pass for codes of bars."""
    import zxingcpp

    image = Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture).convert("L")
    return {one.text for one in zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)}


def started(nation: Store, texts: set[str]) -> int:
    """Have the platform take the texts, in any order; return how many conversations it knows of."""
    reception = Reception(nation)
    for text in sorted(texts, key=hash):
        reception.take(text, W48)
    return sum(one.started for one in nation.totals().values())


def test_each_picture_is_its_code(made: list[Code], nation: Store) -> None:
    assert [(one.week, one.part, one.parts) for one in made] == [("", 1, 1), ("2026-W47", 1, 1)]
    texts = set()
    for code in made:
        assert scanned(png(code)) == {code.text}
        assert b"<svg" in svg(code)
        texts |= scanned(png(code))
    assert started(nation, texts) == sum(2 + at % 5 for at in range(12))


def test_what_is_large_takes_several_codes_read_in_any_order(nation: Store) -> None:
    areas = [f"02.411.{at // 100:02d}.{at % 100:02d}" for at in range(124)]
    body = polled(random.Random(1), areas, 8, 5)
    snapshot = Snapshot("water", body["flow_hash"], "2026-W47", 1, 7, acked=False, data=canonical(body))
    found = codes([snapshot], link(nation.identity().public), signing_key(SIGNING), ())
    counts = [one for one in found if one.week]
    assert len(counts) > 2
    assert [one.part for one in counts] == list(range(1, len(counts) + 1))
    assert all(len(one.text) <= CODE_BYTES * 4 / 3 for one in found)
    texts = {text for code in found for text in scanned(png(code, scale=4))}
    assert started(nation, texts) == sum(body["walks"]["started"])


def test_a_flow_the_platform_knows_needs_no_layout(made: list[Code], nation: Store, tmp_path: Path) -> None:
    assert made[0].week == ""
    world = World(tmp_path, "again")
    world.answer({"supply": "yes"})
    found = snapshots(world.store, Sender("demo", "02"), today_of(W48), W48)
    world.close()
    known = codes(found, link(nation.identity().public), signing_key(SIGNING), {found[0].flow_hash})
    assert [one.week for one in known] == ["2026-W47"]


def test_the_printed_page_is_scanned(made: list[Code], nation: Store, browser: Any, catalogues: Catalogues) -> None:
    """As a browser draws it, on a page as wide as paper."""
    for language in ("fr", "ar"):
        document = page(made, "demo", language, catalogues)
        shown = browser.new_page(viewport={"width": 794, "height": 1123}, device_scale_factor=2)
        shown.set_content(document)
        picture = shown.screenshot(full_page=True)
        shown.close()
        assert scanned(picture) == {one.text for one in made}, language


def test_the_report_carries_the_codes_of_its_week(
    made: list[Code], browser: Any, catalogues: Catalogues, need: Callable[..., None], tmp_path: Path
) -> None:
    from reports.periods import parse
    from reports.render import render
    from reports.render_html import content_policy
    from reports.report import build

    world = World(tmp_path, "report")
    world.many(40, {"supply": "yes", "mark": 4})
    report = build(world.store, parse("2026-W47", today_of(W48)), "", catalogues, today_of(W48), region="02")
    world.close()
    bare, document = (str(render(report, "html", "fr", catalogues, given, "demo")) for given in ((), made))
    assert "<img" not in bare
    assert "img-src data:" in content_policy(document)
    assert "img-src" not in content_policy(bare)
    shown = browser.new_page(viewport={"width": 794, "height": 1123}, device_scale_factor=2)
    shown.set_content(document)
    assert scanned(shown.screenshot(full_page=True)) == {one.text for one in made}
    shown.close()
    need("pdftoppm")
    (tmp_path / "report.pdf").write_bytes(bytes(render(report, "pdf", "ar", catalogues, made, "demo")))  # type: ignore[arg-type]
    subprocess.run(["pdftoppm", "-r", "120", "-png", tmp_path / "report.pdf", tmp_path / "sheet"], check=True)
    texts = {text for sheet in tmp_path.glob("sheet*.png") for text in scanned(sheet)}
    assert texts == {one.text for one in made}
