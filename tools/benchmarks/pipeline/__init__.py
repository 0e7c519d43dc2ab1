"""The cost of mailtally itself, by stage and as a whole, busy and idle."""
