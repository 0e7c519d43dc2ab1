"""The day writer: which days are due, and writing them."""
