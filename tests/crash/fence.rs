//! The fence: older copies, and two writers.
