"""The pages of models and servers."""
