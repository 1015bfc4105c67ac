"""The ports in memory, thread-safe, with the semantics of the real ones: tests/contract runs one suite over both."""
