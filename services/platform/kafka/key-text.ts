/**
 * Keys as bytes: UTF-8, in which a surrogate without its other half is written like any other code point (WTF-8,
 * Sapin 2018). Keys come from agents, and plain UTF-8 would make different ones equal.
 */

const REPLACEMENT = '\ufffd';

/** Bytes of a key. Every string has bytes of its own. */
export function keyBytes(key: string): Buffer {
  if (key.isWellFormed()) return Buffer.from(key, 'utf8');
  const parts: Buffer[] = [];
  for (const point of key) {
    const code = point.charCodeAt(0);
    const lone = point.length === 1 && code >= 0xd800 && code <= 0xdfff;
    parts.push(
      lone ? Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]) : Buffer.from(point),
    );
  }
  return Buffer.concat(parts);
}

/** The key that `keyBytes` made the bytes `from` to `to` of. In bytes of others, what is neither is U+FFFD. */
export function keyText(bytes: Buffer, from = 0, to = bytes.length): string {
  const text = bytes.toString('utf8', from, to);
  return text.includes(REPLACEMENT) ? withSurrogates(bytes.subarray(from, to)) : text;
}

function withSurrogates(bytes: Buffer): string {
  let text = '';
  let from = 0;
  for (let at = 0; at + 2 < bytes.length; at++) {
    const [lead, second, third] = [bytes[at], bytes[at + 1], bytes[at + 2]] as [number, number, number];
    if (lead !== 0xed || second < 0xa0 || second > 0xbf || (third & 0xc0) !== 0x80) continue;
    text += bytes.toString('utf8', from, at);
    text += String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f));
    from = at + 3;
    at += 2;
  }
  return text + bytes.toString('utf8', from);
}
