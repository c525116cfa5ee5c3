/**
 * Authorities: the roots that a reader gives, and the chains that lead to them.
 *
 * | quantity     | unit         | range                              |
 * |--------------|--------------|------------------------------------|
 * | certificates | count        | at most {@link CERTIFICATE_COUNT_MAX} |
 * | revocation lists | count    | at most {@link LIST_COUNT_MAX}     |
 * | chain        | certificates | at most {@link CHAIN_LENGTH_MAX}   |
 * | signatures   | tried for one chain | at most {@link TRIAL_COUNT_MAX} |
 *
 * Source: RFC 5280 §6, judged at the timestamp's own time: what has ended since is good for what it signed before. A
 * certificate that names itself as its issuer is a root; any other that the reader gives may stand in a chain. Names
 * are compared byte by byte. No chain goes through a certificate that a list at hand takes back. Not done: OCSP,
 * constraints of names and policies.
 */

import { fromBase64, isEqual, Refusal, toShownText } from '../base/bytes.ts';
import { type Time } from '../base/time.ts';
import { Certificate } from './certificate.ts';
import { TAG } from './der.ts';
import { RevocationList } from './revocation.ts';
import { Unjudged } from './unjudged.ts';

export const CERTIFICATE_COUNT_MAX = 512;
export const LIST_COUNT_MAX = 64;
export const CHAIN_LENGTH_MAX = 8;
export const TRIAL_COUNT_MAX = 64;

/** Whose timestamps a reader believes. */
export class Authorities {
  readonly roots: Certificate[] = [];
  readonly side: Certificate[] = [];
  readonly lists: RevocationList[] = [];

  /** Adds the certificates and revocation lists of a file, PEM or DER; returns the certificates. */
  add(file: Uint8Array): Certificate[] {
    const blocks = toShownText(file).matchAll(/-----BEGIN (CERTIFICATE|X509 CRL)-----([^-]*)-----END \1-----/g);
    const encoded = file[0] === TAG.sequence ? [file] : [...blocks].map(([, , body = '']) => fromBase64(body.replace(/\s/g, '')));
    const added = encoded.map((bytes) => {
      if (!bytes) throw new Refusal('a certificate that is not PEM');
      return certificateOrList(bytes);
    });
    if (added.length === 0) throw new Refusal('no certificate in it, neither PEM nor DER');
    for (const one of added) {
      const place: { bytes: Uint8Array }[] = one instanceof RevocationList ? this.lists : one.isSelfIssued ? this.roots : this.side;
      if (!place.some(({ bytes }) => isEqual(bytes, one.bytes))) place.push(one);
    }
    const isTooMuch = this.roots.length + this.side.length > CERTIFICATE_COUNT_MAX || this.lists.length > LIST_COUNT_MAX;
    if (isTooMuch) throw new Refusal(`more than ${CERTIFICATE_COUNT_MAX} certificates, or ${LIST_COUNT_MAX} revocation lists`);
    return added.filter((one) => one instanceof Certificate);
  }

  /** Finds a chain from a certificate to a root, by what the reader gave and what came with the token. */
  chain(leaf: Certificate, brought: Brought, at: Time): Certificate[] {
    leaf.checkValidity(at);
    const search = new Search(this, brought, at);
    const chain = search.extend([leaf]);
    if (chain) return chain;
    throw search.worst ?? unknownRoot(leaf);
  }
}

/** What comes with a token; none of it is trusted. */
type Brought = { certificates: Certificate[]; lists: RevocationList[] };

function certificateOrList(bytes: Uint8Array): Certificate | RevocationList {
  try {
    return new RevocationList(bytes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return new Certificate(bytes);
  }
}

function unknownRoot(last: Certificate): Unjudged {
  return new Unjudged(`no root that you trust issued \`${last.name}\`: its issuer is \`${last.issuerName}\``);
}

/** One search, deepest first, within so many signatures. */
class Search {
  worst: Refusal | undefined;
  #worstLength = 0;
  #trialsLeft = TRIAL_COUNT_MAX;
  readonly #authorities: Authorities;
  readonly #brought: Brought;
  readonly #at: Time;

  constructor(authorities: Authorities, brought: Brought, at: Time) {
    this.#authorities = authorities;
    this.#brought = brought;
    this.#at = at;
  }

  extend(chain: Certificate[]): Certificate[] | undefined {
    const last = chain.at(-1);
    if (!last) return undefined;
    const { roots, side } = this.#authorities;
    if (roots.some((root) => root.isSame(last))) return chain;
    const isIssuer = (other: Certificate): boolean => isEqual(other.subject, last.issuer);
    const between = [...side, ...this.#brought.certificates].filter((other) => isIssuer(other) && !other.isSelfIssued);
    for (const issuer of [...roots.filter(isIssuer), ...between]) {
      if (chain.some((known) => known.isSame(issuer))) continue;
      const whole = this.link(chain, last, issuer);
      if (whole) return whole;
    }
    if (between.length === 0) this.note(chain.length, unknownRoot(last));
    return undefined;
  }

  link(chain: Certificate[], last: Certificate, issuer: Certificate): Certificate[] | undefined {
    if (chain.length >= CHAIN_LENGTH_MAX) return this.note(chain.length, new Unjudged(`a chain of more than ${CHAIN_LENGTH_MAX}`));
    if (this.#trialsLeft-- <= 0) return this.note(chain.length, new Unjudged(`no chain within ${TRIAL_COUNT_MAX} signatures`));
    try {
      last.checkSignedBy(issuer);
    } catch (error) {
      // Who bears the issuer's name and did not sign is another of that name, and nothing is wrong with the chain.
      if (!(error instanceof Refusal)) throw error;
      return this.note(chain.length, new Unjudged(`the issuer of \`${last.name}\` bears a name that you trust, and has another key: ${error.message}`));
    }
    try {
      issuer.checkValidity(this.#at);
      issuer.checkIssues(chain.length - 1);
      for (const list of [...this.#authorities.lists, ...this.#brought.lists]) list.check(last, issuer, this.#at);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return this.note(chain.length + 1, error);
    }
    return this.extend([...chain, issuer]);
  }

  /** Keeps what went wrong furthest along. */
  note(length: number, error: Refusal): undefined {
    if (length <= this.#worstLength) return undefined;
    [this.#worstLength, this.worst] = [length, error];
    return undefined;
  }
}
