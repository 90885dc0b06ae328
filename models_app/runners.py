"""The types of task of servers and models."""
