import type { FleetFacts, FleetJob } from '../facts.ts';
import type { RecordedFacts, RecordedJob } from '../recorded/facts.ts';

/** What a thread is asked to do, and what it answers. */
export type Task = FleetJob | RecordedJob;
export type AnswerOf<T extends Task> = T extends FleetJob ? FleetFacts : RecordedFacts;
