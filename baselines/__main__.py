"""`python -m baselines`: train, export and study the reference methods."""

from baselines.cli import main

main()
