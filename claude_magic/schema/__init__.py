"""JSON schemas of Python types, and values that fit them. Knows neither IPython nor the CLI."""

from claude_magic.schema.schema import MismatchError, Schema, schema_of

__all__ = ["MismatchError", "Schema", "schema_of"]
