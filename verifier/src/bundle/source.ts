/** Bytes that can be read from any place: a file that a person chose, or memory. */

/** A file. */
export type Source = {
  readonly sizeBytes: number;
  /** Reads so many bytes from a place; the caller asks for no more than there are. */
  read(offset: number, sizeBytes: number): Promise<Uint8Array>;
};

/** Told now and then how far things are, so that a page can show it; what it returns is awaited. */
export type Progress = {
  read(doneBytes: number, allBytes: number): Promise<void>;
  judged(doneCount: number, allCount: number): Promise<void>;
};

/** Tells nobody. */
export const SILENT: Progress = { read: async () => {}, judged: async () => {} };

export function ofBlob(blob: Blob): Source {
  return {
    sizeBytes: blob.size,
    async read(offset, sizeBytes) {
      return new Uint8Array(await blob.slice(offset, offset + sizeBytes).arrayBuffer());
    },
  };
}

export function ofBytes(bytes: Uint8Array): Source {
  return { sizeBytes: bytes.length, read: async (offset, sizeBytes) => bytes.subarray(offset, offset + sizeBytes) };
}
