"""The messages of RFC 4475 and RFC 5118: each torments a SIP stack in one way that the RFC names."""
