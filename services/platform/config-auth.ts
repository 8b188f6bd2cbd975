import type { Config } from '../../schemas/config.ts';
import type { Add } from './config-contradictions.ts';
import type { FieldPath } from './config-sources.ts';
import { isLoopback } from './loopback.ts';
import { checkTarget } from './outbound/target.ts';

/** What the sections about signing in say against each other and against where the service listens. */
export function authContradictions(config: Config, add: Add): void {
  const { auth, outbound, public_url } = config;
  if (auth.idle_ms > auth.session_ms)
    add(['auth', 'idle_ms'], 'is longer than auth.session_ms, so it would never count');
  for (const [field, url] of authUrls(config)) {
    if (url === undefined || !isInTheClear(url)) continue;
    const what =
      field.at(-1) === 'issuer' ? 'could be answered for by anybody on the way' : 'would carry sessions in the clear';
    add(field, `${what}: use https; http is for this machine alone`);
  }
  const address = public_url === undefined ? null : URL.parse(public_url);
  if (address !== null && address.search + address.hash !== '') {
    add(['public_url'], 'has a query or a fragment: paths are put behind it');
  }
  auth.oidc.forEach(({ issuer, redirect_url, allow_private_networks }, index) => {
    const allow_hosts = outbound.allow === undefined ? {} : { allow_hosts: outbound.allow };
    const reachable = checkTarget(issuer, { allow_private_networks, ...allow_hosts });
    // Of what is in the clear or carries credentials other rules tell.
    if (typeof reachable === 'string' && !isInTheClear(issuer) && !hasCredentials(issuer)) {
      add(['auth', 'oidc', index, 'issuer'], `cannot be asked: ${reachable}`);
    }
    if (redirect_url !== undefined || public_url !== undefined || config.listen.port !== 0) return;
    add(
      ['auth', 'oidc', index, 'name'],
      'has no address to send people back to, as listen.port is any: set public_url',
    );
  });
}

function isInTheClear(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed?.protocol === 'http:' && !isLoopback(parsed.hostname);
}

function hasCredentials(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && (parsed.username !== '' || parsed.password !== '');
}

/** Addresses in these sections, for those who look at all of them. */
export function authUrls({ auth, public_url }: Config): [FieldPath, string | undefined][] {
  return [
    [['public_url'], public_url],
    ...auth.oidc.flatMap(({ issuer, redirect_url }, index): [FieldPath, string | undefined][] => [
      [['auth', 'oidc', index, 'issuer'], issuer],
      [['auth', 'oidc', index, 'redirect_url'], redirect_url],
    ]),
  ];
}
