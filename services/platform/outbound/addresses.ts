import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** What an address may be sent to as. `never` is what no policy permits. */
export type AddressKind = 'public' | 'private' | 'loopback' | 'never';

/**
 * Ranges of the IANA special-purpose registries (RFC 6890) that can be an ordinary receiver. Every other special range, one
 * that a later version of the library names included, is `never`.
 */
const KINDS: Readonly<Record<string, AddressKind>> = {
  unicast: 'public',
  loopback: 'loopback',
  private: 'private',
  carrierGradeNat: 'private',
  uniqueLocal: 'private',
};

/**
 * The kind of an IP address, of any spelling. An IPv6 address that leads to an IPv4 address is what that one is: mapped
 * (RFC 4291), translated (RFC 6145), NAT64 (RFC 6052), 6to4 (RFC 3056) and IPv4-compatible ones. Where the IPv4 address stands
 * in a NAT64 prefix of a network's own (RFC 8215) cannot be known, and Teredo has two: these are `never`.
 */
export function kindOfAddress(address: string): AddressKind {
  // A zone id names an interface of this machine, and only addresses that are never permitted need one.
  if (address.includes('%') || isIP(address) === 0) return 'never';
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return KINDS[parsed.range()] ?? 'never';
  const inner = embeddedIpv4(parsed);
  if (inner !== undefined) return KINDS[inner.range()] ?? 'never';
  return KINDS[parsed.range()] ?? 'never';
}

/** 64:ff9b::/96. */
const NAT64 = [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];

function embeddedIpv4(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = address.toByteArray();
  switch (address.range()) {
    case 'rfc6052':
      return NAT64.every((byte, index) => bytes[index] === byte) ? new ipaddr.IPv4(bytes.slice(12)) : undefined;
    case 'ipv4Mapped':
    case 'rfc6145':
      return new ipaddr.IPv4(bytes.slice(12));
    case '6to4':
      return new ipaddr.IPv4(bytes.slice(2, 6));
    case 'unspecified':
    case 'loopback':
      return undefined;
    default:
      return bytes.slice(0, 12).every((byte) => byte === 0) ? new ipaddr.IPv4(bytes.slice(12)) : undefined;
  }
}
