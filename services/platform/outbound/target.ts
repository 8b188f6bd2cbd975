import { isIP } from 'node:net';
import { isLoopback } from '../loopback.ts';
import { kindOfAddress } from './addresses.ts';

/** Where something may be sent to. Loopback by name is always permitted, also in the clear. */
export type TargetPolicy = {
  /** Permits receivers at private addresses, there also in the clear. */
  readonly allow_private_networks: boolean;
  /** Permits http beyond this machine. Default: only https, except at private addresses that are permitted. */
  readonly allow_plaintext?: boolean;
  /** `outbound.allow` of the configuration: hosts, or `*.` and a domain for all below it. Absent: any. */
  readonly allow_hosts?: readonly string[];
};

/**
 * Ports on which other protocols listen, some of which take lines of HTTP for commands: those that browsers refuse (WHATWG
 * Fetch, section 2.9 "Port blocking"), without echo and discard, which take no commands.
 */
const REFUSED_PORTS: ReadonlySet<number> = new Set([
  0, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
  115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548,
  554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566,
  6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** The URL, or a sentence that says what is wrong with it and what to do. Names are looked at again when resolved. */
export function checkTarget(text: string, policy: TargetPolicy): URL | string {
  const url = URL.parse(text);
  if (url === null) return 'the URL cannot be read; write https://host/path';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `${url.protocol} cannot be sent to; use https`;
  if (url.username !== '' || url.password !== '')
    return 'the URL carries credentials; take them out, messages are signed';
  if (url.port !== '' && REFUSED_PORTS.has(Number(url.port))) {
    return `port ${url.port} is of another protocol; use the port on which the receiver speaks HTTP`;
  }
  if (!isListed(url.hostname, policy.allow_hosts)) {
    return `the host ${url.hostname} is not in outbound.allow; add it there, or use one that is`;
  }
  const clear = policy.allow_private_networks || policy.allow_plaintext === true;
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !clear) {
    return 'http is refused beyond this machine; use https, or permit private networks';
  }
  const address = bareHost(url);
  if (isIP(address) === 0 || isPermitted(url, address, policy)) return url;
  return `the address ${address} is not permitted; use a public https address, or permit private networks`;
}

/** Whether a connection for this URL may go to this address, which its name has just been resolved to. */
export function isPermitted(url: URL, address: string, policy: TargetPolicy): boolean {
  switch (kindOfAddress(address)) {
    case 'never':
      return false;
    case 'loopback':
      return policy.allow_private_networks || isLoopback(url.hostname);
    case 'private':
      return policy.allow_private_networks;
    case 'public':
      return url.protocol === 'https:' || policy.allow_plaintext === true;
  }
}

/** The host of a URL; an IPv6 address without its brackets. */
export function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function isListed(host: string, allowed: readonly string[] | undefined): boolean {
  if (allowed === undefined) return true;
  const asked = host.toLowerCase().replace(/\.$/, '');
  return allowed.some((entry) => {
    const listed = entry.toLowerCase();
    return listed.startsWith('*.') ? asked.endsWith(listed.slice(1)) : asked === listed;
  });
}
