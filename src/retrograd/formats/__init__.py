"""File formats and protocol messages."""
