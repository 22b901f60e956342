"""The pages of a board with a thousand entries: the seconds it takes to build them, and their size."""

from __future__ import annotations

import boards
import pytest


@pytest.mark.slow
def test_a_thousand_entries(benchmark, tmp_path):
    folder = boards.made_board(tmp_path, 1000)
    found = benchmark.pedantic(boards.built, (folder,), rounds=1)
    benchmark.extra_info.update(found)
    assert found["entries"] == 1000 and found["html_mb"] <= 5
