"""The one place that makes HTML."""
