"""The providers' side, played on this machine: their send APIs, their media, their receipts."""
