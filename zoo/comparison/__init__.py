"""The same data, networks, budget and seeds for a list of models: one table, one page."""
