//! Confirm
