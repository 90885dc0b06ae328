"""What every part of the JSON API shares: errors, pages, permissions, strict input, the schema."""
