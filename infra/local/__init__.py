"""The stack on one machine. Nothing in here is imported by what is deployed."""
