"""mailtally itself: the parser alone, ``mailtally analyze``, and the whole pipeline."""
