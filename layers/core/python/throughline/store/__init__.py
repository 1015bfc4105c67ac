"""The tables: one file a table, one function an access pattern with its id. The only place that knows pynamodb."""
