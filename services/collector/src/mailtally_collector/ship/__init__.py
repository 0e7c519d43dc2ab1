"""Ship: register with the cluster, and publish batches until the ledger has them."""
