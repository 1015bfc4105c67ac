"""What Chalice does not make, and the stack on one machine."""
