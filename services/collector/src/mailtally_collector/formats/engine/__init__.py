"""What all formats share: names, columns, reasons, and the protocol of a format."""
