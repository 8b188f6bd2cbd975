const KIB = 1024;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

export const UNITS = { KIB, MIB: 1024 * KIB, SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS: 24 * HOUR_MS } as const;
