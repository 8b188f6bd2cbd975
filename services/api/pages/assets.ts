import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A file of ours, served under a name that changes with its content, so that it can be kept for good. */
export type Asset = { readonly url: string; readonly type: string; readonly body: Buffer };

/** What pages load: a style sheet, a picture, and one script for one-time links. */
export const ASSETS = {
  style: load('style.css', 'text/css; charset=utf-8'),
  icon: load('icon.svg', 'image/svg+xml'),
  link: load('link.js', 'text/javascript; charset=utf-8'),
} as const satisfies Record<string, Asset>;

function load(name: string, type: string): Asset {
  const body = readFileSync(new URL(`./static/${name}`, import.meta.url));
  const version = createHash('sha256').update(body).digest('hex').slice(0, 12);
  const at = name.lastIndexOf('.');
  return { url: `/static/${name.slice(0, at)}.${version}${name.slice(at)}`, type, body };
}
