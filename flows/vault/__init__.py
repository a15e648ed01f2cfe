"""Where evidence is kept: a write-once store, the signed log, receipts and keys."""
