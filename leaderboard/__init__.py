"""The board: a static site made from result records, and a submission service around it."""
