"""An index by which messages that were sent are swept away, past those that wait."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_webhook_deliveries_state_id"), "webhook_deliveries", ["state", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_webhook_deliveries_state_id"), table_name="webhook_deliveries")
