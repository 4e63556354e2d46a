"""Video on demand: recordings listed, played (HLS by byte ranges), downloaded and deleted over HTTP."""
