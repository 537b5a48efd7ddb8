"""The sources of the documentation site; its pages are Markdown, and `generate/` writes what comes from the code."""
