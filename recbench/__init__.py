"""recbench: does training on a sample still pick the same recommendation algorithm?

What is named here is the public interface; nothing else is promised. Names that need JAX, Flax, Polars or pydantic are
imported when they are first used, so that ``from recbench import hookimpl`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from recbench.contracts.errors import RecbenchError
from recbench.contracts.hookspecs import hookimpl
from recbench.contracts.records import (
    Agreement,
    Budget,
    Dataset,
    Feedback,
    Interactions,
    Provenance,
    RunRecord,
    Sample,
    Split,
    Synthesis,
)
from recbench.contracts.specs import (
    AlgorithmSpec,
    CommandSpec,
    DatasetSpec,
    ExecutorSpec,
    MetricSpec,
    Parameter,
    SamplerSpec,
)

if TYPE_CHECKING:
    from recbench.bench.agreement import agreement
    from recbench.bench.lists import evaluate_lists
    from recbench.bench.parts import publish
    from recbench.bench.quality import quality
    from recbench.bench.recommend import recommend
    from recbench.bench.runner import run_suite
    from recbench.bench.sample import SampleDrawer, draw_sample
    from recbench.bench.session import evaluate, fit
    from recbench.bench.standings import standings
    from recbench.bench.store import load_results
    from recbench.bench.suite import load_suite
    from recbench.bench.synthesis import load_synthesis, save_synthesis
    from recbench.bench.whole import whole_split
    from recbench.cli.options import Reading, reading_options
    from recbench.cli.tables import Column, json_option, note, print_record, print_table
    from recbench.contracts.batches import (
        PairsBatch,
        Query,
        RankedTest,
        RatingsBatch,
        RowsBatch,
        SequencesBatch,
        TrainMatrix,
    )
    from recbench.contracts.protocols import (
        BatchKind,
        Hyper,
        ModelShape,
        SamplerContext,
        Stage,
        StepContext,
    )
    from recbench.data.arrays import arrays_dataset
    from recbench.data.catalogue import catalogue_entries
    from recbench.data.entry import catalogue_dataset
    from recbench.data.noise import corrupt
    from recbench.data.readers import frame_dataset, load_dataset, read_log
    from recbench.data.split import make_split
    from recbench.engine.draws import dropout
    from recbench.engine.propensity import inverse_propensity
    from recbench.engine.tables import ItemTable, UserTable, look_up
    from recbench.registry import register

__version__ = version("recbench")

_LAZY = {
    "agreement": "recbench.bench.agreement",
    "arrays_dataset": "recbench.data.arrays",
    "catalogue_dataset": "recbench.data.entry",
    "catalogue_entries": "recbench.data.catalogue",
    "corrupt": "recbench.data.noise",
    "draw_sample": "recbench.bench.sample",
    "dropout": "recbench.engine.draws",
    "evaluate": "recbench.bench.session",
    "evaluate_lists": "recbench.bench.lists",
    "fit": "recbench.bench.session",
    "frame_dataset": "recbench.data.readers",
    "inverse_propensity": "recbench.engine.propensity",
    "load_dataset": "recbench.data.readers",
    "load_results": "recbench.bench.store",
    "load_suite": "recbench.bench.suite",
    "load_synthesis": "recbench.bench.synthesis",
    "make_split": "recbench.data.split",
    "quality": "recbench.bench.quality",
    "read_log": "recbench.data.readers",
    "recommend": "recbench.bench.recommend",
    "register": "recbench.registry",
    "run_suite": "recbench.bench.runner",
    "save_synthesis": "recbench.bench.synthesis",
    "SampleDrawer": "recbench.bench.sample",
    "standings": "recbench.bench.standings",
    "whole_split": "recbench.bench.whole",
    # What the commands of plugins share with the built-in ones.
    "Column": "recbench.cli.tables",
    "Reading": "recbench.cli.options",
    "json_option": "recbench.cli.tables",
    "note": "recbench.cli.tables",
    "print_record": "recbench.cli.tables",
    "print_table": "recbench.cli.tables",
    "publish": "recbench.bench.parts",
    "reading_options": "recbench.cli.options",
    "BatchKind": "recbench.contracts.protocols",
    "Hyper": "recbench.contracts.protocols",
    "ModelShape": "recbench.contracts.protocols",
    "SamplerContext": "recbench.contracts.protocols",
    "Stage": "recbench.contracts.protocols",
    "StepContext": "recbench.contracts.protocols",
    "PairsBatch": "recbench.contracts.batches",
    "Query": "recbench.contracts.batches",
    "RankedTest": "recbench.contracts.batches",
    "RatingsBatch": "recbench.contracts.batches",
    "RowsBatch": "recbench.contracts.batches",
    "SequencesBatch": "recbench.contracts.batches",
    "TrainMatrix": "recbench.contracts.batches",
    "ItemTable": "recbench.engine.tables",
    "look_up": "recbench.engine.tables",
    "UserTable": "recbench.engine.tables",
}

__all__ = [
    "Agreement",
    "AlgorithmSpec",
    "BatchKind",
    "Budget",
    "Column",
    "CommandSpec",
    "Dataset",
    "DatasetSpec",
    "ExecutorSpec",
    "Feedback",
    "Hyper",
    "Interactions",
    "ItemTable",
    "MetricSpec",
    "ModelShape",
    "PairsBatch",
    "Parameter",
    "Provenance",
    "Query",
    "RankedTest",
    "RatingsBatch",
    "Reading",
    "RecbenchError",
    "RowsBatch",
    "RunRecord",
    "Sample",
    "SampleDrawer",
    "SamplerContext",
    "SamplerSpec",
    "SequencesBatch",
    "Split",
    "Stage",
    "StepContext",
    "Synthesis",
    "TrainMatrix",
    "UserTable",
    "agreement",
    "arrays_dataset",
    "catalogue_dataset",
    "catalogue_entries",
    "corrupt",
    "draw_sample",
    "dropout",
    "evaluate",
    "evaluate_lists",
    "fit",
    "frame_dataset",
    "hookimpl",
    "inverse_propensity",
    "json_option",
    "load_dataset",
    "load_results",
    "load_suite",
    "load_synthesis",
    "look_up",
    "make_split",
    "note",
    "print_record",
    "print_table",
    "publish",
    "quality",
    "read_log",
    "reading_options",
    "recommend",
    "register",
    "run_suite",
    "save_synthesis",
    "standings",
    "whole_split",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'recbench' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
