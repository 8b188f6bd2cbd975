import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AuditKey } from '../../schemas/audit.ts';
import { publicKeyIn } from '../control/checkpoints.ts';
import { EXIT, Problem } from './problem.ts';

/** The files that `audit verify` is given. Everything in them may have been made by somebody else. */

/** A record of the control log is far shorter. */
const LINE_BYTES_MAX = 64 << 20;
const LINE_FEED = 0x0a;

/** Lines of a file without their line feeds, the last one also when it has none. Throws a Problem. */
export async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
        yield Buffer.concat([...parts, chunk.subarray(from, end)]);
        parts = [];
        length = 0;
        from = end + 1;
      }
      if (from === chunk.length) continue;
      parts.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > LINE_BYTES_MAX) throw new Problem('file_unreadable', `${path} holds a line that no export has`);
    }
  } catch (error) {
    throw error instanceof Problem ? error : unreadable(path, error);
  }
  if (length > 0) yield Buffer.concat(parts);
}

/** Checkpoints of a file: a JWS a line, or the bodies that the webhook sent, one a line. */
export async function checkpointsIn(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const line of linesOf(path)) {
    const text = line.toString('utf8').trim();
    if (text !== '') found.push(text.startsWith('{') ? sentIn(text) : text);
  }
  if (found.length > 0) return found;
  throw new Problem('file_unreadable', `${path} holds no checkpoint`, EXIT.usage);
}

/** What is no message is no checkpoint either, and is shown as one that cannot be read. */
function sentIn(text: string): string {
  try {
    const body = JSON.parse(text) as { readonly data?: { readonly checkpoint?: unknown } };
    return typeof body.data?.checkpoint === 'string' ? body.data.checkpoint : text;
  } catch {
    return text;
  }
}

const PEM = /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g;

/** Public keys of a PEM file, which may hold several. Throws a Problem where there is none. */
export async function keysIn(path: string): Promise<AuditKey[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const keys = (text.match(PEM) ?? []).map((pem) => publicKeyIn(pem));
  const known = keys.filter((key) => key !== undefined);
  if (known.length > 0 && known.length === keys.length) return known;
  throw new Problem('key_unreadable', `${path} does not hold Ed25519 public keys in PEM, and nothing else`, EXIT.usage);
}

function unreadable(path: string, error: unknown): Problem {
  return new Problem('file_unreadable', `cannot read ${path}: ${(error as Error).message}`, EXIT.usage);
}
