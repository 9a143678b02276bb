"""Runs the migrations on the connection that `harness.store.engine` hands over."""

from alembic import context

from harness.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
