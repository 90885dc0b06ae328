"""Chinese as it is written in mainland China."""
