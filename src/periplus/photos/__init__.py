"""Opening a picture: formats, limits, orientation, EXIF and sidecars."""
