"""How programs reach a server: by which URL from where, and what to paste into them."""
