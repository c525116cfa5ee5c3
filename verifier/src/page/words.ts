/**
 * The verdict in words that a judge reads.
 *
 * Each finding says what it shows and what it does not; the sentences are those of `src/evidence/verify/report.rs`. No
 * word here promises what a court will make of it.
 */

import { type Check, type Result, type Verdict } from '../verify/finding.ts';

export const VERDICT_NAME: { [V in Verdict]: string } = {
  verified: 'Verified',
  'verified-with-gaps': 'Verified, with gaps',
  'cannot-tell': 'Cannot tell',
  failed: 'Failed',
};

export const MEANING: { [V in Verdict]: string } = {
  verified: 'Every claim holds, and those whose word it takes are trusted by you.',
  'verified-with-gaps': 'Nothing contradicts, and the key is trusted by you. What is not shown is listed: it is not known to be so.',
  'cannot-tell': 'Nothing contradicts, but the key is unknown to you or a needed part is missing. This alone proves nothing to you.',
  failed: 'Something contradicts. Do not rely on this; the finding names what does not fit.',
};

export const RESULT_NAME: { [R in Result]: string } = { holds: 'holds', 'not-shown': 'not shown', fails: 'fails' };

/** What a check is about, what it shows when it holds, and what it does not show even then. */
export const CHECK_WORDS: { [C in Check]: { title: string; shows: string; doesNotShow: string } } = {
  files: {
    title: 'The files are those that were sealed',
    shows: 'nothing in the bundle was added, removed or changed since the archive sealed it',
    doesNotShow: 'that what was sealed is true',
  },
  content: {
    title: 'The content is what the record names',
    shows: 'these are the very bytes that the record names',
    doesNotShow: 'that a server sent them, or when',
  },
  signature: {
    title: 'The archive signed the record',
    shows: "the archive's key signed this record",
    doesNotShow: 'who holds the key, or that it was not distrusted since: compare its fingerprint with what the archive publishes',
  },
  inclusion: {
    title: 'The record is in the log',
    shows: 'the record has this place in the log, and no other record can take it',
    doesNotShow: 'when the record was made, or that it is true',
  },
  checkpoint: {
    title: 'The log stands by its size and content',
    shows: 'a log that you trust signed its size and root',
    doesNotShow: 'that the log shows everybody the same history: that takes witnesses',
  },
  witnesses: {
    title: 'Others have seen the same log',
    shows: 'others have seen the same log, so it cannot show you one history and them another',
    doesNotShow: 'that what the records say is true',
  },
  'not-after': {
    title: 'It was made no later than',
    shows: 'the record existed at this time, by the word of someone other than the archive',
    doesNotShow: 'that the page was as captured until then',
  },
  'not-before': {
    title: 'It was made no earlier than',
    shows: 'the record was made after this time, by the word of someone other than the archive',
    doesNotShow: 'when exactly the record was made',
  },
  history: {
    title: 'No earlier capture is missing',
    shows: 'every earlier capture of this document is named, and none is missing between',
    doesNotShow: 'that there was no change between two visits, or none since',
  },
  origin: {
    title: 'Where the bytes came from',
    shows: 'the archive recorded a connection that agrees with itself and with the bytes',
    doesNotShow: 'that the archive saw what it says: no third party was on the connection',
  },
};
