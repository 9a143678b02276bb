"""The tables: runs, samples, and what was found on each. docs/store.md describes every column.

Columns are named so that a plain SQL query needs no quotes (`case` is a word of SQL's, hence `case_name`).
A change here needs a migration in `migrations/versions`; a test holds the two against each other.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(column_0_N_label)s",
    }
)

_Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up by itself only where the type is exactly INTEGER."""


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept in UTC; SQLite has no time zones, so what comes back from it is given UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC. Raises `ValueError` for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be kept")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From what the database hands out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


toolchains = Table(
    "toolchains",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("versions", JSON, nullable=False),
)
"""The exact tools, once however many runs they made."""

runs = Table(
    "runs",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("label", Text, nullable=False, index=True),
    Column("started", UtcTime, nullable=False, index=True),
    Column("ended", UtcTime),
    Column("state", String(16), nullable=False),
    Column("toolchain_id", ForeignKey("toolchains.id"), nullable=False),
    Column("rubric", String(32), nullable=False),
    Column("code", String(64), nullable=False),
    Column("settings", JSON, nullable=False),
    Column("holes", JSON, nullable=False),
)
"""`state` is running, finished or interrupted; `code` the digest of Assay's own code; `settings` what a resumed run needs."""

samples = Table(
    "samples",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("case_name", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("sample", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("folder", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("control", String(8)),
    Column("control_kind", Text),
    Column("training_quality", Float),
    Column("response_quality", Float),
    Column("band", String(8)),
    Column("converged", Boolean),
    Column("unclassified", Integer),
    Column("resources", Integer),
    Column("wall", Float),
    Column("cpu", Float),
    Column("error", Text),
    Column("response_digest", String(64)),
    Column("ideal_digest", String(64)),
    Column("ended", UtcTime),
    UniqueConstraint("run_id", "case_name", "model", "sample", "attempt"),
    Index("ix_samples_case_name_model", "case_name", "model"),
    Index("ix_samples_run_id_state", "run_id", "state", "position"),
)
"""One response of one model to one case. `state` is planned, done, or error: Assay could not evaluate it."""

gate_results = Table(
    "gate_results",
    metadata,
    Column("sample_id", ForeignKey("samples.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("variant", String(16), primary_key=True),
    Column("gate", String(64), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("reason", Text),
    sqlite_with_rowid=False,
)
"""The verdicts on the response, the ideal, and the tree at which the walk ended (repaired)."""

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("rule", Text, nullable=False, index=True),
    Column("symbol", Text, nullable=False, index=True),
    Column("symbols", JSON, nullable=False),
    Column("documentation", Text, nullable=False),
)
"""What a failure is called in every run and for every model. `symbol` is the most telling of its symbols."""

failures = Table(
    "failures",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("sample_id", ForeignKey("samples.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("fingerprint_id", ForeignKey("fingerprints.id"), nullable=False, index=True),
    Column("name", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("category", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("file", Text),
    Column("line", Integer),
    Column("gate", String(64)),
    Column("statements", Integer, nullable=False),
    Column("fixes", Text, nullable=False),
    Index("ix_failures_run_id_severity", "run_id", "severity"),
)
"""`run_id` is the sample's, repeated so that a run's failures are counted without looking at its samples."""

fixes = Table(
    "fixes",
    metadata,
    Column("sample_id", ForeignKey("samples.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("name", String(32), primary_key=True),
    Column("title", Text, nullable=False),
    Column("statements", Integer, nullable=False),
    Column("load_bearing", Boolean, nullable=False),
    Column("step", Integer),
    Column("cures", Boolean, nullable=False),
    Column("isolation", Text, nullable=False),
    sqlite_with_rowid=False,
)

artefacts = Table(
    "artefacts",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""Bytes by their SHA-256, compressed with zlib: what many samples share is kept once. `size` is before compression."""

sample_artefacts = Table(
    "sample_artefacts",
    metadata,
    Column("sample_id", ForeignKey("samples.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("name", String(255), primary_key=True),
    Column("digest", ForeignKey("artefacts.digest"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

VIEWS = {
    "sample_rows": """
        SELECT s.id AS sample_id, r.name AS run, r.label, r.started, s.case_name, s.model, s.sample, s.attempt, s.state, s.control,
               s.training_quality, s.response_quality, s.band, s.converged, s.unclassified, s.resources, s.wall, s.cpu, s.error
        FROM samples s JOIN runs r ON r.id = s.run_id""",
    "failure_rows": """
        SELECT f.id AS failure_id, s.id AS sample_id, r.name AS run, r.label, r.started, s.case_name, s.model, s.sample, s.attempt, f.name, p.fingerprint,
               p.rule, p.symbol, f.severity, f.category, f.title, f.file, f.line, f.gate, f.statements, p.documentation
        FROM failures f JOIN samples s ON s.id = f.sample_id JOIN runs r ON r.id = s.run_id JOIN fingerprints p ON p.id = f.fingerprint_id""",
    "gate_rows": """
        SELECT s.id AS sample_id, r.name AS run, r.label, r.started, s.case_name, s.model, s.sample, s.attempt, g.variant, g.gate, g.status, g.reason
        FROM gate_results g JOIN samples s ON s.id = g.sample_id JOIN runs r ON r.id = s.run_id""",
}
"""What `assay query` is easiest with: everything about a sample, a failure or a verdict in one row."""
