"""What the server says to its clients, recorded for the tests of the clients: ``python -m tests.recordings``."""
