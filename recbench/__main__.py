"""``python -m recbench``: the command line."""

from __future__ import annotations

from recbench.cli.main import main

if __name__ == "__main__":
    main()
