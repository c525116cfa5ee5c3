/**
 * ECDSA over P-256 and P-384: verification alone.
 *
 * | quantity   | unit  | range                                       |
 * |------------|-------|---------------------------------------------|
 * | public key | bytes | a point, compressed or not                  |
 * | signature  |       | DER, two numbers from 1, below the order    |
 *
 * Sources: FIPS 186-5 §6.4.2, SEC 1 §2.3.4, SP 800-186 §3.2.1. Written out here because everything it touches is public:
 * there is no secret whose time it could give away, and the whole of it can be read. The tests hold it against OpenSSL
 * and against @noble/curves.
 */

import { Refusal, toInteger } from '../base/bytes.ts';
import { readSequence, TAG } from './der.ts';

/** A curve y² = x³ − 3x + b over a prime field, with a base point of prime order. */
export type Curve = { p: bigint; b: bigint; n: bigint; g: Affine; sizeBytes: number };
type Affine = { x: bigint; y: bigint };
export const P256: Curve = {
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  g: {
    x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
    y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
  },
  sizeBytes: 32,
};

export const P384: Curve = {
  p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
  b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  g: {
    x: 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
    y: 0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
  },
  sizeBytes: 48,
};

/** Checks a signature over a hash, by a key as certificates hold it. */
export function verifyEcdsa(curve: Curve, key: Uint8Array, hash: Uint8Array, signature: Uint8Array): boolean {
  const q = decodePoint(curve, key);
  const [r, s] = decodeSignature(signature);
  const isInRange = (value: bigint): boolean => value > 0n && value < curve.n;
  if (!q || !isInRange(r) || !isInRange(s)) return false;
  const e = toInteger(hash.subarray(0, curve.sizeBytes));
  const w = inverse(s, curve.n);
  const x = combine(curve, mod(e * w, curve.n), mod(r * w, curve.n), q);
  return x !== undefined && mod(x, curve.n) === r;
}

/** Decodes a key; nothing when it is no point of the curve. */
export function decodePoint(curve: Curve, bytes: Uint8Array): Affine | undefined {
  const { p, sizeBytes } = curve;
  const [form = 0] = bytes;
  const x = toInteger(bytes.subarray(1, 1 + sizeBytes));
  const square = mod(x * x * x - 3n * x + curve.b, p);
  if (form === 4 && bytes.length === 1 + 2 * sizeBytes) {
    const y = toInteger(bytes.subarray(1 + sizeBytes));
    return x < p && y < p && mod(y * y, p) === square ? { x, y } : undefined;
  }
  if ((form !== 2 && form !== 3) || bytes.length !== 1 + sizeBytes || x >= p) return undefined;
  const root = power(square, (p + 1n) / 4n, p); // p leaves 3 when divided by 4.
  if (mod(root * root, p) !== square) return undefined;
  return { x, y: (root & 1n) === BigInt(form & 1) ? root : p - root };
}

function decodeSignature(signature: Uint8Array): [bigint, bigint] {
  const numbers = readSequence(signature);
  const [r, s] = [numbers.take(TAG.integer).integer(), numbers.take(TAG.integer).integer()];
  numbers.finish();
  if ((r[0] ?? 0) >= 0x80 || (s[0] ?? 0) >= 0x80) throw new Refusal('a signature of negative numbers');
  return [toInteger(r), toInteger(s)];
}

/** The x of u·G + v·Q, both sums doubled along together; nothing for the point at infinity. */
function combine(curve: Curve, u: bigint, v: bigint, q: Affine): bigint | undefined {
  const [g, point] = [lift(curve.g), lift(q)];
  const both = add(curve, g, point);
  let sum: Jacobian = { x: 1n, y: 1n, z: 0n };
  for (let bit = BigInt(8 * curve.sizeBytes - 1); bit >= 0n; bit--) {
    sum = double(curve, sum);
    const [hasU, hasV] = [((u >> bit) & 1n) === 1n, ((v >> bit) & 1n) === 1n];
    if (hasU || hasV) sum = add(curve, sum, hasU && hasV ? both : hasU ? g : point);
  }
  if (sum.z === 0n) return undefined;
  const z = inverse(sum.z, curve.p);
  return mod(sum.x * z * z, curve.p);
}

/** A point as x/z², y/z³, so that adding divides nothing; z is 0 at infinity. */
type Jacobian = { x: bigint; y: bigint; z: bigint };

function lift({ x, y }: Affine): Jacobian {
  return { x, y, z: 1n };
}

/** The doubling of Bernstein's and Lange's formula database, `dbl-2001-b`, for a = −3. */
function double({ p }: Curve, { x, y, z }: Jacobian): Jacobian {
  const delta = (z * z) % p;
  const gamma = (y * y) % p;
  const beta = (x * gamma) % p;
  const alpha = mod(3n * (x - delta) * (x + delta), p);
  const x3 = mod(alpha * alpha - 8n * beta, p);
  return { x: x3, y: mod(alpha * (4n * beta - x3) - 8n * gamma * gamma, p), z: mod((y + z) * (y + z) - gamma - delta, p) };
}

/** The addition from the same place, `add-1998-cmo-2`, with the cases that it leaves out. */
function add(curve: Curve, a: Jacobian, b: Jacobian): Jacobian {
  const { p } = curve;
  if (a.z === 0n) return b;
  if (b.z === 0n) return a;
  const [a2, b2] = [(a.z * a.z) % p, (b.z * b.z) % p];
  const [u1, s1] = [(a.x * b2) % p, (a.y * b.z * b2) % p];
  const h = mod(b.x * a2 - u1, p);
  const r = mod(b.y * a.z * a2 - s1, p);
  if (h === 0n) return r === 0n ? double(curve, a) : { x: 1n, y: 1n, z: 0n };
  const h2 = (h * h) % p;
  const [h3, v] = [(h * h2) % p, (u1 * h2) % p];
  const x = mod(r * r - h3 - 2n * v, p);
  return { x, y: mod(r * (v - x) - s1 * h3, p), z: (h * a.z * b.z) % p };
}

/** Euclid's algorithm, extended. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, u, v] = [value, modulus, 1n, 0n];
  while (a !== 0n) {
    const quotient = b / a;
    [a, b, u, v] = [b - quotient * a, a, v - quotient * u, u];
  }
  return mod(v, modulus);
}

export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, mod(base, modulus)];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}
