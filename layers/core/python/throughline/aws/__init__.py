"""Queues, sockets, secrets and blobs on AWS."""
