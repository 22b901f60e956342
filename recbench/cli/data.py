"""``recbench data``: fetch a data set, look at one, convert one."""

from __future__ import annotations

from pathlib import Path

import click

from recbench import registry
from recbench.cli.options import Reading, reading_options
from recbench.cli.tables import json_option, note, print_record
from recbench.contracts.errors import UnknownNameError
from recbench.contracts.labels import Label


@click.group("data")
def data() -> None:
    """Fetch data sets, look at them, convert them."""


@data.command("fetch")
@click.argument("name")
@click.option("--offline", is_flag=True, help="Only check that it is here.")
def fetch_command(name: str, offline: bool) -> None:
    """Bring a data set of the catalogue here and print where its file is.

    Files are kept in RECBENCH_CACHE, or the system's folder for caches; a file in the folder that RECBENCH_DATA names
    is used where it lies.
    """
    # Imported here: listing commands needs neither Polars nor pydantic.
    from recbench.data.download import network
    from recbench.data.entry import catalogue_entry, catalogue_file

    entry = registry.default().get("datasets", Label.parse(name).name)
    try:
        found = catalogue_entry(entry.spec.name)
    except UnknownNameError:
        note(f"{name} comes with {entry.distribution}: there is nothing to fetch")
        return
    with network(offline=offline):
        click.echo(catalogue_file(found))


@data.command("info")
@click.argument("name_or_file")
@reading_options
@json_option
def info_command(name_or_file: str, reading: Reading, as_json: bool) -> None:
    """Show counts, ranges, ties, split, checksum, licence and citation of a data set or a file."""
    from recbench.data.summary import summarise

    print_record(summarise(reading.dataset(name_or_file)), as_json=as_json)


@data.command("convert")
@click.argument("name_or_file")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace OUT if it is there.")
@reading_options
def convert_command(name_or_file: str, out: Path, force: bool, reading: Reading) -> None:
    """Write a data set or a file as OUT: csv, tsv, parquet or RecBole's inter, by its suffix.

    Original ids are kept. Rows are written by user and time.
    """
    from recbench.data.frames import dataset_log
    from recbench.data.writers import check_target, write_log

    check_target(out, overwrite=force)
    log = dataset_log(reading.dataset(name_or_file))
    write_log(log, out, overwrite=force)
    note(f"{log.height:,} rows written to {out}")
