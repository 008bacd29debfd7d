//! acme-service.
