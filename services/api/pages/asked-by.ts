import type { VNode } from 'preact';
import type { Containment } from '../../../schemas/containment.ts';
import { html } from './html.ts';
import { Who } from './text.ts';

/** Whose idea a containment was. */
export function AskedBy({ containment }: { readonly containment: Pick<Containment, 'terms' | 'requested_by'> }): VNode {
  const { origin } = containment.terms;
  if (origin === undefined || origin.kind === 'recommended') return html`<span>detection itself</span>`;
  return html`<${Who} of=${containment.requested_by} />`;
}
