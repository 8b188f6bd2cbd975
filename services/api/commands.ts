import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Command } from '../../schemas/command.ts';
import { principalKey } from '../../schemas/principal.ts';
import type { Caller } from './authentication.ts';
import { Refused, refuse, refuseAs } from './errors.ts';
import type { Context } from './route.ts';

type Body<T> = T extends Command ? Omit<T, 'id' | 'by' | 'credential' | 'time'> : never;
export type CommandBody = Body<Command>;

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

/**
 * The id of the command that a request is. With the header `idempotency-key` the same caller's repeat is the same command;
 * without, every request is one of its own.
 */
export function commandId(request: FastifyRequest, caller: Caller, { ports }: Context): string | Refused {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return `api-${ports.randomBytes(16).toString('hex')}`;
  if (typeof given === 'string' && IDEMPOTENCY_KEY.test(given)) {
    return namedBy(caller, given);
  }
  return refuse('request_invalid', {
    field: 'headers.idempotency-key',
    remedy: 'send up to 128 visible ASCII characters, or leave it out',
  });
}

function namedBy(caller: Caller, key: string): string {
  const whose = `${principalKey(caller.principal)}\n${key}`;
  return `idem-${createHash('sha256').update(whose).digest('hex')}`;
}

/** Asks in the caller's name. Undefined when it was done, otherwise why not. */
export async function command(
  asked: { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly context: Context },
  caller: Caller,
  body: CommandBody,
): Promise<Refused | undefined> {
  const done = await commandSubject(asked, caller, body);
  return done instanceof Refused ? done : undefined;
}

/** The same, with the id of what the command was about. `once` stands for the header where a form cannot send one. */
export async function commandSubject(
  asked: { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly context: Context },
  caller: Caller,
  body: CommandBody,
  { once }: { readonly once?: string } = {},
): Promise<Refused | { readonly subject: string }> {
  const { request, context } = asked;
  const id = once === undefined ? commandId(request, caller, context) : namedBy(caller, once);
  if (id instanceof Refused) return id;
  const { issuer, subject } = caller.principal;
  const answer = await context.ports.commands.ask({
    ...body,
    id,
    by: { issuer, subject },
    credential: caller.credential,
    time: context.ports.clock.now(),
  });
  if (answer.kind === 'done') return { subject: answer.subject };
  if (answer.kind === 'refused') return refuseAs(answer.code, answer.message);
  return refuse('command_undecided', {
    retry_after_s: 1,
    remedy:
      request.headers['idempotency-key'] === undefined
        ? 'read what it is about to see whether it came through; send an idempotency-key to be able to repeat a request'
        : 'repeat the request with the same idempotency-key',
  });
}
