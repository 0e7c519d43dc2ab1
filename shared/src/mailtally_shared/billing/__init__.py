"""The billing database: its tables, their migrations, queries and connections."""
