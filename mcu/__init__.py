"""The conferencing server's heart: the conference, its media, its control API and its gateways."""
