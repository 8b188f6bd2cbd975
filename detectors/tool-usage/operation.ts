import { OPERATIONS } from '../../schemas/event.ts';
import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { NAMESPACE } from '../features.ts';
import { hashText } from '../math/hash.ts';
import { learnName } from '../names.ts';
import { bounded, name, ofHistory, quoted, times, toolName } from '../sentences.ts';
import { nameBits, nameProbability, ownNameCount } from '../yardstick.ts';

const HASHES = OPERATIONS.map((operation) => hashText(operation));

/**
 * An operation of a kind that this identity seldom or never does: one that read now exports; or a tool server.
 *
 * Statistics and state as in retrieval/sensitivity.ts, for operations and servers. Wrong where sources cannot tell what a
 * tool does and call it unknown; blind for more of an operation that is usual.
 */
export const operationKind: Detector = {
  name: 'operation_kind',
  family: 'tool_usage',
  weighed: 'operation',
  voice: 0.4,

  score(c) {
    const bits = nameBits(c, NAMESPACE.operation, c.f.operation_hash);
    return c.f.server === 0 ? bits : Math.max(bits, nameBits(c, NAMESPACE.server, c.f.server));
  },

  learn(lesson) {
    learnName(lesson, NAMESPACE.operation, HASHES[lesson.record.operation] as number);
    if (lesson.record.server !== 0) learnName(lesson, NAMESPACE.server, lesson.record.server);
  },

  explain(c, bits) {
    const operation = c.f.event?.action.operation ?? 'unknown';
    const p = nameProbability(c, NAMESPACE.operation, c.f.operation_hash);
    const server = c.f.event?.tool?.server;
    if (server !== undefined && Math.fround(nameBits(c, NAMESPACE.operation, c.f.operation_hash)) < bits)
      return serverExplanation(c, server, bits);
    const own = ownNameCount(c, NAMESPACE.operation, c.f.operation_hash);
    return {
      pattern: own === 0 ? 'new_operation' : 'rare_operation',
      subject: { kind: 'operation', value: operation },
      observed: { name: 'operations of this kind before', value: own, unit: 'calls' },
      expected: { name: 'probability of this kind', value: bounded(p, bits), unit: 'probability' },
      basis: 'identity',
      sentence: `${name(toolName(c))} is an operation of the kind "${operation}", which this identity ${own === 0 ? 'never did' : `did only ${times(own)}`} ${ofHistory(c)}.`,
    };
  },
};

function serverExplanation(c: Context, server: string, bits: number): ReturnType<Detector['explain']> {
  const own = ownNameCount(c, NAMESPACE.server, c.f.server);
  return {
    pattern: own === 0 ? 'first_seen_server' : 'rare_server',
    subject: { kind: 'server', value: server },
    observed: { name: 'calls to this server before', value: own, unit: 'calls' },
    expected: {
      name: 'probability of this server',
      value: bounded(nameProbability(c, NAMESPACE.server, c.f.server), bits),
      unit: 'probability',
    },
    basis: 'identity',
    sentence: `The tool server ${quoted(server)} was ${own === 0 ? 'never used' : `used only ${times(own)}`} by this identity ${ofHistory(c)}.`,
  };
}
