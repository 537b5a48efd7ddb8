"""Speed and memory, measured by hand: never timed in a test."""
