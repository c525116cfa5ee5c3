//! Loose artefacts.
