/**
 * Network addresses, in the one spelling that records have.
 *
 * Source: RFC 5952 (IPv6), with an IPv4 address inside written with dots. A socket is `1.2.3.4:80` or `[::1]:80`.
 */

export function isAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

export function isSocket(text: string): boolean {
  const parts = /^(?:\[([^%\]]+)(?:%([1-9]\d{0,9}))?\]|([\d.]+)):(0|[1-9]\d{0,4})$/.exec(text);
  if (!parts || Number(parts[4]) > 0xffff) return false;
  return parts[1] === undefined ? isIpv4(parts[3] ?? '') : isIpv6(parts[1]);
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

function isIpv6(text: string): boolean {
  const mapped = /^::ffff:([\d.]+)$/.exec(text);
  if (mapped) return isIpv4(mapped[1] ?? '');
  const halves = text.split('::');
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const zeroCount = 8 - left.length - right.length;
  const isShort = halves.length === 2 && zeroCount >= 2;
  if (!isShort && (halves.length !== 1 || zeroCount !== 0)) return false;
  const groups = [...left, ...Array.from({ length: zeroCount }, () => '0'), ...right];
  return groups.every((group) => /^(0|[1-9a-f][0-9a-f]{0,3})$/.test(group)) && compressed(groups) === text;
}

/** Writes the longest run of zeros, the first of several, as `::`. */
function compressed(groups: string[]): string {
  const runs = groups.map((_, at) => groups.slice(at).findIndex((group) => group !== '0'));
  const lengths = runs.map((run, at) => (run < 0 ? 8 - at : run));
  const longest = Math.max(...lengths);
  if (longest < 2) return groups.join(':');
  const at = lengths.indexOf(longest);
  return `${groups.slice(0, at).join(':')}::${groups.slice(at + longest).join(':')}`;
}
