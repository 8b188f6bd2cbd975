import { finish, hashText } from './hash.ts';

/**
 * Network prefixes of an address as hashes, read in one pass and without garbage: IPv4 /24 and /16, IPv6 /48 and /32
 * (RFC 6177 section 2: a site has a /48; regional registries hand a provider a /32). Other spellings of one IPv6 address
 * (RFC 5952) give the same hash, and an IPv4-mapped one (RFC 4291 section 2.5.5.2) that of its IPv4 address.
 */
export type Prefixes = { near: number; far: number };

const DOT = 46;
const COLON = 58;
const GROUPS = 8;
const MAPPED = /^::ffff:(?=\d+\.)/i;
const MAPPED_LENGTH = 7;

/** What is no address is its own prefix, near and far. */
export function readPrefixes(ip: string, into: Prefixes): void {
  if (!(ip.indexOf(':') >= 0 ? readVersion6(ip, into) : readVersion4(ip, 0, into))) {
    into.near = hashText(ip);
    into.far = into.near;
  }
}

function readVersion4(ip: string, from: number, into: Prefixes): boolean {
  let part = 0;
  let parts = 0;
  let digits = 0;
  let value = 0;
  for (let i = from; i <= ip.length; i++) {
    const code = i === ip.length ? DOT : ip.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0 || part > 255) return false;
      parts++;
      if (parts <= 3) value = (value << 8) | part;
      part = 0;
      digits = 0;
    } else {
      if (code < 48 || code > 57 || digits === 3) return false;
      part = part * 10 + code - 48;
      digits++;
    }
  }
  if (parts !== 4) return false;
  into.near = finish(value | 0x04000000) || 1;
  into.far = finish((value >>> 8) | 0x05000000) || 1;
  return true;
}

/** Only the first three of eight groups matter; at an empty one `::` begins, which stands for as many zeros as are missing. */
function readVersion6(ip: string, into: Prefixes): boolean {
  if (ip.indexOf('.') > 0 && MAPPED.test(ip)) return readVersion4(ip, MAPPED_LENGTH, into);
  let provider = 0;
  let site = 0;
  let digits = 0;
  let group = 0;
  for (let i = 0; i < ip.length && group < 3; i++) {
    const code = ip.charCodeAt(i);
    if (code === COLON) {
      if (digits === 0) {
        if (i === 0) i++;
        group = GROUPS - groupsFrom(ip, i + 1);
      } else group++;
      digits = 0;
      continue;
    }
    const digit = hexDigit(code);
    if (digit < 0 || digits === 4) return false;
    if (group === 2) site = site * 16 + digit;
    else if (group === 1) provider = (provider & 0xffff0000) | (((provider & 0xfff) << 4) | digit);
    else provider = ((provider >>> 16) * 16 + digit) << 16;
    digits++;
  }
  into.near = finish(Math.imul(provider, 0x9e3779b1) ^ (site + 0x60000)) || 1;
  into.far = finish(Math.imul(provider, 0x9e3779b1) ^ 0x70000) || 1;
  return true;
}

function groupsFrom(ip: string, from: number): number {
  if (from >= ip.length) return 0;
  let groups = 1;
  for (let i = from; i < ip.length; i++) if (ip.charCodeAt(i) === COLON) groups++;
  return groups;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** The near prefix as a person reads it; an address that is none as it is. */
export function prefixName(ip: string): string {
  const mapped = ip.replace(MAPPED, '');
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(mapped)) return `${mapped.slice(0, mapped.lastIndexOf('.'))}.0/24`;
  if (!/^[0-9a-f:]+$/i.test(ip) || ip.indexOf(':') < 0) return ip;
  const [left = [], right = []] = ip.split('::').map((side) => side.split(':').filter((group) => group !== ''));
  const missing = Array.from({ length: Math.max(0, GROUPS - left.length - right.length) }, () => '0');
  const groups = [...left, ...missing, ...right].slice(0, 3);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '').toLowerCase()).join(':')}::/48`;
}
