"""What people see: a dataclass goes in, a text, an embed or a file comes out; it never decides."""
