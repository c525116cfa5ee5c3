//! Kills: a real child under load, killed at any moment.
