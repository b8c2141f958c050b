"""Parquet: the table of CSV with typed columns, for those who have pyarrow (the extra `parquet`)."""

from collections.abc import Iterator
from typing import Any

from annotations.exchange import rows
from annotations.exchange.classes import ClassTable
from annotations.exchange.csv_format import TABLE as TABLE
from annotations.exchange.losses import Losses
from annotations.exchange.model import Files, Found, ImageStream, Options, Piece, ReadOptions, Refused
from annotations.exchange.pieces import Sink
from app.runtime.errors import Invalid

NAME = "annotations.parquet"
GROUP = 5_000  # rows that are written and read at once


def write(stream: ImageStream, classes: ClassTable, losses: Losses, _options: Options) -> Iterator[Piece]:
    """`annotations.parquet`. Raises Invalid where pyarrow is not installed."""
    arrow, parquet = _arrow()
    schema, sink = _schema(arrow), Sink()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        batch: list[dict[str, Any]] = []
        for image, statements in stream:
            losses.image(len(statements))
            for one in statements:
                if classes.of_statement(one, losses) is None:
                    continue
                batch.append(rows.of_statement(image, one))
                losses.wrote(one)
            if not statements:
                batch.append(rows.of_image(image))
            if len(batch) >= GROUP:
                writer.write_table(_table(arrow, batch, schema))
                batch = []
                yield NAME, sink.taken()
        if batch:
            writer.write_table(_table(arrow, batch, schema))
    yield NAME, sink.taken()


def read(files: Files, _options: ReadOptions) -> Iterator[Found]:
    """Every `.parquet` file. Raises Invalid where there is none, and where pyarrow is not installed."""
    arrow, parquet = _arrow()
    names = [name for name in files.names() if name.lower().endswith(".parquet")]
    if not names:
        raise Invalid("There is no Parquet file.")
    for name in names:
        with files.open(name) as stream:
            try:
                yield from _rows(parquet.ParquetFile(stream), name)
            except (arrow.ArrowException, OSError) as error:
                raise Invalid(f"{name[:200]} is no Parquet that can be read: {str(error)[:100]}") from error


def _rows(file: Any, name: str) -> Iterator[Found]:
    place = 0
    columns = [column for column in rows.COLUMNS if column in file.schema_arrow.names]
    for batch in file.iter_batches(batch_size=GROUP, columns=columns):
        for row in batch.to_pylist():
            place += 1
            where = f"{name}: row {place}"
            try:
                yield rows.read(row, where)
            except ValueError as error:
                yield Refused(where, str(error))


def _schema(arrow: Any) -> Any:
    types = dict.fromkeys(rows.NUMBERS, arrow.float64()) | dict.fromkeys(rows.WHOLE, arrow.int32())
    types |= dict.fromkeys(rows.FLAGS, arrow.bool_())
    return arrow.schema([(name, types.get(name, arrow.string())) for name in rows.COLUMNS])


def _table(arrow: Any, batch: list[dict[str, Any]], schema: Any) -> Any:
    return arrow.Table.from_pylist([{name: row.get(name) for name in rows.COLUMNS} for row in batch], schema=schema)


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as missing:
        raise Invalid("Parquet needs the extra `parquet`: install lectotype[parquet].", parameter="format") from missing
    return pyarrow, pyarrow.parquet
