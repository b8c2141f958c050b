"""What every process stands on: settings, database, outbox, blobs, search engines, errors, ids, clock, logs."""
