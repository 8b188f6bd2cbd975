import { accessCredential } from './access/credential.ts';
import { accessHour } from './access/hour.ts';
import { accessOrigin } from './access/origin.ts';
import { twoPlaces } from './access/places.ts';
import type { Detector } from './detector.ts';
import { resourceBreadth } from './retrieval/breadth.ts';
import { sensitivityCreep } from './retrieval/creep.ts';
import { resourceRarity } from './retrieval/resource.ts';
import { sensitivity } from './retrieval/sensitivity.ts';
import { sessionContext } from './retrieval/session-context.ts';
import { resourceSweep } from './retrieval/sweep.ts';
import { argumentSize } from './tool-usage/argument-size.ts';
import { callRate } from './tool-usage/call-rate.ts';
import { failureRun } from './tool-usage/failures.ts';
import { toolFrequency } from './tool-usage/frequency.ts';
import { mixShift } from './tool-usage/mix-shift.ts';
import { operationKind } from './tool-usage/operation.ts';
import { toolSequence, toolTransition } from './tool-usage/transition.ts';
import { versionChange } from './tool-usage/version.ts';
import { egressVolume } from './volume/egress.ts';
import { egressDrift } from './volume/egress-drift.ts';
import { eventVolume } from './volume/event.ts';
import { lowAndSlow } from './volume/low-and-slow.ts';
import { windowVolume } from './volume/window.ts';

/** All detectors. The order is part of the stored scores; the sweep learns before the resources it calls new are. */
export const DETECTORS: readonly Detector[] = [
  eventVolume,
  windowVolume,
  lowAndSlow,
  resourceSweep,
  resourceRarity,
  sessionContext,
  resourceBreadth,
  sensitivity,
  toolFrequency,
  toolTransition,
  toolSequence,
  operationKind,
  argumentSize,
  callRate,
  failureRun,
  accessOrigin,
  accessCredential,
  accessHour,
  twoPlaces,
  mixShift,
  egressVolume,
  versionChange,
  sensitivityCreep,
  egressDrift,
];

/** Places of those that are judged by the identity-day and enter no score. */
export const APART: readonly number[] = DETECTORS.flatMap(({ weighed }, i) => (weighed === 'apart' ? [i] : []));
