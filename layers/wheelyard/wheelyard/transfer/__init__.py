"""What goes out and comes in whole: a static export, and the import of other indexes."""
