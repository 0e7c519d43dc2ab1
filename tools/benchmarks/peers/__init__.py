"""The peers: alternatives to mailtally, with bare sums and no care for hostile lines."""
