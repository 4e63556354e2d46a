"""Pure geometry: where the tiles of a picture lie and who sits in them."""
