import kafkajs, { type KafkaConfig } from 'kafkajs';
import { scramProvider } from './internals.ts';
import type { KafkaSasl } from './settings.ts';

type Mechanism = Extract<NonNullable<KafkaConfig['sasl']>, { authenticationProvider: unknown }>;
type Provider = Mechanism['authenticationProvider'];

/**
 * How kafkajs is to authenticate. Its own providers turn everything that fails into a refusal of the credentials, broken
 * connections too; here the cause stays what it was.
 */
export function saslOptions(sasl: KafkaSasl): Mechanism {
  return { mechanism: sasl.mechanism, authenticationProvider: withCause(providerOf(sasl)) };
}

function providerOf(sasl: KafkaSasl): Provider {
  switch (sasl.mechanism) {
    case 'plain':
      return plain(sasl);
    case 'oauthbearer':
      return bearer(sasl.token);
    case 'scram-sha-256':
    case 'scram-sha-512':
      return scramProvider(sasl.mechanism, sasl);
  }
}

function withCause(provider: Provider): Provider {
  return (args) => {
    let failed: { readonly error: unknown } | undefined;
    const authenticator = provider({
      ...args,
      saslAuthenticate: async (request) => {
        try {
          return await args.saslAuthenticate(request);
        } catch (error) {
          failed = { error };
          throw error;
        }
      },
    });
    return {
      authenticate: async () => {
        try {
          await authenticator.authenticate();
        } catch (error) {
          throw failed === undefined ? error : failed.error;
        }
      },
    };
  };
}

/** RFC 4616. */
function plain({ username, password }: { readonly username: string; readonly password: string }): Provider {
  return ({ saslAuthenticate }) => ({
    authenticate: async () => {
      await saslAuthenticate({ request: message(`\0${username}\0${password}`) });
    },
  });
}

/** RFC 7628, section 3. A refusal comes as a challenge that holds the reasons, and authentication seems to go on. */
function bearer(token: () => Promise<string>): Provider {
  return ({ saslAuthenticate }) => ({
    authenticate: async () => {
      const challenge = await saslAuthenticate({
        request: message(`n,,\u0001auth=Bearer ${await freshToken(token)}\u0001\u0001`),
        response: { decode: (bytes) => bytes, parse: (bytes) => bytes },
      });
      // Length and bytes; an empty challenge is a success.
      if (challenge !== undefined && challenge.length > 4) {
        throw new TokenRefused('the broker does not take the token', { retriable: false });
      }
    },
  });
}

class TokenRefused extends kafkajs.KafkaJSError {
  override readonly name = 'TokenRefused';
}

/** Whoever gives tokens out may be away for a while, like a broker. */
class TokenUnavailable extends kafkajs.KafkaJSError {
  override readonly name = 'TokenUnavailable';
}

async function freshToken(token: () => Promise<string>): Promise<string> {
  try {
    return await token();
  } catch (error) {
    throw new TokenUnavailable(`no token to authenticate with: ${String(error)}`, { retriable: true });
  }
}

function message(text: string) {
  return {
    encode: (): Buffer => {
      const bytes = Buffer.from(text);
      const framed = Buffer.alloc(4 + bytes.length);
      framed.writeInt32BE(bytes.length);
      bytes.copy(framed, 4);
      return framed;
    },
  };
}
