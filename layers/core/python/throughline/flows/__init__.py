"""What happens: one verb a file. No AWS; everything the world must do comes in as a port."""
