"""Guards between a broker and kombu: nothing that a sender wrote reaches kombu's decoders."""
