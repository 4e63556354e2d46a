"""How much the network to one receiver carries, by delay and loss (draft-ietf-rmcat-gcc-02). Time is passed in."""
