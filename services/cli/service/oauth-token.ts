import { z } from 'zod';
import { UNITS } from '../../../schemas/limits.ts';
import { safeFetch } from '../../platform/outbound/fetch.ts';

export type ClientCredentials = {
  readonly endpoint: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly scope?: string;
  /** `outbound.allow` of the configuration. Absent: any host. */
  readonly allow_hosts?: readonly string[] | undefined;
};

const TIMEOUT_MS = 10 * UNITS.SECOND_MS;
const ANSWER_BYTES_MAX = 64 * UNITS.KIB;

const Answer = z.object({ access_token: z.string().min(1), token_type: z.string() });

/**
 * An access token by the client credentials grant (RFC 6749, section 4.4; the client authenticates by HTTP Basic, section
 * 2.3.1). Rejects, without the secret in the message, when there is none to be had.
 */
export async function clientCredentialsToken(client: ClientCredentials): Promise<string> {
  const { endpoint, client_id, client_secret, scope, allow_hosts } = client;
  // Brokers and who vouches for their clients stand in the operator's own network as a rule.
  const policy = { allow_private_networks: true, ...(allow_hosts !== undefined && { allow_hosts }) };
  const guarded = safeFetch({ policy, timeout_ms: TIMEOUT_MS, body_bytes_max: ANSWER_BYTES_MAX });
  const basic = Buffer.from(`${formEncoded(client_id)}:${formEncoded(client_secret)}`).toString('base64');
  const response = await guarded(endpoint, {
    method: 'POST',
    headers: {
      authorization: `Basic ${basic}`,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }),
  });
  if (!response.ok) throw new Error(`${endpoint} answered ${response.status} instead of a token`);
  const answer = Answer.safeParse(parsed(await response.text())).data;
  if (answer?.token_type.toLowerCase() !== 'bearer') throw new Error(`${endpoint} answered with no bearer token`);
  return answer.access_token;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As application/x-www-form-urlencoded writes it, which section 2.3.1 asks for in the header too. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
