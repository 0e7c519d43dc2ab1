"""What aggregators kept aside: shown, counted after all, or dropped."""
