"""What the documentation takes from the code: pages, pictures, schemas, and the hooks of mkdocs."""
