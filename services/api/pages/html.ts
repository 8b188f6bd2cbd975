import htm from 'htm';
import { type ComponentChildren, h, type VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';

type Html = (parts: TemplateStringsArray, ...values: readonly unknown[]) => VNode;

/**
 * HTML as a tagged template. What stands in `${...}` is text or an attribute's value and is escaped by Preact: no page
 * has a way to write markup that it was handed as a string.
 */
// Its types are those of its CommonJS build, whose default export is one level deeper than that of the module we load.
export const html = (htm as unknown as { bind(create: typeof h): Html }).bind(h);

export type Children = { readonly children?: ComponentChildren };

/** A whole document. */
export function documentOf(page: VNode): string {
  return `<!doctype html>\n${renderToString(page)}`;
}
