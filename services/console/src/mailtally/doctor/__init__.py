"""``mailtally doctor``: is the site healthy, and do the sums of RULES section 6 hold?"""
