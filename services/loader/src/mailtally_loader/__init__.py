"""mailtally-loader: loads day files into the database and archives them."""
