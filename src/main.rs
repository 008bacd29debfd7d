//! The stagefold program.

fn main() {}
