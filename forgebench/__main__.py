"""`python -m forgebench` is the command `forgebench`."""

from forgebench.cli import main

main()
