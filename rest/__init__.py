"""The manners of the REST API: problem details, cursors, entity tags, idempotency, rate limits. Knows no other app."""
