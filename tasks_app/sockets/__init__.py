"""The web side of live events: who may hear, what is sent, and one pump for each process."""
