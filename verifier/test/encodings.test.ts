/** Encodings: one spelling for each value, and the end of the world for every other. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fromBase64, Refusal, toBase64, toHex } from '../src/base/bytes.ts';
import { decode, encodeArray } from '../src/base/cbor.ts';
import { formatId, parseFolder, parseId } from '../src/base/id.ts';
import { formatSpan, formatTime, parseAsn1Time } from '../src/base/time.ts';
import { isAddress, isSocket } from '../src/record/address.ts';
import { hex, parseVector, skip } from './vectors.ts';

test('base64 has one spelling', () => {
  for (let length = 0; length < 40; length++) {
    const bytes = Uint8Array.from({ length }, (_, n) => (n * 37 + length) & 255);
    assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'));
    assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
  }
  for (const other of ['QQ', 'QQ=', 'QR==', 'QQ==QQ==', ' QQ==', 'QQ==\n', 'QQ==='] ) assert.equal(fromBase64(other), undefined, other);
});

test('cbor reads the deterministic vectors of RFC 8949 and refuses the others', { skip }, () => {
  const vectors = parseVector<{ hex: string; roundtrip: boolean; decoded?: unknown; diagnostic?: string }[]>('cbor/appendix_a.json');
  let accepted = 0;
  for (const { hex: encoded, roundtrip } of vectors) {
    const bytes = hex(encoded);
    const isFloat = (bytes[0] ?? 0) >= 0xf7 || bytes[0] === 0xf0;
    const hasFloat = isFloat || /^c1fb|^82f5|^a2.*f[9-b]/.test(encoded);
    const isIndefinite = /[5-79b]f/.test(encoded) && encoded.endsWith('ff') && !roundtrip;
    try {
      decode(bytes);
      assert.ok(roundtrip && !isIndefinite, `${encoded} should be refused`);
      accepted += 1;
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error));
      assert.ok(!roundtrip || hasFloat, `${encoded}: ${error.message}`);
    }
  }
  assert.ok(accepted >= 40, String(accepted));
});

test('cbor in any other spelling is refused', () => {
  const others = [
    '1800', '1817', '190017', '1900ff', '1a0000ffff', '1b00000000ffffffff', // Longer heads than they must be.
    '5f41ff', '7f61', '9f', 'bf', // Indefinite lengths.
    'a2616200616100', 'a2616100616101', // Keys out of order, or twice.
    'f90000', 'f7', 'f0', 'ff', '1c', // Floats, undefined, simple values, reserved heads.
    '61ff', '62c328', // Text that is not UTF-8.
    '0000', '4100ff', '', '41', '82', // Bytes too many, or too few.
  ];
  for (const other of others) assert.throws(() => decode(hex(other)), Refusal, other);
  assert.throws(() => decode(hex('81'.repeat(40) + '00')), /deeper/);
});

test('a signature structure is encoded as RFC 9052 has it', () => {
  const structure = encodeArray(['Signature1', hex('a10127'), new Uint8Array(), new Uint8Array(300)]);
  assert.equal(toHex(structure), `846a5369676e61747572653143a101274059012c${'00'.repeat(300)}`);
});

test('ids have one spelling here', () => {
  const id = parseId('AF-C-000042-r');
  assert.ok(id && formatId(id) === 'AF-C-000042-r' && parseFolder('af-c-000042-r'));
  for (const other of ['AF-C-000042-s', 'AF-C-42-r', 'af-c-000042-r', 'AF-C-0000042-r', 'A-C-000042-r', 'AF-X-000042-r', 'AF-C-000042']) {
    assert.equal(parseId(other), undefined, other);
  }
});

test('times are written and read as RFC 3339 and ASN.1 have them', () => {
  assert.equal(formatTime(1_679_315_147_000_000n), '2023-03-20T12:25:47Z');
  assert.equal(formatTime(1_679_315_147_000_100n), '2023-03-20T12:25:47.000100Z');
  assert.equal(parseAsn1Time('20230320122547.5Z', 'generalized'), 1_679_315_147_500_000n);
  assert.equal(parseAsn1Time('230320122547Z', 'utc'), 1_679_315_147_000_000n);
  assert.equal(parseAsn1Time('500101000000Z', 'utc'), undefined, 'before 1970');
  for (const other of ['20230229000000Z', '20231301000000Z', '20230101240000Z', '2023010100Z', '20230101000000', '20230101000000.Z']) {
    assert.equal(parseAsn1Time(other, 'generalized'), undefined, other);
  }
  assert.deepEqual([0n, 59n, 3600n, 3660n, 90_000n].map(formatSpan), ['0 s', '59 s', '1 h', '1 h 1 min', '1 d 1 h']);
});

test('addresses have one spelling', () => {
  for (const good of ['127.0.0.1', '::', '::1', '2001:db8::1', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4', 'fe80::1:0:0:1', '1::2:0:0:3:4']) {
    assert.ok(isAddress(good), good);
  }
  for (const bad of ['127.0.0.01', '256.0.0.1', '1.2.3', '2001:DB8::1', '2001:0db8::1', '1:2:3:4:5:6:7::', '0:0::1', '1::2::3', '']) {
    assert.ok(!isAddress(bad), bad);
  }
  for (const good of ['1.2.3.4:80', '[::1]:443', '[fe80::1%2]:80', '1.2.3.4:0']) assert.ok(isSocket(good), good);
  for (const bad of ['1.2.3.4', '::1:80', '[::1]', '1.2.3.4:080', '1.2.3.4:65536', '[1.2.3.4]:80']) assert.ok(!isSocket(bad), bad);
});
