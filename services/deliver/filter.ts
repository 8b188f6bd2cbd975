import { type Alert, SEVERITIES, type Severity } from '../../schemas/alert.ts';

/** Which alerts a reader or a subscription wants; an absent field wants all. */
export type FeedFilter = {
  readonly tenant?: string;
  readonly severity_min?: Severity;
  readonly identity?: string;
  readonly status?: Alert['status'];
};

export function wants(filter: FeedFilter, alert: Alert): boolean {
  const { tenant, severity_min, identity, status } = filter;
  return (
    (tenant === undefined || alert.tenant === tenant) &&
    (severity_min === undefined || SEVERITIES.indexOf(alert.severity) >= SEVERITIES.indexOf(severity_min)) &&
    (identity === undefined || alert.identity.id === identity) &&
    (status === undefined || alert.status === status)
  );
}
