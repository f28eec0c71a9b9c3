"""Local features of a picture and their compact store."""
