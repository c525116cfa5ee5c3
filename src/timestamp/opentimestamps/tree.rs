//! The tree of a proof: messages, the operations that lead from one to the next, and what is attested of them.
//!
//! Source: `opentimestamps/core/timestamp.py` and `notary.py`. A message has branches: operations, each with a tree of its
//! own behind it, and attestations (`00`, a tag of 8 bytes, a string). Limits are those of [`super::proof`]. All but the last are marked by `ff`. Reading and
//! writing walk a list of what is open, so that depth costs no stack.
//!
//! Stricter: the same branch twice is refused (the reference keeps the last one). The order of branches is the
//! writer's and is kept, so what was read is written back byte for byte.

use super::bytes::{Bytes, write_number, write_string};
use super::error::{
    ADDRESS_BYTES_MAX, ATTESTATION_BYTES_MAX, ATTESTATION_COUNT_MAX, DEPTH_MAX, OPERATION_COUNT_MAX, ProofError,
};
use super::operation::{Message, Operation};

const FORK: u8 = 0xff;
const ATTESTATION: u8 = 0x00;
const TAG_BYTES: usize = 8;
const PENDING: [u8; TAG_BYTES] = [0x83, 0xdf, 0xe3, 0x0d, 0x2e, 0xf9, 0x0c, 0x8e];
const BITCOIN: [u8; TAG_BYTES] = [0x05, 0x88, 0x96, 0x0d, 0x73, 0xd7, 0x19, 0x01];

/// What is attested of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Attestation {
    /// A calendar has it, at this address.
    Pending(String),
    /// It is the Merkle root of Bitcoin's block at this height.
    Bitcoin(u64),
    /// Something that is not known here.
    Other([u8; TAG_BYTES], Vec<u8>),
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Branch {
    Attestation(Attestation),
    Step(Operation, usize),
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Node {
    message: Message,
    depth: usize,
    branches: Vec<Branch>,
}

/// A tree; the first node is its root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Attestation {
    fn read(bytes: &mut Bytes<'_>) -> Result<Self, ProofError> {
        let at = bytes.at();
        let tag: [u8; TAG_BYTES] = bytes.take(TAG_BYTES)?.try_into().expect("as many were taken");
        let payload = bytes.string(0, ATTESTATION_BYTES_MAX)?;
        let mut inside = Bytes::new(payload);
        let attestation = match tag {
            PENDING => {
                let address = inside.string(0, ADDRESS_BYTES_MAX)?;
                let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/:".contains(byte);
                let plain = address.iter().all(is_plain).then(|| String::from_utf8_lossy(address).into_owned());
                Self::Pending(plain.ok_or(ProofError::Address { at })?)
            }
            BITCOIN => Self::Bitcoin(inside.number()?),
            _ => return Ok(Self::Other(tag, payload.to_vec())),
        };
        inside.finish().map_err(|_| ProofError::Attestation { at })?;
        Ok(attestation)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        let (tag, payload) = match self {
            Self::Pending(address) => {
                write_string(&mut payload, address.as_bytes());
                (&PENDING, &payload)
            }
            Self::Bitcoin(height) => {
                write_number(&mut payload, *height);
                (&BITCOIN, &payload)
            }
            Self::Other(tag, payload) => (tag, payload),
        };
        out.push(ATTESTATION);
        out.extend_from_slice(tag);
        write_string(out, payload);
    }
}

impl Tree {
    /// Reads a tree over a message.
    pub(super) fn read(message: Vec<u8>, bytes: &mut Bytes<'_>) -> Result<Self, ProofError> {
        let first = Node { message: Message::Known(message), depth: 1, branches: Vec::new() };
        let mut tree = Self { nodes: vec![first] };
        let mut open = vec![0];
        while let Some(&at) = open.last() {
            let mut tag = bytes.byte()?;
            if tag == FORK {
                tag = bytes.byte()?;
            } else {
                open.pop(); // This branch is the last.
            }
            if tag == ATTESTATION {
                tree.check_room()?;
                tree.add(at, Branch::Attestation(Attestation::read(bytes)?), bytes.at())?;
                continue;
            }
            let operation = Operation::read(tag, bytes)?;
            open.push(tree.step(at, operation, bytes.at())?);
        }
        Ok(tree)
    }

    /// Checks that there may be one more attestation.
    fn check_room(&self) -> Result<(), ProofError> {
        let has_room = self.attestations().count() < ATTESTATION_COUNT_MAX;
        if has_room { Ok(()) } else { Err(ProofError::ManyAttestations) }
    }

    /// Adds a branch that is not there yet.
    fn add(&mut self, node: usize, branch: Branch, at: usize) -> Result<(), ProofError> {
        let branches = &mut self.nodes[node].branches;
        let is_same = |other: &Branch| match (other, &branch) {
            (Branch::Step(one, _), Branch::Step(other, _)) => one == other,
            (one, other) => one == other,
        };
        if branches.iter().any(is_same) {
            return Err(ProofError::Twice { at });
        }
        branches.push(branch);
        Ok(())
    }

    /// Adds a step from a node, and returns the node behind it.
    fn step(&mut self, node: usize, operation: Operation, at: usize) -> Result<usize, ProofError> {
        let from = &self.nodes[node];
        let behind = Node { message: operation.apply(&from.message)?, depth: from.depth + 1, branches: Vec::new() };
        if behind.depth > DEPTH_MAX {
            return Err(ProofError::Deep { at });
        }
        if self.nodes.len() > OPERATION_COUNT_MAX {
            return Err(ProofError::ManyOperations);
        }
        let place = self.nodes.len();
        self.add(node, Branch::Step(operation, place), at)?;
        self.nodes.push(behind);
        Ok(place)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut open = vec![(0, 0)];
        while let Some((node, place)) = open.pop() {
            let branches = &self.nodes[node].branches;
            let Some(branch) = branches.get(place) else { continue };
            if place + 1 < branches.len() {
                out.push(FORK);
                open.push((node, place + 1));
            }
            match branch {
                Branch::Attestation(attestation) => attestation.write(out),
                Branch::Step(operation, behind) => {
                    operation.write(out);
                    open.push((*behind, 0));
                }
            }
        }
    }

    /// Returns every attestation with the message that it is of.
    pub(super) fn attestations(&self) -> impl Iterator<Item = (&Message, &Attestation)> {
        self.nodes.iter().flat_map(|node| {
            node.branches.iter().filter_map(|branch| match branch {
                Branch::Attestation(attestation) => Some((&node.message, attestation)),
                Branch::Step(..) => None,
            })
        })
    }

    /// Returns the messages that a calendar has and that lead to no block yet, with the calendar's address.
    pub(super) fn waiting(&self) -> Vec<(&[u8], &str)> {
        let mut leads = vec![false; self.nodes.len()];
        // A step leads to a node behind it, so that looking from the last node back sees every path to a block.
        for (place, node) in self.nodes.iter().enumerate().rev() {
            leads[place] = node.branches.iter().any(|branch| match branch {
                Branch::Attestation(attestation) => matches!(attestation, Attestation::Bitcoin(_)),
                Branch::Step(_, behind) => leads[*behind],
            });
        }
        let nodes = self.nodes.iter().zip(leads).filter(|(_, leads)| !leads).map(|(node, _)| node);
        let waiting = nodes.flat_map(|node| {
            node.branches.iter().filter_map(|branch| match (&node.message, branch) {
                (Message::Known(message), Branch::Attestation(Attestation::Pending(address))) => {
                    Some((message.as_slice(), address.as_str()))
                }
                _ => None,
            })
        });
        waiting.collect()
    }

    /// Takes over what another tree says of one of this one's messages; says whether anything is new. What stood here
    /// stays, as in the reference.
    pub(super) fn merge(&mut self, other: &Self) -> Result<bool, ProofError> {
        let here = self.nodes.iter().position(|node| node.message == other.nodes[0].message);
        let here = here.ok_or(ProofError::OtherMessage)?;
        let mut is_new = false;
        let mut open = vec![(here, 0)];
        while let Some((here, there)) = open.pop() {
            for branch in &other.nodes[there].branches {
                is_new |= self.merge_branch(here, branch, &mut open)?;
            }
        }
        Ok(is_new)
    }

    /// Takes over one branch of a message; what stands behind a step is left open.
    fn merge_branch(
        &mut self,
        here: usize,
        branch: &Branch,
        open: &mut Vec<(usize, usize)>,
    ) -> Result<bool, ProofError> {
        let Branch::Step(operation, behind) = branch else {
            if self.nodes[here].branches.contains(branch) {
                return Ok(false);
            }
            self.check_room()?;
            // Attestations stand before operations, where the reference writes them.
            self.nodes[here].branches.insert(0, branch.clone());
            return Ok(true);
        };
        let known = self.nodes[here].branches.iter().find_map(|branch| match branch {
            Branch::Step(known, place) if known == operation => Some(*place),
            _ => None,
        });
        let place = match known {
            Some(place) => place,
            None => self.step(here, operation.clone(), 0)?,
        };
        open.push((place, *behind));
        Ok(false)
    }
}
