"""The tables of the run store."""

from sqlalchemy import Column, Double, Index, Integer, MetaData, String, Table, Text

SCHEMA = 1
ID_LENGTH = 80

metadata = MetaData()

meta = Table(
    "meta", metadata, Column("key", String(40), primary_key=True), Column("value", String(200), nullable=False)
)

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(ID_LENGTH), nullable=False, unique=True),
    Column("task", Text, nullable=False),
    Column("method", String(40), nullable=False),
    Column("config", Text, nullable=False),
    Column("status", String(20), nullable=False, index=True),
    Column("created", Double, nullable=False),
    Column("queued", Double, nullable=False),
    Column("started", Double),
    Column("ended", Double),
    Column("error", Text),
    Column("machine", String(255)),
    Column("pid", Integer),
    Column("process_started", Double),
    Column("heartbeat", Double),
    Column("attempt", Integer, nullable=False, default=0),
    Column("result", Text),
    Column("tags", Text, nullable=False),
    Column("notes", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("run", String(ID_LENGTH), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(20), nullable=False),
    Column("data", Text, nullable=False),
)
Index("events_by_kind", events.c.run, events.c.kind, events.c.seq)

workers = Table(
    "workers",
    metadata,
    Column("slot", String(20), primary_key=True),
    Column("machine", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", Double, nullable=False),
    Column("heartbeat", Double, nullable=False),
)

# Came later than the others: a database from before is given it when it is opened for writing.
latencies = Table(
    "latencies",
    metadata,
    Column("run", String(ID_LENGTH), primary_key=True),
    Column("measured", Double, nullable=False),
    Column("data", Text, nullable=False),
)
