"""Search by name that forgives typing errors, with an index of trigrams in the database."""
