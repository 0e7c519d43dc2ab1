"""The billing database: its tables, their migrations, and how it is spoken to."""
