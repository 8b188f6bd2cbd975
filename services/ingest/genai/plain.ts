import { LIMITS } from '../../../schemas/limits.ts';
import type { AttributeValue } from '../otlp/model.ts';

const POLLUTING: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** An attribute's value as plain JSON data; what nests deeper than an item may is null, bytes are base64. */
export function plainOf(value: AttributeValue, depth = 0): unknown {
  if (typeof value !== 'object') return value;
  if (depth >= LIMITS.item_depth_max) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Map) {
    const plain: Record<string, unknown> = {};
    for (const [name, inner] of value as ReadonlyMap<string, AttributeValue>) {
      if (!POLLUTING.has(name)) plain[name] = plainOf(inner, depth + 1);
    }
    return plain;
  }
  return (value as readonly AttributeValue[]).map((inner) => plainOf(inner, depth + 1) ?? null);
}
