//! Holds the floors.
