"""The version of the suite, written into everything it makes."""

VERSION = "0.1.0"
