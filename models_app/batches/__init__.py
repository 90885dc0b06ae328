"""One operation on many models: what is chosen, what will happen, and how it is done."""
