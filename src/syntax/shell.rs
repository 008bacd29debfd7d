//! Shell scripts.
