/**
 * Citation ids, as bundles write them: `AF-C-000042-r`, prefix, letter of the kind, index in the log, check character.
 *
 * | part   | range                                                   |
 * |--------|---------------------------------------------------------|
 * | prefix | 2 to 6 letters A–Z                                      |
 * | letter | one of {@link LETTERS}                                  |
 * | index  | 0 … 10¹² − 1, six digits or more, without other zeros   |
 * | check  | NOID check digit over `afc000042`                       |
 *
 * Source: NOID, "check digit algorithm": each character's place in the alphabet, 0 where it has none, times its
 * position from 1, summed, modulo 29. Only this one spelling is read here; people may write others elsewhere.
 */

const ALPHABET = '0123456789bcdfghjkmnpqrstvwxz';

/** The letter of each kind of record. */
export const LETTERS: Record<string, string> = {
  genesis: 'G', document: 'D', capture: 'C', check: 'V', provision: 'P', anchor: 'T', withdrawal: 'W', hold: 'H', key: 'K',
};

/** A name for one entry. */
export type Id = { prefix: string; letter: string; index: bigint };

export function formatId(id: Id): string {
  const digits = id.index.toString().padStart(6, '0');
  const name = `${id.prefix}${id.letter}${digits}`.toLowerCase();
  let sum = 0;
  for (let n = 0; n < name.length; n++) sum += (n + 1) * Math.max(ALPHABET.indexOf(name.charAt(n)), 0);
  return `${id.prefix}-${id.letter}-${digits}-${ALPHABET.charAt(sum % ALPHABET.length)}`;
}

/** Reads an id that is written as {@link formatId} writes it; `undefined` for any other text. */
export function parseId(text: string): Id | undefined {
  const parts = /^([A-Z]{2,6})-([GDCVPNTWKH])-(\d{6,12})-.$/.exec(text);
  if (!parts) return undefined;
  const id = { prefix: parts[1] ?? '', letter: parts[2] ?? '', index: BigInt(parts[3] ?? 0) };
  return formatId(id) === text ? id : undefined;
}

/** The id as folders have it. */
export function folderOf(id: Id): string {
  return formatId(id).toLowerCase();
}

/** Reads the id that a folder is named after. */
export function parseFolder(name: string): Id | undefined {
  const at = name.length - 1;
  return name === name.toLowerCase() ? parseId(name.slice(0, at).toUpperCase() + name.slice(at)) : undefined;
}
