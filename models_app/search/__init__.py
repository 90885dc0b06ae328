"""Search by name that forgives typing errors, and in what was said, by trigrams in the database."""
