/**
 * Policies: whose word is enough for a reader.
 *
 * | line                                  | says                                                    | at most          |
 * |---------------------------------------|---------------------------------------------------------|------------------|
 * | `log <vkey> [<url>]`                  | checkpoints of the origin that the key is named after   | 256              |
 * | `witness <name> <vkey> [<url>]`       | a key that cosigns                                      | 256              |
 * | `group <name> all\|any\|<k> <name>…`  | has witnessed when k of its members have                | 256              |
 * | `quorum <name>\|none`                 | who must have witnessed; exactly one line               | file: 1 MiB      |
 *
 * Source: C2SP tlog-policy. Stricter: a key may not be a log's and a witness's at once, and stands once.
 */

import { Refusal, toHex } from '../base/bytes.ts';
import { type Time } from '../base/time.ts';
import { verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { NOTE, VerifierKey } from './key.ts';

export const SIZE_CHARACTERS_MAX = 1 << 20;
export const COUNT_MAX = 256;

/** A group of witnesses and groups, of which some number is needed. */
type Group = { name: string; needed: number; members: string[] };

/** A policy. */
export type Policy = { logs: VerifierKey[]; witnesses: Map<string, VerifierKey>; groups: Group[]; quorum: string | undefined };

/** One witness, and whether and when it has witnessed. */
export type Witness = { key: VerifierKey; hasSigned: boolean; time: Time | undefined };

/** What a checkpoint looks like under a policy. */
export type PolicyReport = { signers: VerifierKey[]; witnesses: Witness[]; quorum: Count };

/** How many were needed, how many there are, and of how many. */
type Count = { needed: number; met: number; members: number };

/** Trusts single keys, and asks for no witnesses. */
export function trusting(logs: VerifierKey[]): Policy {
  return { logs, witnesses: new Map(), groups: [], quorum: undefined };
}

export function parsePolicy(text: string): Policy {
  if (text.length > SIZE_CHARACTERS_MAX) throw new Refusal('a policy of more than 1 MiB');
  if (!text.endsWith('\n')) throw new Refusal('the last line of the policy has no newline');
  const draft = new Draft();
  text.slice(0, -1).split('\n').forEach((line, n) => {
    try {
      draft.read(line);
    } catch (error) {
      throw error instanceof Refusal ? new Refusal(`line ${n + 1}: ${error.message}`) : error;
    }
  });
  if (!draft.hasQuorum) throw new Refusal('the policy has no `quorum` line');
  return draft.policy;
}

class Draft {
  readonly policy = trusting([]);
  hasQuorum = false;
  readonly #names = new Set(['none']);
  readonly #members = new Set<string>();
  readonly #keys = new Set<string>();

  read(line: string): void {
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) throw new Refusal('a control character');
    const [keyword, ...words] = line.split(/[ \t]+/).filter((word) => word !== '');
    const [first = '', second = ''] = words;
    if (keyword === undefined || keyword.startsWith('#')) return;
    const isBetween = (least: number, most: number): boolean => words.length >= least && words.length <= most;
    if (keyword === 'log' && isBetween(1, 2)) this.policy.logs.push(this.key(first));
    else if (keyword === 'witness' && isBetween(2, 3)) this.addWitness(first, second);
    else if (keyword === 'group' && isBetween(3, Infinity)) this.addGroup(first, second, words.slice(2));
    else if (keyword === 'quorum' && isBetween(1, 1)) this.setQuorum(first);
    else throw new Refusal(`not a line of a policy: \`${line.slice(0, 64)}\``);
    const { logs, witnesses, groups } = this.policy;
    if (Math.max(logs.length, witnesses.size, groups.length) > COUNT_MAX) throw new Refusal(`more than ${COUNT_MAX} of a kind`);
  }

  addWitness(name: string, vkey: string): void {
    const key = this.key(vkey);
    if (key.type === NOTE) throw new Refusal(`\`${key.name}\` is a key for notes, not for cosignatures`);
    this.define(name);
    this.policy.witnesses.set(name, key);
  }

  addGroup(name: string, threshold: string, members: string[]): void {
    const needed = threshold === 'all' ? members.length : threshold === 'any' ? 1 : Number(threshold);
    const isNumber = threshold === 'all' || threshold === 'any' || /^[1-9]\d{0,8}$/.test(threshold);
    if (!isNumber || needed > members.length) throw new Refusal(`\`${threshold}\` of ${members.length} members`);
    for (const member of members) {
      this.expectDefined(member);
      if (this.#members.has(member)) throw new Refusal(`\`${member}\` is in two groups`);
      this.#members.add(member);
    }
    this.define(name);
    this.policy.groups.push({ name, needed, members });
  }

  setQuorum(name: string): void {
    if (this.hasQuorum) throw new Refusal('a second `quorum`');
    if (name !== 'none') this.expectDefined(name);
    this.policy.quorum = name === 'none' ? undefined : name;
    this.hasQuorum = true;
  }

  key(vkey: string): VerifierKey {
    const key = VerifierKey.parse(vkey);
    // The same bytes under another name or purpose are the same key: nobody may speak twice.
    const bytes = toHex(key.bytes);
    if (this.#keys.has(bytes)) throw new Refusal(`the key ${key.fingerprint} is there twice`);
    this.#keys.add(bytes);
    return key;
  }

  define(name: string): void {
    if (this.#names.has(name)) throw new Refusal(`the name \`${name}\` is taken`);
    this.#names.add(name);
  }

  expectDefined(name: string): void {
    if (name === 'none' || !this.#names.has(name)) throw new Refusal(`\`${name}\` is not defined above`);
  }
}

/** Looks at a checkpoint: a bad line by any key of the policy rejects it. */
export function applyPolicy(policy: Policy, checkpoint: Checkpoint): PolicyReport {
  const signed = verifyCheckpoint(checkpoint, [...policy.logs, ...policy.witnesses.values()]);
  const isLog = (key: VerifierKey): boolean => key.name === checkpoint.origin && policy.logs.includes(key);
  const witnesses = [...policy.witnesses.values()].map((key) => {
    const signer = signed.find((found) => found.key === key);
    return { key, hasSigned: signer !== undefined, time: signer?.time };
  });
  return { signers: signed.map(({ key }) => key).filter(isLog), witnesses, quorum: count(policy, witnesses) };
}

/** Groups name only what stands above them, so one pass in order is enough. */
function count(policy: Policy, witnesses: Witness[]): Count {
  if (policy.quorum === undefined) return { needed: 0, met: 0, members: 0 };
  const counts = new Map<string, Count>();
  [...policy.witnesses.keys()].forEach((name, n) => {
    counts.set(name, { needed: 1, met: witnesses[n]?.hasSigned ? 1 : 0, members: 1 });
  });
  for (const { name, needed, members } of policy.groups) {
    const met = members.filter((member) => isMet(counts.get(member))).length;
    counts.set(name, { needed, met, members: members.length });
  }
  return counts.get(policy.quorum) ?? { needed: 1, met: 0, members: 1 };
}

export function isMet(count: Count | undefined): boolean {
  return count !== undefined && count.met >= count.needed;
}
