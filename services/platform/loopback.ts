import net from 'node:net';

/** The kernel's loopback addresses, and the name that stands for them (RFC 6761). */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true;
  if (net.isIPv4(bare)) return bare.startsWith('127.');
  return net.isIPv6(bare) && loopback6.check(bare, 'ipv6');
}

const loopback6 = new net.BlockList();
loopback6.addAddress('::1', 'ipv6');
loopback6.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');
