"""In order."""
