"""A deployment whose providers do what they like, judged from the outside: docs/provider-chaos.md."""
