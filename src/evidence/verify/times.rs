//! Times: between which moments a record was made, by the word of parties other than the archive.
//!
//! | end        | who says so                                                                                  |
//! |------------|----------------------------------------------------------------------------------------------|
//! | not after  | a token over a checkpoint that has the record, a witness that cosigned one, or a block that one was in |
//! | not before | a token, cosignature or block whose hash the record names in `after`: nobody can name what does not exist yet |
//!
//! A block's time is the miner's, and within two hours of the truth at both ends; that the block is Bitcoin's own is for the
//! reader to know ([`crate::timestamp::opentimestamps::blocks`]). A proof that is pending, or that ends at a block which the reader
//! does not know, shows nothing and says what it lacks.
//!
//! A token goes on saying what it said when its certificate has ended; what it leans on then is said with it. Where a
//! renewal ([`crate::evidence::renewal`]) covers it, nobody can have made it since, whatever became of its key.
//!
//! A token's accuracy widens the interval at both ends; a cosignature's time is a whole second, the one in which the
//! witness signed. Beside the times, the cosignatures over a checkpoint that has the record say who has seen the log
//! with it: where the quorum is met there, it is met for the record. The archive's own clock is believed in nothing; where it
//! disagrees with a token by more than [`CLOCK_SKEW_SECONDS_MAX`], the record contradicts itself and the check fails:
//! that is how a clock that was set back, or forward, shows.
//!
//! What is merely unknown to the reader (a root, an algorithm) is *not shown*. What contradicts (another imprint, a
//! bad signature, a certificate that had ended or may not sign timestamps, another tree) *fails*.

use super::Trust;
use super::checkpoint::Head;
use super::finding::{Check, Finding, Interval};
use super::renewed::{Covered, Refused, Renewals, Renewing};
use super::source::Source;
use super::witnesses::{end_of_second, witness_name};

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::anchor::{self, AnchorBytes};
use crate::evidence::record::Record;
use crate::log::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::log::policy::{Policy, PolicyReport};
use crate::timestamp::authorities::Authorities;
use crate::timestamp::opentimestamps::blocks::Blocks;
use crate::timestamp::opentimestamps::header::Header;
use crate::timestamp::opentimestamps::proof::{Mined, ProofError};

/// How far the archive's clock may be from an authority's before the two contradict one another: five minutes, which
/// no clock is off that is set by the network, and no backdating is worth.
pub const CLOCK_SKEW_SECONDS_MAX: u64 = 300;

/// The most anchors and tokens that are judged for one record.
const JUDGED_COUNT_MAX: usize = 64;

/// What was found about one record's times.
pub(super) struct Times {
    pub(super) interval: Interval,
    pub(super) findings: Vec<Finding>,
    /// Who has witnessed the anchors that have the record: the report of that with the most, and its size.
    pub(super) witnessed: Option<(u64, PolicyReport)>,
}

/// Judges the anchors that a source has for a record.
pub(super) fn check(
    source: &dyn Source,
    (head, subject): (&Head, &Id),
    record: Option<&Record>,
    trust: Trust<'_>,
    now: Time,
) -> Times {
    let mut times = Times { interval: head.interval(record, now), findings: Vec::new(), witnessed: None };
    let (Some(record), Some(checkpoint)) = (record, &head.checkpoint) else {
        times.findings.extend(times.interval.findings());
        return times;
    };
    let (nobody, nothing) = (Authorities::nobody(), Blocks::default());
    let mut judging = Judging {
        authorities: trust.authorities.unwrap_or(&nobody),
        blocks: trust.blocks.unwrap_or(&nothing),
        policy: trust.policy,
        checkpoint,
        now,
        after: Vec::new(),
        before: Vec::new(),
        findings: Vec::new(),
        witnessed: None,
        renewals: Renewals::default(),
    };
    match source.anchors(record.index, record.after.size) {
        Ok(anchors) => {
            judging.judge_renewals(source, subject, record, &anchors);
            for anchor in anchors.iter().take(JUDGED_COUNT_MAX) {
                judging.judge(anchor, record);
            }
            judging.miss_named(&anchors, record);
        }
        Err(error) => judging.after.push(Judged::Wrong("the anchors".to_owned(), error.to_string())),
    }
    let Judging { after, before, findings, witnessed, .. } = judging;
    times.findings = findings;
    times.witnessed = witnessed;
    times.conclude(record, after, before);
    times
}

/// What one token or cosignature came to.
enum Judged {
    /// It says a time: not earlier than the first, not later than the second; and who.
    Says(Time, Time, String),
    /// What was expected, and what contradicts.
    Wrong(String, String),
    /// What was expected, and why this reader cannot tell.
    Unknown(String, String),
}

struct Judging<'j> {
    authorities: &'j Authorities,
    blocks: &'j Blocks,
    policy: Option<&'j Policy>,
    checkpoint: &'j Checkpoint,
    now: Time,
    after: Vec<Judged>,
    before: Vec<Judged>,
    /// What is wrong with a witness's word.
    findings: Vec<Finding>,
    witnessed: Option<(u64, PolicyReport)>,
    /// What was there by when, whatever became of the tokens.
    renewals: Renewals,
}

impl Judging<'_> {
    fn judge(&mut self, anchor: &AnchorBytes, record: &Record) {
        let is_after = anchor.size > record.index;
        let is_named = anchor.size == record.after.size && !record.after.tokens.is_empty();
        let name = format!("the checkpoint that was dated at size {}", anchor.size);
        if anchor.checkpoint.is_none() || anchor.consistency.is_none() {
            let found = "it, or how the log grew from it, is not there".to_owned();
            let place = if is_after { &mut self.after } else { &mut self.before };
            return place.push(Judged::Unknown(name, found));
        }
        let (bytes, signed) = match self.read(anchor) {
            Ok(read) => read,
            Err(found) => {
                let place = if is_after { &mut self.after } else { &mut self.before };
                return place.push(Judged::Wrong(name, found));
            }
        };
        let dated = signed.checkpoint();
        if is_named && dated.root != record.after.root {
            let expected = format!("the root {} that the record names at size {}", record.after.root, anchor.size);
            self.before.push(Judged::Wrong(expected, dated.root.to_string()));
        }
        for (name, line) in anchor.cosignatures.iter().take(JUDGED_COUNT_MAX) {
            let judged = self.cosignature(name, line, &signed);
            if is_after {
                self.after.extend(judged);
            } else if is_named && record.after.tokens.contains(&Hash::of(line)) {
                self.before.extend(judged);
            }
        }
        if is_after {
            self.count_witnesses(anchor, &signed);
        }
        for (name, reply) in anchor.replies.iter().take(JUDGED_COUNT_MAX) {
            if is_after {
                let judged = self.token(anchor.size, name, reply, bytes);
                self.after.push(judged);
            } else if is_named && record.after.tokens.contains(&Hash::of(reply)) {
                let judged = self.token(anchor.size, name, reply, bytes);
                self.before.push(judged);
            }
        }
        self.judge_blocks(anchor, record, bytes);
    }

    /// Judges what blocks say: of the checkpoint, by the proofs over it, and of the record, by the headers that it names.
    fn judge_blocks(&mut self, anchor: &AnchorBytes, record: &Record, checkpoint: &[u8]) {
        let is_named =
            |header: &[u8]| anchor.size == record.after.size && record.after.tokens.contains(&Hash::of(header));
        if anchor.size > record.index {
            let carried = anchor.read_headers();
            for (name, proof) in anchor.proofs.iter().take(JUDGED_COUNT_MAX) {
                let judged = self.proof(name, proof, checkpoint, &carried);
                self.after.push(judged);
            }
            return;
        }
        for (height, header) in anchor.headers.iter().filter(|(_, header)| is_named(header)).take(JUDGED_COUNT_MAX) {
            let expected = format!("block {height}, whose header the record names, as one that you know");
            let judged = self.mined(expected, anchor::verify_header(*height, header, self.blocks));
            self.before.push(judged);
        }
    }

    fn proof(&self, name: &str, proof: &[u8], checkpoint: &[u8], carried: &[(u64, Header)]) -> Judged {
        let expected = format!("an OpenTimestamps proof in `{name}` that ends at a block which you know");
        self.mined(expected, anchor::verify_proof(proof, checkpoint, carried, self.blocks))
    }

    fn mined(&self, expected: String, mined: Result<Mined, ProofError>) -> Judged {
        let times = |mined: &Mined| Some((mined.header.no_earlier_than().ok()?, mined.no_later_than));
        match mined.map(|mined| (times(&mined), mined)) {
            Ok((Some((earliest, latest)), mined)) if earliest <= later(self.now) => {
                Judged::Says(earliest, latest, anchor::describe_block(&mined))
            }
            Ok(_) => Judged::Unknown(expected, "a block of a time that is yet to come".to_owned()),
            Err(error) if error.is_contradiction() => Judged::Wrong(expected, with_causes(&error)),
            Err(error) => Judged::Unknown(expected, with_causes(&error)),
        }
    }

    /// Reads the note, and compares its tree with the one at hand.
    fn read<'b>(&self, anchor: &'b AnchorBytes) -> Result<(&'b [u8], SignedCheckpoint), String> {
        let bytes = anchor.checkpoint.as_deref().ok_or("nothing")?;
        let signed = SignedCheckpoint::parse(bytes).map_err(|error| with_causes(&error))?;
        let dated = signed.checkpoint();
        if dated.origin != self.checkpoint.origin || dated.size != anchor.size {
            return Err(format!("one of `{}` at size {}", dated.origin, dated.size));
        }
        if dated.size > self.checkpoint.size {
            return Err(format!("one of a log that is longer than {}", self.checkpoint.size));
        }
        let lines = anchor.consistency.as_deref().ok_or("no proof that the log grew from it")?;
        let proof = anchor::read_consistency(lines, dated, self.checkpoint).ok_or("no consistency proof beside it")?;
        proof.verify(dated.root, self.checkpoint.root).map_err(|error| format!("another tree: {error}"))?;
        Ok((bytes, signed))
    }

    /// Judges a witness's line. A witness of the policy that says no time is heard, and says none.
    fn cosignature(&mut self, name: &str, bytes: &[u8], signed: &SignedCheckpoint) -> Option<Judged> {
        let expected = format!("a cosignature in `{name}` by a witness that you trust");
        let Some(line) = anchor::read_cosignature(bytes) else {
            self.findings.push(Finding::fails(Check::Witnesses, expected, "no signature line"));
            return None;
        };
        let witnesses = self.policy.iter().flat_map(|policy| policy.witnesses());
        let Some(witness) = witnesses.into_iter().find(|witness| line.names(&witness.key)) else {
            let found = format!("one by `{}`, which your policy does not name", line.name);
            return Some(Judged::Unknown(expected, found));
        };
        match signed.verify_line(&witness.key, &line) {
            Err(error) => {
                self.findings.push(Finding::fails(Check::Witnesses, expected, with_causes(&error)));
                None
            }
            Ok(Some(time)) if time > later(self.now) => {
                Some(Judged::Unknown(expected, format!("one of {time}, which is yet to come")))
            }
            Ok(Some(time)) => Some(Judged::Says(time, end_of_second(time), witness_name(&witness.key))),
            Ok(None) => None,
        }
    }

    /// Looks who has witnessed the checkpoint of an anchor, in the note and beside it.
    fn count_witnesses(&mut self, anchor: &AnchorBytes, signed: &SignedCheckpoint) {
        let Some(policy) = self.policy else { return };
        match policy.check(&anchor::cosigned(signed, anchor)) {
            Ok(report) => {
                let best = self.witnessed.as_ref().map_or(0, |(_, best)| best.quorum.witnessed);
                if report.quorum.witnessed > best {
                    self.witnessed = Some((anchor.size, report));
                }
            }
            Err(error) => {
                let expected = format!("good signatures over the checkpoint that was dated at size {}", anchor.size);
                self.findings.push(Finding::fails(Check::Witnesses, expected, with_causes(&error)));
            }
        }
    }

    /// Judges the renewals, whose word on the record is one more *not after*, and on the tokens before them is who saw these.
    fn judge_renewals(&mut self, source: &dyn Source, subject: &Id, record: &Record, anchors: &[AnchorBytes]) {
        let (renewals, judged) = Renewals::judge(source, subject, record, anchors, self.authorities);
        self.renewals = renewals;
        for one in judged {
            match one {
                Err(found) => self.after.push(Judged::Wrong("a renewal beside a checkpoint".to_owned(), found)),
                Ok(renewing) => self.judge_renewing(renewing),
            }
        }
    }

    fn judge_renewing(&mut self, renewing: Renewing) {
        let Renewing { size, tokens, covered } = renewing;
        if covered == Covered::No {
            let expected = format!("the bytes that were hashed anew when the log had size {size}");
            return self.after.push(Judged::Wrong(expected, "others, by SHA-512".to_owned()));
        }
        for (name, verified) in tokens {
            let expected = format!("a renewal's timestamp in `{name}` that you trust");
            self.after.extend(match verified {
                Ok(_) if matches!(covered, Covered::Later | Covered::Withdrawn) => None,
                Ok(verified) if verified.no_earlier_than > later(self.now) => None,
                Ok(verified) => {
                    let who = format!("{}, of a renewal with SHA-512", anchor::describe(&verified));
                    Some(Judged::Says(verified.no_earlier_than, verified.no_later_than, who))
                }
                Err(Refused::Wrong(found)) => Some(Judged::Wrong(expected, found)),
                Err(Refused::Unknown(found)) => Some(Judged::Unknown(expected, found)),
            });
        }
    }

    /// Says what a token leans on besides, once its certificate has ended.
    fn age(&self, ends: Time, seen: Option<Time>) -> String {
        match seen {
            _ if ends >= self.now => String::new(),
            Some(seen) if seen <= ends => format!("; its certificate ended at {ends}, and a renewal had it by {seen}"),
            _ => format!(
                "; its certificate ended at {ends} and no renewal here covers it, so it relies besides on nobody else having \
                 had its key since"
            ),
        }
    }

    fn token(&self, size: u64, name: &str, reply: &[u8], checkpoint: &[u8]) -> Judged {
        let expected = format!("a timestamp in `{name}` that you trust");
        let seen = self.renewals.seen(size, name, reply);
        match anchor::verify_seen(reply, checkpoint, self.authorities, seen) {
            Ok(verified) if verified.no_earlier_than > later(self.now) => {
                Judged::Unknown(expected, format!("one of {}, which is yet to come", verified.no_earlier_than))
            }
            Ok(verified) => {
                let who = anchor::describe(&verified) + &self.age(verified.chain.ends(), seen);
                Judged::Says(verified.no_earlier_than, verified.no_later_than, who)
            }
            Err(error) if anchor::is_contradiction(&error) => Judged::Wrong(expected, with_causes(&error)),
            Err(error) => Judged::Unknown(expected, with_causes(&error)),
        }
    }

    /// Names the tokens and cosignatures that the record names and the source does not have.
    fn miss_named(&mut self, anchors: &[AnchorBytes], record: &Record) {
        let held: Vec<Hash> = anchors
            .iter()
            .filter(|anchor| anchor.size == record.after.size)
            .flat_map(|anchor| {
                let said = anchor.replies.iter().chain(&anchor.cosignatures).map(|(_, bytes)| bytes);
                said.chain(anchor.headers.iter().map(|(_, bytes)| bytes))
            })
            .map(|bytes| Hash::of(bytes))
            .collect();
        for token in record.after.tokens.iter().filter(|token| !held.contains(token)).take(JUDGED_COUNT_MAX) {
            let expected = format!("the token, cosignature or header with SHA-256 {token} that the record names");
            self.before.push(Judged::Unknown(expected, "nothing".to_owned()));
        }
    }
}

impl Times {
    /// Takes the narrowest interval that is said, and compares it with the archive's own clock.
    fn conclude(&mut self, record: &Record, after: Vec<Judged>, before: Vec<Judged>) {
        let (said_after, others_after) = part(after);
        let (said_before, others_before) = part(before);
        let latest = said_after.into_iter().map(|(_, time, who)| (time, who));
        self.interval.not_after =
            self.interval.not_after.take().into_iter().chain(latest).min_by_key(|(time, _)| *time);
        self.interval.not_before =
            said_before.into_iter().map(|(time, _, who)| (time, who)).max_by_key(|(time, _)| *time);
        let [not_after, not_before] = self.interval.findings();
        self.findings.push(explain(not_after, &others_after));
        self.findings.push(explain(not_before, &others_before));
        self.compare(record);
    }

    fn compare(&mut self, record: &Record) {
        let clock = |time: Time| format!("{time} by the archive's own clock");
        if let Some((not_after, who)) = &self.interval.not_after
            && record.made > later(*not_after)
        {
            let expected = format!("a record made by {not_after}, when {who} saw the log with it");
            self.findings.push(Finding::fails(Check::NotAfter, expected, clock(record.made)));
        }
        let Some((not_before, who)) = &self.interval.not_before else { return };
        if later(record.made) < *not_before {
            let expected = format!("a record made after {not_before}, when {who} signed what it names");
            self.findings.push(Finding::fails(Check::NotBefore, expected, clock(record.made)));
        }
        if let Some((not_after, _)) = &self.interval.not_after
            && later(*not_after) < *not_before
        {
            let found = format!("a log that has the record at {not_after} already");
            self.findings.push(Finding::fails(Check::NotBefore, format!("a record made after {not_before}"), found));
        }
    }
}

/// Parts what is said from what went wrong.
fn part(judged: Vec<Judged>) -> (Vec<(Time, Time, String)>, Vec<Judged>) {
    let mut said = Vec::new();
    let mut others = Vec::new();
    for one in judged {
        match one {
            Judged::Says(earliest, latest, who) => said.push((earliest, latest, who)),
            other => others.push(other),
        }
    }
    (said, others)
}

/// Says why nothing is shown where it is not, and what is wrong wherever something is.
fn explain(finding: Finding, others: &[Judged]) -> Finding {
    use super::finding::Outcome;
    let wrong = others.iter().find_map(|judged| match judged {
        Judged::Wrong(expected, found) => Some(Finding::fails(finding.check, expected, found)),
        _ => None,
    });
    let unknown = others.iter().find_map(|judged| match judged {
        Judged::Unknown(expected, found) => Some(Finding::not_shown(finding.check, expected, found)),
        _ => None,
    });
    match (wrong, unknown) {
        (Some(wrong), _) => wrong,
        (None, Some(unknown)) if finding.outcome == Outcome::NotShown => unknown,
        _ => finding,
    }
}

fn later(time: Time) -> Time {
    let skew = CLOCK_SKEW_SECONDS_MAX * 1_000_000;
    Time::from_microseconds(time.microseconds().saturating_add(skew)).unwrap_or(time)
}
