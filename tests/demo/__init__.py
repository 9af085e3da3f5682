"""What people see: files, pages and words, made from computed statements."""
