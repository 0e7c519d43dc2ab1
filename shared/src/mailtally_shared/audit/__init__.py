"""The audit: does everything add up? The checks of ``mailtally doctor``, without I/O. Pure."""
