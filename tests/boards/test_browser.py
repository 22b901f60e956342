"""Pages in a real browser, from disk and with the network off: what people see, click and type there."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recbench.boards.html import render_page
from recbench.boards.page import BoardPage

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
REQUIRED = "RECBENCH_NEEDS_BROWSER"
KINDS = ("samplers", "algorithms", "synthesisers")
MINUS, MISSING = "\N{MINUS SIGN}", "\N{EN DASH}"
Show = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium as the system has it. Where ``RECBENCH_NEEDS_BROWSER`` is set, its absence is a failure."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        absent = "no chromium on the PATH (Debian: apt-get install chromium)"
        pytest.fail(absent) if os.environ.get(REQUIRED) else pytest.skip(absent)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Show]:
    """Opens a page as a file; at the end, it must have asked for nothing else and reported no error."""
    contexts, faults = [], []

    def opened(page: BoardPage, fragment: str = "", *, width: int = 1280, **options: Any) -> Any:
        file = tmp_path / "index.html"
        file.write_text(render_page(page), encoding="utf-8")
        context = browser.new_context(offline=True, viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: None if request.url.startswith(file.as_uri()) else faults.append(request.url))
        tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.goto(f"{file.as_uri()}{fragment}")
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert not faults


def column(tab: Any, table: str, title: str) -> list[str]:
    """What a table shows in one column, from top to bottom."""
    titles = [each.strip() for each in tab.locator(f"#{table} thead th:visible").all_inner_texts()]
    cells = tab.locator(f"#{table} tbody tr > :nth-child({titles.index(title) + 1})")
    return [each.strip() for each in cells.all_inner_texts()]


def numbers(texts: list[str]) -> list[float]:
    return [float(text.replace(MINUS, "-")) for text in texts if text != MISSING]


def count(tab: Any) -> str:
    return tab.locator("#count").inner_text()


def view_of(tab: Any) -> list[Any]:
    """How many rows there are, the samplers in their order, and those in the plots."""
    drawn = tab.locator("#legend [aria-pressed=true]").all_inner_texts()
    return [count(tab), column(tab, "summary", "sampler"), drawn]


def overflows(tab: Any) -> bool:
    return tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_it_shows_the_data_set_and_feedback_with_most_rows_in_the_headline_metric(
    show: Show, samplers_board: BoardPage
) -> None:
    tab = show(samplers_board)
    assert tab.title() == "toys v2: samplers"
    assert count(tab) == "72 of 432 rows, 12 samplers"
    assert column(tab, "summary", "sampler")[:2] == ["s0", "s1[unit=user]"]
    taus = column(tab, "summary", "mean tau")
    assert taus[0] == f"{0.9 - 0.002 * (80 - 211 / 6):.3f}" and taus[-1] == MISSING, "who misses a row has no mean"
    assert column(tab, "summary", "rows")[-2:] == ["6 of 6", "5 of 6"]
    assert tab.locator("#gaps").is_visible() and not tab.locator("#mixed").is_visible()
    assert column(tab, "summary", "speed-up")[0] == f"{(80**6 / (80 * 60 * 40 * 20 * 10)) ** (1 / 6):.1f}"
    said = tab.locator("main").inner_text()
    assert "Digests prove integrity, not honesty; only a re-run proves a number." in said
    assert "what picking the sample's winner loses on full data" in said


def test_columns_are_sorted_by_mouse_and_by_keyboard_with_missing_values_last(
    show: Show, samplers_board: BoardPage
) -> None:
    tab = show(samplers_board)
    header = tab.locator("#summary th", has_text="regret")
    header.get_by_role("button").click()
    shown = column(tab, "summary", "regret")
    assert header.get_attribute("aria-sort") == "descending" and tab.locator("#summary [aria-sort]").count() == 1
    assert shown[-1] == MISSING and numbers(shown) == sorted(numbers(shown), reverse=True)
    header.get_by_role("button").focus()
    tab.keyboard.press("Enter")
    shown = column(tab, "summary", "regret")
    assert header.get_attribute("aria-sort") == "ascending"
    assert shown[-1] == MISSING and numbers(shown) == sorted(numbers(shown))
    tab.locator("#rows th", has_text="budget").get_by_role("button").press("Space")
    assert column(tab, "rows", "budget")[:13] == ["80%"] * 12 + ["60%"], "by amount, not by letter"


def test_filters_work_by_mouse_and_by_keyboard_and_stay_in_focus(show: Show, samplers_board: BoardPage) -> None:
    tab = show(samplers_board)
    tab.get_by_label("budget", exact=True).select_option("10%")
    assert count(tab) == "12 of 432 rows, 12 samplers"
    assert column(tab, "summary", "mean tau")[-1] == "0.210" and tab.locator("#gaps").is_hidden()
    tab.get_by_label("feedback").focus()
    tab.keyboard.press("ArrowUp")
    assert count(tab) == "12 of 432 rows, 12 samplers"
    assert tab.get_by_label("feedback").evaluate("each => each.selectedOptions[0].text") == "explicit"
    assert tab.get_by_label("metric").locator("option").all_inner_texts() == ["headline: rmse", "all", "rmse"]
    assert tab.evaluate("document.activeElement.id") == "filter-feedback"
    tab.get_by_label("tier").select_option("re-run")
    assert count(tab) == "3 of 432 rows, 3 samplers"
    tab.get_by_label("sampler", exact=True).press_sequentially("S1[")
    assert column(tab, "rows", "sampler") == ["s1[unit=user]"]
    tab.get_by_label("metric").select_option("all")
    tab.get_by_label("feedback").select_option("all")
    assert tab.locator("#mixed").is_visible() and column(tab, "summary", "regret") == [MISSING], (
        "no mean of several units"
    )
    tab.get_by_role("button", name="Reset").click()
    assert count(tab) == "72 of 432 rows, 12 samplers" and not tab.get_by_label("sampler", exact=True).input_value()


def test_the_mean_of_all_rows_of_an_entry_has_the_interval_that_it_states(
    show: Show, samplers_board: BoardPage
) -> None:
    tab = show(samplers_board, "#dataset=*&feedback=*&metric=*&budget=10%25")
    means = dict(zip(*(column(tab, "summary", x) for x in ("sampler", "mean tau")), strict=True))
    spans = dict(zip(*(column(tab, "summary", x) for x in ("sampler", "2.5 to 97.5 %")), strict=True))
    assert (means["s0"], spans["s0"]) == ("0.765", "0.711 to 0.822")
    assert (means["s2"], spans["s2"]) == ("0.660", "0.560 to 0.710"), "of what no entry states, from the rows"
    tab.get_by_label("data set").select_option("toy")
    assert column(tab, "summary", "mean tau")[0] == "0.760", "fewer rows than the stated mean is over"


def test_pages_lead_to_the_other_boards_of_the_suite(show: Show, samplers_board: BoardPage) -> None:
    tab = show(replace(samplers_board, others={"algorithms": "algorithms.html"}))
    link = tab.get_by_role("navigation", name="Other boards").get_by_role("link")
    assert (link.inner_text(), link.get_attribute("href")) == ("algorithms", "algorithms.html")
    assert show(samplers_board).get_by_role("navigation").count() == 0


def test_long_tables_are_turned_and_printed_whole(show: Show, samplers_board: BoardPage) -> None:
    tab = show(samplers_board)
    pager = tab.locator("#rows .pager")
    assert len(column(tab, "rows", "tau")) == 50 and "1 to 50 of 72" in pager.inner_text()
    pager.get_by_role("button", name="Next").click()
    rest = column(tab, "rows", "tau")
    assert len(rest) == 22 and rest[-1] == MISSING and column(tab, "rows", "note")[-1] == "skipped: too small"
    pager.get_by_role("button", name="Previous").click()
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(column(tab, "rows", "tau")) == 72
    tab.emulate_media(media="print")
    assert pager.is_hidden() and not overflows(tab)


def test_the_plots_have_intervals_and_the_ceiling_and_their_legend_works_by_keyboard(
    show: Show, samplers_board: BoardPage
) -> None:
    tab = show(samplers_board)
    for plot in ("#plot-budget", "#plot-speedup"):
        assert tab.locator(f"{plot} .series").count() == 6
        assert tab.locator(f"{plot} .marker").count() == tab.locator(f"{plot} .series line").count() == 36
        assert tab.locator(f"{plot} .reference").text_content() == "ceiling"
    assert tab.locator("#plot-budget title").first.text_content() == "s0 at 1%: 0.742 (0.642 to 0.792)"
    lines = tab.locator("#plot-budget .series").first.locator("line")
    xs = lines.evaluate_all("all => all.map(each => +each.getAttribute('x1'))")
    assert xs == sorted(xs) and len(set(xs)) == 6
    last = tab.get_by_role("button", name="s11", exact=False).and_(tab.locator("#legend button"))
    last.focus()
    tab.keyboard.press("Space")
    assert last.get_attribute("aria-pressed") == "true" and last.evaluate("each => each === document.activeElement")
    assert tab.locator("#plot-budget .series").count() == 7
    assert tab.locator("#plot-budget .series").last.locator(".marker").count() == 5, "a gap is not drawn over"
    tab.locator("#legend button").first.press("Enter")
    assert tab.locator("#plot-budget .series").count() == 6
    tab.get_by_role("button", name="Best six").click()
    assert tab.locator("#legend [aria-pressed=true]").count() == 6
    tab.get_by_label("sampler", exact=True).fill("nobody")
    assert (
        tab.locator("#plot-budget svg").count() == 0 and "Nothing to draw" in tab.locator("#plot-budget").inner_text()
    )


def test_the_address_restores_the_view(show: Show, samplers_board: BoardPage) -> None:
    tab = show(samplers_board)
    tab.get_by_label("metric").select_option("auc")
    tab.get_by_label("budget", exact=True).select_option("20%")
    tab.get_by_label("sampler", exact=True).fill("unit")
    tab.locator("#summary th", has_text="regret").get_by_role("button").click()
    tab.locator("#legend button").first.click()
    seen = view_of(tab)
    assert seen[0] == "6 of 432 rows, 6 samplers" and len(seen[2]) == 5
    again = show(samplers_board, f"#{tab.url.partition('#')[2]}")
    assert view_of(again) == seen
    again.evaluate("location.hash = '#budget=80%25&dataset=nowhere&tier=%3Cb%3E&sort=constructor'")
    again.wait_for_function("document.querySelector('#count').textContent.startsWith('12 of')")
    assert again.get_by_label("data set").evaluate("each => each.selectedOptions[0].text") == "toy"


def test_an_entry_has_the_command_that_makes_it_again(show: Show, samplers_board: BoardPage) -> None:
    tab = show(samplers_board, permissions=["clipboard-read", "clipboard-write"])
    opener = tab.locator("#entries").get_by_role("button", name="20260301-bb")
    opener.focus()
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog", name="20260301-bb.json")
    said = dialog.inner_text()
    assert "re-run" in said and "A. Person" in said and "s0: mine 1.0; none" in said
    assert dialog.get_by_role("link", name="example.org").get_attribute("href") == "https://example.org/mine"
    assert dialog.get_by_role("link", name="file").get_attribute("href") == "entries/20260301-bb.json"
    dialog.get_by_role("button", name="Copy").click()
    dialog.get_by_text("copied").wait_for()
    assert tab.evaluate("navigator.clipboard.readText()") == "recbench run toys --dataset 'my data' --full-seeds 2"
    assert "entry=20260301-bb.json" in tab.url
    tab.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert "entry=" not in tab.url and opener.evaluate("each => each === document.activeElement")
    linked = show(samplers_board, "#entry=20260101-aa.json")
    assert "self-reported" in linked.get_by_role("dialog").inner_text()


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [("samplers", "light"), ("samplers", "dark"), ("algorithms", "dark"), ("synthesisers", "light")],
)
def test_axe_finds_nothing_in_either_theme(show: Show, boards: dict[str, BoardPage], kind: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = show(boards[kind], "#q=1", color_scheme=scheme)  # a few rows: axe looks at every cell
    assert tab.locator("#rows tbody tr").count() > 2
    assert Axe().run(tab).response["violations"] == []
    tab.locator("#entries tbody button").first.click()
    assert Axe().run(tab, context="dialog").response["violations"] == []


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_button_changes_the_theme_and_curves_stand_out_in_both(show: Show, samplers_board: BoardPage) -> None:
    tab = show(samplers_board, color_scheme="light")
    for button in tab.locator("#legend [aria-pressed=false]").all()[:2]:
        button.click()
    papers = []
    for _ in range(2):
        paper, *hues = tab.evaluate(
            "[getComputedStyle(document.querySelector('.plot')).backgroundColor,"
            "...[...document.querySelectorAll('#plot-budget polyline')].map(each => getComputedStyle(each).stroke)]"
        )
        papers.append(luminance(paper))
        assert len(set(hues)) == 8
        for hue in hues:
            low, high = sorted((luminance(hue), papers[-1]))
            assert (high + 0.05) / (low + 0.05) >= 3, hue
        tab.get_by_role("button", name="Dark").click()
    assert papers[0] > 0.9 and papers[1] < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_sticks_out_at_400_pixels(show: Show, boards: dict[str, BoardPage], kind: str) -> None:
    tab = show(boards[kind], width=400)
    assert not overflows(tab)
    assert tab.locator("#summary tbody th").first.is_visible()
    tab.locator("#entries tbody button").first.click()
    assert tab.get_by_role("dialog").evaluate("each => each.scrollWidth <= each.clientWidth") and not overflows(tab)


def test_the_best_algorithm_has_the_lowest_error_or_the_highest_gain(show: Show, algorithms_board: BoardPage) -> None:
    tab = show(algorithms_board)
    assert column(tab, "summary", "algorithm") == ["a10", "a11", "a12", "a13"]
    assert column(tab, "rows", "hyper-parameters")[0] == "l2=0.0,latent=8"
    tab.get_by_label("feedback").select_option("implicit")
    assert column(tab, "summary", "algorithm") == ["a13", "a12", "a11", "a10"]
    assert column(tab, "summary", "mean value")[0] == "0.5000" and tab.locator("#legend").count() == 0


def test_fake_users_are_plotted_by_their_number(show: Show, synthesisers_board: BoardPage) -> None:
    tab = show(synthesisers_board)
    assert column(tab, "summary", "sampler") == ["distill-cf[steps=10]", "random[share=1]"]
    tab.get_by_label("algorithm").select_option("ease")
    assert tab.locator("#plot-budget .marker").count() == 6
    axis = set(tab.locator("#plot-budget .axis text").all_text_contents())
    assert {"100users", "500users", "users (log scale)"} <= axis
    assert column(tab, "rows", "full data")[0] == "0.3400"
    assert column(tab, "rows", "share")[0] == "0.94" and column(tab, "rows", "of the share")[0] == "0.91 to 0.97"


HOSTILE = (
    "<img src=x onerror=window.hit=1>", "</script><script>window.hit=1</script>", "<!--<script>", "\"'`&amp;<b>",
    "\u202egnp.exe\u202c\u2066", "javascript:window.hit=1", "__proto__", "x" * 5000, "\u05d0\u05d1\u05d2 <i>",
    "${window.hit=1}", "\u2028\u2029\x00",
)  # fmt: skip


@pytest.mark.parametrize("width", [1280, 400])
def test_hostile_text_is_shown_and_does_nothing(show: Show, samplers_board: BoardPage, width: int) -> None:
    honest = samplers_board.rows[:6]
    rows = [replace(row, sampler=text, metric=text, dataset=text, note=text) for text in HOSTILE for row in honest]
    first = replace(
        samplers_board.entries[0],
        date=HOSTILE[0], recbench=HOSTILE[1], devices=HOSTILE[7], submitter=HOSTILE[4], link=HOSTILE[5],
        commands=HOSTILE, facts=tuple(zip(HOSTILE, HOSTILE, strict=True)),
    )  # fmt: skip
    entries = (first, *(replace(first, name=text) for text in HOSTILE), *samplers_board.entries[1:])
    page = replace(samplers_board, suite=HOSTILE[1], rows=tuple(rows), entries=entries)
    tab = show(page, "#dataset=*&metric=*", width=width)
    assert count(tab) == f"{len(rows)} of {len(rows)} rows, {len(HOSTILE)} samplers"
    shown = column(tab, "summary", "sampler")
    assert {HOSTILE[0], HOSTILE[1], HOSTILE[6], HOSTILE[7], "\ufffdgnp.exe\ufffd\ufffd"} <= set(shown)
    tab.get_by_label("data set").select_option(HOSTILE[1])
    tab.get_by_label("sampler", exact=True).fill("</script>")
    assert column(tab, "summary", "sampler") == [HOSTILE[1]] and tab.url.count("<") == 0
    assert not overflows(tab)
    tab.locator("#entries").get_by_role("button", name=HOSTILE[0]).click()
    dialog = tab.get_by_role("dialog")
    assert dialog.evaluate("each => each.scrollWidth <= each.clientWidth")
    assert HOSTILE[1] in dialog.locator("pre").all_inner_texts() and "javascript:" in dialog.inner_text()
    (link,) = dialog.get_by_role("link").all()  # what is no https address is none
    assert link.get_attribute("href").startswith("entries/")
    assert tab.evaluate("window.hit") is None and tab.evaluate("document.scripts.length") == 2
    assert tab.locator("img, iframe, b, i").count() == 0
