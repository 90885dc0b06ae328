"""System checks: each says how to mend what it finds."""
