/** The change that shows what a change does: one bit of one byte, of something that was captured. */

import { type Folder } from '../bundle/folder.ts';

/** One byte of a file in a ZIP. */
export type Place = { name: string; at: number; offset: number };

/** Chooses the byte in the middle of the first captured file, or else of the first record. */
export function choosePlace(folder: Folder): Place | undefined {
  const isChosen = (prefix: string): ((file: [string, { sizeBytes: number }]) => boolean) =>
    ([name, { sizeBytes }]) => name.startsWith(prefix) && sizeBytes > 0;
  const files = [...folder];
  const [name, file] = files.find(isChosen('data/content/')) ?? files.find(isChosen('data/entries/')) ?? [];
  if (name === undefined || file?.offset === undefined) return undefined;
  const at = file.sizeBytes >> 1;
  return { name, at, offset: file.offset + at };
}

/** The same file with the lowest bit of one byte changed. */
export async function flip(blob: Blob, { offset }: Place): Promise<{ blob: Blob; before: number; after: number }> {
  const [before = 0] = new Uint8Array(await blob.slice(offset, offset + 1).arrayBuffer());
  const after = before ^ 1;
  return { blob: new Blob([blob.slice(0, offset), Uint8Array.of(after), blob.slice(offset + 1)]), before, after };
}
