"""What is true: messages, customers, conversations, routing, errors. Standard library only; no clock, no I/O."""
