import type { VNode } from 'preact';
import { type PrincipalRef, SYSTEM, samePrincipal } from '../../../schemas/principal.ts';
import { counted, escapeOf, instant, isInstant, UNPRINTABLE } from '../../platform/words.ts';
import { html } from './html.ts';

/** Texts of what a vote is bound to are shown whole, up to here. */
const WHOLE_CHARS = 4_096;
const PART_CHARS = 400;

/**
 * Text from outside, which an agent may have chosen: bounded, isolated in its direction, and marked as data. What
 * cannot be seen is shown as an escape in a mark of its own, which nobody can imitate by typing it.
 */
export function Data({ text, most = PART_CHARS, kind = 'code' }: DataOptions): VNode {
  const shown = cutAt(text, most);
  const more = text.length - shown.length;
  return html`<bdi class=${`data ${kind}`}>${visible(shown)}</bdi>${more > 0 && html`<${Cut} more=${more} />`}`;
}

type DataOptions = {
  readonly text: string;
  readonly most?: number;
  /** Sentences of ours that hold names from outside read better as prose. */
  readonly kind?: 'code' | 'prose';
};

/** The same for what a vote is bound to: as good as never cut, and a warning where its letters are not what they seem. */
export function Bound({ text }: { readonly text: string }): VNode {
  const warning = deceptive(text);
  return html`<${Data} text=${text} most=${WHOLE_CHARS} />${
    warning !== undefined && html` <strong class="warn">${warning}</strong>`
  }`;
}

/** What a person wrote, with its lines. */
export function Said({ text, most = 4_000 }: { readonly text: string; readonly most?: number }): VNode {
  const shown = cutAt(text, most);
  const lines = shown.split(/\r\n|\r|\n/).slice(0, SAID_LINES);
  return html`<span class="said">${lines.map(
    (line, index) => html`${index > 0 && html`<br />`}<bdi>${visible(line)}</bdi>`,
  )}${text.length > shown.length && html`<${Cut} more=${text.length - shown.length} />`}</span>`;
}

const SAID_LINES = 60;

/** Never within a surrogate pair. */
function cutAt(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most);
  return cut.charCodeAt(most - 1) >> 10 === 0x36 ? cut.slice(0, -1) : cut;
}

function Cut({ more }: { readonly more: number }): VNode {
  return html`<em class="cut"> … ${counted(more, 'character')} more</em>`;
}

/** Plain text, and what cannot be seen as marked escapes. */
function visible(text: string): (string | VNode)[] {
  const parts: (string | VNode)[] = [];
  let from = 0;
  for (const found of text.matchAll(UNPRINTABLE)) {
    if (found.index > from) parts.push(text.slice(from, found.index));
    parts.push(html`<span class="escape">${escapeOf(found[0])}</span>`);
    from = found.index + found[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

/** Scripts whose letters look like Latin ones (Unicode TS 39, section 4). */
const LOOKALIKES = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;
const FORMS = /[\uff01-\uff5e\u{1d400}-\u{1d7ff}]/u;

/** Why a name may not be what it looks like; undefined when nothing speaks for that. */
export function deceptive(text: string): string | undefined {
  if (text.search(UNPRINTABLE) >= 0) return 'holds characters that cannot be seen; they are shown as escapes';
  if (/[A-Za-z]/.test(text) && LOOKALIKES.test(text)) return 'mixes alphabets whose letters look alike';
  if (FORMS.test(text)) return 'holds letters in an unusual form';
  return text !== text.trim() ? 'begins or ends with a space' : undefined;
}

/** An instant in UTC, for people and machines. */
export function When({ ms }: { readonly ms: number }): VNode {
  const text = instant(ms);
  if (!isInstant(ms)) return html`<span>${text}</span>`;
  return html`<time datetime=${text}>${text.replace('T', ' ').replace('Z', ' UTC')}</time>`;
}

/** `in 3 h 12 min`, `5 min ago`, `now`. */
export function distance(ms: number, now: number): string {
  const span = Math.abs(ms - now);
  if (span < 1_000) return 'now';
  const text = spanText(span);
  return ms > now ? `in ${text}` : `${text} ago`;
}

const SPANS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** `3 h 12 min`: the two largest units that say something. */
export function spanText(ms: number): string {
  const first = SPANS.findIndex(([size]) => ms >= size);
  const [size, unit] = SPANS[first] ?? [1, 'ms'];
  const whole = Math.floor(ms / size);
  const [smaller, name] = SPANS[first + 1] ?? [0, ''];
  const rest = smaller === 0 || unit === 'min' ? 0 : Math.floor((ms - whole * size) / smaller);
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${name}`;
}

/** An absolute time with its distance. */
export function WhenAndHowFar({ ms, now }: { readonly ms: number; readonly now: number }): VNode {
  return html`<${When} ms=${ms} /> <span class="dim">(${distance(ms, now)})</span>`;
}

/** Somebody by subject and issuer: a name alone can be anybody's. */
export function Who({ of }: { readonly of: PrincipalRef }): VNode {
  if (samePrincipal(of, SYSTEM)) return html`<span>Countersign itself</span>`;
  return html`<span class="who"><bdi>${visible(cutAt(of.subject, 120))}</bdi> <span class="dim">at <bdi>${visible(
    cutAt(of.issuer, 120),
  )}</bdi></span></span>`;
}

/** Enough of a digest for two people to compare it, in groups; the whole is beside it on the page. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 16).replaceAll(/(.{4})(?=.)/g, '$1 ');
}
