/** CRC-32, which shows damage and nothing more (PKWARE APPNOTE 6.3.10 §4.4.7, ISO 3309). */

const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  return remainder;
});

/** Goes on with a checksum; the first is 0. */
export function crc32(before: number, bytes: Uint8Array): number {
  let remainder = ~before;
  for (let n = 0; n < bytes.length; n++) remainder = (TABLE[(remainder ^ bytes[n]!) & 0xff]! ^ (remainder >>> 8)) | 0;
  return ~remainder >>> 0;
}
