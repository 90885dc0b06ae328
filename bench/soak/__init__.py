"""The soak: hours of use in minutes, and whether anything grows that has to stay level."""
