/**
 * The succession: which of an archive's keys were valid at which entry.
 *
 * | quantity | unit        | range                                                                |
 * |----------|-------------|----------------------------------------------------------------------|
 * | tenure   | entries     | from the one that adds a key up to, and without, the one that retires it |
 * | changes  | key records | at most {@link RECORD_COUNT_MAX}                                     |
 *
 * Entry 0 names the first keys, key records change them. Validity is judged by index: a statement by its entry, a
 * checkpoint of size s as if it were entry s − 1. A change is signed by every key that it adds and, either, by the recovery key
 * whose SHA-256 entry 0 names, or by every key of the purposes it touches that was valid before and every key that it ends.
 *
 * Source: the pages of `src/evidence/succession.rs` and `record/key.rs` in Affiant's repository.
 */

import { concat, fromText, isEqual, Refusal, toHex } from '../base/bytes.ts';
import { hashOf, type Hash } from '../base/hash.ts';
import { isKey, sshFingerprint, verifyEd25519 } from '../log/ed25519.ts';
import { ML_DSA_COSIGNATURE, NOTE, VerifierKey } from '../log/key.ts';
import { type RecordOf } from './record.ts';
import { whyNotSignedBy, type Statement } from './statement.ts';

export const RECORD_COUNT_MAX = 1024;

const PURPOSE = fromText('affiant-key-change\n');
const ML_DSA_44 = 'ml-dsa-44';
const ED25519 = 'ed25519';

/** A key as records name it. */
type Named = RecordOf<'genesis'>['keys'][number];
type Change = RecordOf<'key'>['changes'][number];

/** From where to where one key is valid, and who signed the record that adds it. */
type Tenure = { key: Named; added: bigint; retired: bigint | undefined; distrusted: bigint | undefined; vouchedBy: string[] };

/** An archive's keys through time. */
export class Succession {
  readonly #origin: string;
  /** SHA-256 of the recovery keys; the last one counts. */
  #recoveries: Hash[];
  #tenures: Tenure[];
  readonly #records: bigint[] = [];

  constructor({ origin, recovery, keys }: RecordOf<'genesis'>) {
    this.#origin = origin;
    this.#recoveries = [recovery];
    const statement = keys.find((key) => key.purpose === 'statement' && key.algorithm === ED25519 && isKey(key.public));
    const log = keys.filter((key) => key.purpose === 'checkpoint' && this.#noteKey(key));
    this.#tenures = [...(statement ? [statement] : []), ...log].map((key) => tenureOf(key, 0n, []));
  }

  /** Takes the next key record, or refuses it whole. */
  take(record: RecordOf<'key'>): void {
    const { index, changes } = record;
    const newest = this.newest;
    if (record.origin !== this.#origin) throw new Refusal(`entry ${index} is of the log \`${record.origin}\``);
    if (record.key_record !== newest || (newest !== undefined && newest >= index)) {
      throw new Refusal(`entry ${index} names ${record.key_record ?? 'none'} as the key record before it, expected ${newest ?? 'none'}`);
    }
    if (this.#records.length >= RECORD_COUNT_MAX) throw new Refusal(`more than ${RECORD_COUNT_MAX} key records`);
    const signers = checkSignatures(record);
    this.#checkAuthority(record, signers);
    const next = this.#tenures.map((tenure) => ({ ...tenure }));
    const recoveries = [...this.#recoveries];
    for (const change of changes) {
      if (change.purpose === 'recovery') takeOver(recoveries, next, index, change);
      else this.#apply(next, recoveries, index, { ...change, purpose: change.purpose }, signers);
    }
    this.#checkWhole(next, index);
    this.#tenures = next;
    this.#recoveries = recoveries;
    this.#records.push(index);
  }

  get newest(): bigint | undefined {
    return this.#records.at(-1);
  }

  newestBefore(index: bigint): bigint | undefined {
    return this.#records.filter((at) => at < index).at(-1);
  }

  /** The key whose statement an entry must bear, whether or not it came to be distrusted. */
  statementKey(index: bigint): Uint8Array | undefined {
    return this.#of('statement').find((tenure) => covers(tenure, index))?.key.public;
  }

  /** The keys that a checkpoint may bear whose last entry is this one: Ed25519 first, of each the newest first. */
  checkpointKeys(last: bigint): VerifierKey[] {
    const valid = this.#of('checkpoint').filter((tenure) => isValid(tenure, last)).reverse();
    return [ED25519, ML_DSA_44].flatMap((algorithm) => this.#noteKeys(valid.filter(({ key }) => key.algorithm === algorithm)));
  }

  /** Every key that ever signed checkpoints, whatever became of it. */
  checkpointKeysEver(): VerifierKey[] {
    return this.#noteKeys(this.#of('checkpoint'));
  }

  /** Says why a key does not count at an entry; nothing where it does, or was never named. */
  whyNot(purpose: Named['purpose'], key: Uint8Array, index: bigint): string | undefined {
    const tenure = this.#of(purpose).find((one) => isEqual(one.key.public, key));
    if (!tenure) return undefined;
    const { added, retired, distrusted } = tenure;
    if (distrusted !== undefined && distrusted <= index) return `a key that is distrusted from entry ${distrusted} on`;
    if (retired !== undefined && retired <= index) return `a key that was retired in entry ${retired}`;
    return added > index ? `a key that was added in entry ${added}, later than that` : undefined;
  }

  /** Says why the statement of an entry does not bear the signature that counts there; nothing where it does. */
  objection(statement: Statement, index: bigint): string | undefined {
    const key = this.statementKey(index);
    if (!key) return 'no key for statements counts there';
    const inWords = (signer: Uint8Array): string | undefined => {
      const why = this.whyNot('statement', signer, index);
      return why && `the signature of ${sshFingerprint(signer)}, ${why}`;
    };
    const wrong = whyNotSignedBy(statement, key);
    // Key records bear signatures of their own: a later distrust does not reach their statements.
    if (wrong === undefined) return this.#records.includes(index) ? undefined : inWords(key);
    const signer = this.#of('statement').find((tenure) => whyNotSignedBy(statement, tenure.key.public) === undefined);
    return (signer && inWords(signer.key.public)) ?? wrong;
  }

  /** Follows a log key back to one that a reader trusts: each was signed for by one that was valid then. */
  handedOver(key: VerifierKey, trusted: VerifierKey[]): { before: VerifierKey; at: bigint } | undefined {
    const tenures = this.#of('checkpoint');
    const waiting = tenures.filter((tenure) => isEqual(tenure.key.public, key.bytes));
    const seen = new Set<Tenure>();
    for (let heir = waiting.pop(); heir; heir = waiting.pop()) {
      const { vouchedBy, added } = heir;
      const vouchers = tenures.filter((one) => vouchedBy.includes(toHex(one.key.public)) && isValid(one, added - 1n));
      const known = trusted.find((one) => one.name === key.name && vouchers.some((voucher) => isEqual(voucher.key.public, one.bytes)));
      if (known) return { before: known, at: added };
      waiting.push(...vouchers.filter((voucher) => !seen.has(voucher)));
      vouchers.forEach((voucher) => seen.add(voucher));
    }
    return undefined;
  }

  /** The log's keys as they stood where a statement key took up its office; nothing when it is none, or is distrusted. */
  logKeysVouchedBy(isNamed: (fingerprint: string) => boolean): VerifierKey[] {
    const named = this.#of('statement').filter((tenure) => tenure.distrusted === undefined && isNamed(sshFingerprint(tenure.key.public)));
    return named.flatMap(({ added }) => this.checkpointKeys(added));
  }

  #of(purpose: Named['purpose']): Tenure[] {
    return this.#tenures.filter(({ key }) => key.purpose === purpose);
  }

  #noteKey(key: Named): VerifierKey | undefined {
    const type = key.algorithm === ED25519 ? NOTE : key.algorithm === ML_DSA_44 ? ML_DSA_COSIGNATURE : undefined;
    try {
      return type && new VerifierKey(this.#origin, type, key.public);
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }

  #noteKeys(tenures: Tenure[]): VerifierKey[] {
    return tenures.map(({ key }) => this.#noteKey(key)).filter((key) => key !== undefined);
  }

  /** The public keys that must sign a change: with the recovery key's signature those that are lost count for less. */
  #mustSign(index: bigint, changes: Change[], recovery: string | undefined): string[] {
    if (recovery !== undefined) return [recovery, ...changes.filter(({ act }) => act === 'add').map((change) => toHex(change.public))];
    const touched = this.#tenures.filter((tenure) => isValid(tenure, index) && changes.some(({ purpose }) => purpose === tenure.key.purpose));
    return [...touched.map(({ key }) => toHex(key.public)), ...changes.map((change) => toHex(change.public))];
  }

  #checkAuthority({ index, changes, signatures }: RecordOf<'key'>, signers: string[]): void {
    const recovery = signatures.find((one) => hashOf(one.public) === this.#recoveries.at(-1));
    if (!recovery && changes.some(({ purpose }) => purpose === 'recovery')) throw new Refusal(`entry ${index} is not signed by the recovery key before it`);
    const needed = this.#mustSign(index, changes, recovery && toHex(recovery.public));
    if (needed.some((key) => !signers.includes(key))) throw new Refusal(`entry ${index} is not signed by all who must sign it`);
    // A signature by anybody else would say nothing, and is therefore not there.
    const may = [...needed, ...this.#mustSign(index, changes, undefined)];
    if (signers.some((key) => !may.includes(key))) throw new Refusal(`entry ${index} is signed by a stranger`);
  }

  #apply(tenures: Tenure[], recoveries: Hash[], index: bigint, change: Change & Pick<Named, 'purpose'>, signers: string[]): void {
    const { act, purpose, algorithm, from } = change;
    const known = tenures.find(({ key }) => isEqual(key.public, change.public));
    if (act === 'add') {
      if (known) throw new Refusal(`entry ${index} adds a key that was named before`);
      const key = { purpose, algorithm, public: change.public };
      if (!this.#noteKey(key) || recoveries.includes(hashOf(key.public))) throw new Refusal(`entry ${index} adds a key that cannot be used`);
      tenures.push(tenureOf(key, index, signers.filter((signer) => signer !== toHex(key.public))));
      return;
    }
    if (!known || known.key.purpose !== purpose || known.key.algorithm !== algorithm || known.added >= index) {
      throw new Refusal(`entry ${index} ends a key that was not named before`);
    }
    const isEnded = act === 'retire' ? known.retired !== undefined : known.distrusted !== undefined && known.distrusted <= (from ?? 0n);
    if (isEnded) throw new Refusal(`entry ${index} ends a key that had ended before`);
    if (act === 'distrust') known.distrusted = from;
    known.retired ??= index;
  }

  /** Somebody can still sign everything. */
  #checkWhole(next: Tenure[], index: bigint): void {
    for (const { key } of this.#tenures) {
      const count = next.filter((tenure) => tenure.key.purpose === key.purpose && tenure.key.algorithm === key.algorithm && isValid(tenure, index)).length;
      if (count === 0 || (key.purpose === 'statement' && count > 1)) throw new Refusal(`entry ${index} leaves ${count} ${key.purpose} keys`);
    }
  }
}

function tenureOf(key: Named, added: bigint, vouchedBy: string[]): Tenure {
  return { key, added, retired: undefined, distrusted: undefined, vouchedBy };
}

/** Another recovery key takes over from the one that counted. */
function takeOver(recoveries: Hash[], tenures: Tenure[], index: bigint, { act, algorithm, public: key }: Change): void {
  if (act !== 'add' || tenures.some((tenure) => isEqual(tenure.key.public, key))) throw new Refusal(`entry ${index} names a recovery key otherwise than as a new one`);
  if (algorithm !== ED25519 || !isKey(key) || recoveries.includes(hashOf(key))) throw new Refusal(`entry ${index} adds a key that cannot be used`);
  recoveries.push(hashOf(key));
}

/** The key was added and not retired, whatever came to be thought of it. */
function covers({ added, retired }: Tenure, index: bigint): boolean {
  return added <= index && (retired === undefined || retired > index);
}

function isValid(tenure: Tenure, index: bigint): boolean {
  return covers(tenure, index) && (tenure.distrusted === undefined || tenure.distrusted > index);
}

/** Verifies every signature over a change, and returns who signed. */
function checkSignatures({ signatures, signed }: RecordOf<'key'>): string[] {
  const message = concat(PURPOSE, signed);
  return signatures.map(({ public: key, algorithm, signature }) => {
    const isMlDsa = algorithm === ML_DSA_44;
    if (!isMlDsa && algorithm !== ED25519) throw new Refusal(`a signature by the algorithm \`${algorithm}\``);
    const isGood = isMlDsa ? new VerifierKey('key', ML_DSA_COSIGNATURE, key).verify(message, signature) : verifyEd25519(key, message, signature);
    if (!isGood) throw new Refusal('a signature over the key record is bad');
    return toHex(key);
  });
}
