/** Signatures: Wycheproof's vectors, and other implementations as oracles. */

import assert from 'node:assert/strict';
import { constants, createHash, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';

import { p256, p384 } from '@noble/curves/nist.js';

import { verifyEd25519 } from '../src/log/ed25519.ts';
import { ML_DSA_COSIGNATURE, VerifierKey } from '../src/log/key.ts';
import { Reader } from '../src/timestamp/der.ts';
import { decodePoint, P256, P384, verifyEcdsa } from '../src/timestamp/ecdsa.ts';
import { verifyRsa } from '../src/timestamp/rsa.ts';
import { type Digest } from '../src/timestamp/digest.ts';
import { hex, parseVector, skip } from './vectors.ts';

type Case = { tcId: number; comment: string; msg: string; sig: string; ctx?: string; result: string };
type Suite = { testGroups: { publicKey: string | { pk: string }; tests: Case[] }[] };

test('ed25519 agrees with wycheproof', { skip }, () => {
  let count = 0;
  for (const { publicKey, tests } of parseVector<Suite>('wycheproof/ed25519_test.json').testGroups) {
    const key = hex(typeof publicKey === 'string' ? publicKey : publicKey.pk);
    for (const { tcId, comment, msg, sig, result } of tests) {
      assert.equal(verifyEd25519(key, hex(msg), hex(sig)), result === 'valid', `${tcId} ${comment}`);
      count += 1;
    }
  }
  assert.ok(count >= 150, String(count));
});

test('ml-dsa-44 agrees with wycheproof where the context is empty', { skip }, () => {
  let count = 0;
  for (const { publicKey, tests } of parseVector<Suite>('wycheproof/mldsa_44_verify_test.json').testGroups) {
    const bytes = hex(typeof publicKey === 'string' ? publicKey : publicKey.pk);
    if (bytes.length !== 1312) continue; // Such a key is refused before any signature.
    const key = new VerifierKey('a', ML_DSA_COSIGNATURE, bytes);
    for (const { tcId, comment, msg, sig, ctx, result } of tests.filter((one) => (one.ctx ?? '') === '')) {
      assert.equal(key.verify(hex(msg), hex(sig)), result === 'valid', `${tcId} ${comment} ${ctx}`);
      count += 1;
    }
  }
  assert.ok(count >= 40, String(count));
});

for (const [name, curve, oracle] of [['P-256', P256, p256], ['P-384', P384, p384]] as const) {
  test(`ecdsa over ${name} agrees with @noble/curves`, () => {
    for (const digest of ['sha256', 'sha384', 'sha512']) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: name });
      const spki = new Reader(publicKey.export({ format: 'der', type: 'spki' })).sequence();
      spki.any();
      const key = spki.any().bits();
      const hash = createHash(digest).update('dated').digest();
      const signature = new Uint8Array(sign(digest, Buffer.from('dated'), privateKey));
      assert.ok(verifyEcdsa(curve, key, hash, signature), digest);
      const compressed = oracle.Point.fromBytes(key).toBytes(true);
      assert.ok(verifyEcdsa(curve, compressed, hash, signature), 'a compressed key');
      for (let bit = 0; bit < 8 * signature.length; bit += 67) {
        const forged = signature.slice();
        forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const attempt = (verify: () => boolean): boolean => {
          try {
            return verify();
          } catch {
            return false;
          }
        };
        const expected = attempt(() => oracle.verify(forged, hash, key, { format: 'der', prehash: false, lowS: false }));
        assert.equal(attempt(() => verifyEcdsa(curve, key, hash, forged)), expected, `${digest}, bit ${bit}`);
      }
      const other = hash.subarray(0);
      other[0] = (other[0] ?? 0) ^ 1;
      assert.ok(!verifyEcdsa(curve, key, other, signature));
    }
  });

  test(`what is no point of ${name} is no key`, () => {
    const key = oracle.Point.BASE.toBytes(false);
    assert.ok(decodePoint(curve, key));
    for (let at = 0; at < key.length; at += 7) {
      const forged = key.slice();
      forged[at] = (forged[at] ?? 0) ^ 1;
      assert.equal(decodePoint(curve, forged), undefined, String(at));
    }
    assert.equal(decodePoint(curve, Uint8Array.of(0)), undefined);
  });
}

test('rsa agrees with openssl, and nothing near a signature is one', () => {
  const digests: [Digest, string][] = [['SHA-256', 'sha256'], ['SHA-384', 'sha384'], ['SHA-512', 'sha512']];
  for (const bits of [2048, 3071]) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
    const key = new Uint8Array(publicKey.export({ format: 'der', type: 'pkcs1' }));
    const message = new TextEncoder().encode('dated');
    for (const [algorithm, name] of digests) {
      const pss = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
      const signatures = { PKCS1: sign(name, message, privateKey), PSS: sign(name, message, pss) };
      for (const padding of ['PKCS1', 'PSS'] as const) {
        const signature = new Uint8Array(signatures[padding]);
        assert.ok(verifyRsa(padding, key, algorithm, message, signature), `${bits} ${padding} ${algorithm}`);
        assert.ok(!verifyRsa(padding, key, algorithm, message.subarray(1), signature));
        assert.ok(!verifyRsa(padding === 'PSS' ? 'PKCS1' : 'PSS', key, algorithm, message, signature));
        const forged = signature.slice();
        forged[40] = (forged[40] ?? 0) ^ 1;
        assert.ok(!verifyRsa(padding, key, algorithm, message, forged));
      }
      const longSalt = sign(name, message, { ...pss, saltLength: 20 });
      assert.ok(!verifyRsa('PSS', key, algorithm, message, new Uint8Array(longSalt)), 'a salt of another length');
    }
  }
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const short = new Uint8Array(publicKey.export({ format: 'der', type: 'pkcs1' }));
  const signature = new Uint8Array(sign('sha256', Buffer.from('dated'), privateKey));
  assert.ok(!verifyRsa('PKCS1', short, 'SHA-256', Buffer.from('dated'), signature), 'a short key');
});
