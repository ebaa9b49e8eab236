"""Tables that values are looked up in by keys."""
