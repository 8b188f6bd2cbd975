import type { Route } from '../route.ts';
import { access } from './access.ts';
import { alerts } from './alerts.ts';
import { audit } from './audit.ts';
import { containments } from './containments.ts';
import { directives } from './directives.ts';
import { events } from './events.ts';
import { gaps } from './gaps.ts';
import { identities } from './identities.ts';
import { operations } from './operations.ts';
import { otlp } from './otlp.ts';
import { policy } from './policy.ts';
import { previews } from './preview.ts';
import { requests } from './requests.ts';
import { sessions } from './sessions.ts';
import { siem } from './siem.ts';
import { signIn } from './sign-in.ts';
import { sources } from './sources.ts';
import { subscriptions } from './subscriptions.ts';

/** Everything that can be asked over HTTP, and by whom. */
export const ROUTES: readonly Route[] = [
  ...operations,
  ...sources,
  ...events,
  ...otlp,
  ...alerts,
  ...identities,
  ...containments,
  ...requests,
  ...policy,
  ...previews,
  ...directives,
  ...gaps,
  ...siem,
  ...access,
  ...sessions,
  ...signIn,
  ...subscriptions,
  ...audit,
];
