import { frame, type Problem, type Viewer } from './frame.ts';
import { html } from './html.ts';

/** A refusal as a page of its own, where there is no other page to show it on. */
export function problemPage(problem: Problem, viewer?: Viewer): string {
  return frame(
    { title: 'This was not done', problem, ...(viewer !== undefined && { viewer }) },
    html`<p><a class="more" href=${viewer === undefined ? '/sign-in' : '/containments'}>${viewer === undefined ? 'Sign in' : 'Back to the containments'}</a></p>`,
  );
}
