"""Reference methods: one folder each."""
