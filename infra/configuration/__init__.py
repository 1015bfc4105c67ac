"""The configuration of a contact centre: declared in YAML, checked, applied, kept with its history."""
