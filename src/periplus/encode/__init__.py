"""From a photo to what is searched: vectors and words."""
