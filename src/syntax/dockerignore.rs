//! Ignore files of the build context.
