"""The promises under attack: `make chaos` runs every part with a seed and prints what was tried and what broke."""
