"""Throughline: one customer, one thread, whichever channel they write on."""
