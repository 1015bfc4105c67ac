"""The WebSocket and the REST API written for programs: what docs/asyncapi.json and docs/openapi.json are made from."""
