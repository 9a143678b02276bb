"""The first tables: runs, samples, gate results, failures, fixes, artefacts, toolchains; views for queries by hand.

A migration never imports the schema: it says what was true when it was written.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and the views."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "artefacts",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_artefacts")),
    )
    op.create_table(
        "fingerprints",
        sa.Column("id", key, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("symbols", sa.JSON(), nullable=False),
        sa.Column("documentation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fingerprints")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_fingerprints_fingerprint")),
    )
    op.create_index(op.f("ix_fingerprints_rule"), "fingerprints", ["rule"], unique=False)
    op.create_index(op.f("ix_fingerprints_symbol"), "fingerprints", ["symbol"], unique=False)
    op.create_table(
        "toolchains",
        sa.Column("id", key, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_toolchains")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_toolchains_fingerprint")),
    )
    op.create_table(
        "runs",
        sa.Column("id", key, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("toolchain_id", key, nullable=False),
        sa.Column("rubric", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("holes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["toolchain_id"], ["toolchains.id"], name=op.f("fk_runs_toolchain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("name", name=op.f("uq_runs_name")),
    )
    op.create_index(op.f("ix_runs_label"), "runs", ["label"], unique=False)
    op.create_index(op.f("ix_runs_started"), "runs", ["started"], unique=False)
    op.create_table(
        "samples",
        sa.Column("id", key, nullable=False),
        sa.Column("run_id", key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("case_name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("control", sa.String(length=8), nullable=True),
        sa.Column("control_kind", sa.Text(), nullable=True),
        sa.Column("training_quality", sa.Float(), nullable=True),
        sa.Column("response_quality", sa.Float(), nullable=True),
        sa.Column("band", sa.String(length=8), nullable=True),
        sa.Column("converged", sa.Boolean(), nullable=True),
        sa.Column("unclassified", sa.Integer(), nullable=True),
        sa.Column("resources", sa.Integer(), nullable=True),
        sa.Column("wall", sa.Float(), nullable=True),
        sa.Column("cpu", sa.Float(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("response_digest", sa.String(length=64), nullable=True),
        sa.Column("ideal_digest", sa.String(length=64), nullable=True),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_samples_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
        sa.UniqueConstraint("run_id", "case_name", "model", "sample", "attempt", name=op.f("uq_samples_run_id_case_name_model_sample_attempt")),
    )
    op.create_index("ix_samples_case_name_model", "samples", ["case_name", "model"], unique=False)
    op.create_index("ix_samples_run_id_state", "samples", ["run_id", "state", "position"], unique=False)
    op.create_table(
        "failures",
        sa.Column("id", key, nullable=False),
        sa.Column("sample_id", key, nullable=False),
        sa.Column("run_id", key, nullable=False),
        sa.Column("fingerprint_id", key, nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("gate", sa.String(length=64), nullable=True),
        sa.Column("statements", sa.Integer(), nullable=False),
        sa.Column("fixes", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["fingerprint_id"], ["fingerprints.id"], name=op.f("fk_failures_fingerprint_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_failures_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["sample_id"], ["samples.id"], name=op.f("fk_failures_sample_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failures")),
    )
    op.create_index(op.f("ix_failures_fingerprint_id"), "failures", ["fingerprint_id"], unique=False)
    op.create_index("ix_failures_run_id_severity", "failures", ["run_id", "severity"], unique=False)
    op.create_index(op.f("ix_failures_sample_id"), "failures", ["sample_id"], unique=False)
    op.create_table(
        "fixes",
        sa.Column("sample_id", key, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("statements", sa.Integer(), nullable=False),
        sa.Column("load_bearing", sa.Boolean(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("cures", sa.Boolean(), nullable=False),
        sa.Column("isolation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["samples.id"], name=op.f("fk_fixes_sample_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sample_id", "name", name=op.f("pk_fixes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "gate_results",
        sa.Column("sample_id", key, autoincrement=False, nullable=False),
        sa.Column("variant", sa.String(length=16), nullable=False),
        sa.Column("gate", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["sample_id"], ["samples.id"], name=op.f("fk_gate_results_sample_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sample_id", "variant", "gate", name=op.f("pk_gate_results")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sample_artefacts",
        sa.Column("sample_id", key, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["artefacts.digest"], name=op.f("fk_sample_artefacts_digest")),
        sa.ForeignKeyConstraint(["sample_id"], ["samples.id"], name=op.f("fk_sample_artefacts_sample_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sample_id", "name", name=op.f("pk_sample_artefacts")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_sample_artefacts_digest"), "sample_artefacts", ["digest"], unique=False)
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


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
