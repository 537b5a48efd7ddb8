"""SAPL."""
