import type { Model } from '../../detectors/contract.ts';
import type { StateSlab } from '../../detectors/state.ts';
import type { EvidenceRef } from '../../schemas/finding.ts';
import type { WatchedEffect } from './effects.ts';
import { type Directed, dueOf, type IdentityState, type LastHeard, type OpenAlert } from './identity.ts';
import type { RestingAlert } from './resting.ts';
import { keptOf } from './silence.ts';

/**
 * The bytes of one identity's state: a JSON header for what is in flight, the words of the baselines as they stand in
 * memory, then the traces of open and held sessions. Little-endian throughout; `layout` lets the model upgrade old words.
 */
type Header = {
  readonly layout: number;
  readonly words: number;
  readonly clock_ms: number;
  readonly recorded: boolean;
  readonly group: string;
  readonly events: number;
  readonly window_due: number | undefined;
  /** Absent in blobs of older layouts. */
  readonly silence_due?: number | undefined;
  readonly last?: LastHeard | undefined;
  readonly sessions: readonly {
    readonly id: string;
    readonly begun_ms: number;
    readonly last_ms: number;
    readonly recent: EvidenceRef[];
    readonly alert_uid: string | undefined;
    readonly bytes: number;
  }[];
  readonly alerts: readonly OpenAlert[];
  readonly resting?: readonly RestingAlert[];
  readonly held: readonly { readonly alert_uid: string; readonly since_ms: number; readonly bytes: number }[];
  readonly directed?: Directed | undefined;
  readonly effects?: readonly WatchedEffect[] | undefined;
};

export function encodeIdentity(state: IdentityState, model: Model, slab: StateSlab): Uint8Array {
  const traces: Uint8Array[] = [];
  const measured = (trace: Uint8Array): number => {
    traces.push(trace);
    return trace.length;
  };
  const header: Header = {
    layout: model.layout_version,
    words: model.words,
    clock_ms: state.clock_ms,
    recorded: state.recorded,
    group: state.group,
    events: state.events,
    window_due: state.window_due,
    silence_due: state.silence_due,
    last: keptOf(state),
    sessions: state.sessions.map((s) => ({
      id: s.id,
      begun_ms: s.begun_ms,
      last_ms: s.last_ms,
      recent: s.recent,
      alert_uid: s.alert_uid,
      bytes: measured(model.encodeSession(s.trace)),
    })),
    alerts: state.alerts,
    resting: state.resting,
    held: state.held.map((h) => ({
      alert_uid: h.alert_uid,
      since_ms: h.since_ms,
      bytes: measured(model.encodeSession(h.trace)),
    })),
    directed: state.directed,
    effects: state.effects,
  };
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const words = slab.save(state.slot);
  const lengths = Buffer.alloc(4);
  lengths.writeUInt32LE(json.length);
  return Buffer.concat([lengths, json, new Uint8Array(words.buffer, words.byteOffset, words.byteLength), ...traces]);
}

export function decodeIdentity(
  key: string,
  version: number,
  bytes: Uint8Array,
  model: Model,
  slab: StateSlab,
): IdentityState {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const jsonEnd = 4 + buffer.readUInt32LE(0);
  const header = JSON.parse(buffer.toString('utf8', 4, jsonEnd)) as Header;
  let at = jsonEnd + header.words * 4;
  const slice = (length: number): Uint8Array => {
    const part = buffer.subarray(at, at + length);
    at += length;
    return part;
  };
  // Copied so that the words are aligned whatever the header's length is.
  const stored = new Uint32Array(new Uint8Array(buffer.subarray(jsonEnd, at)).buffer);
  const words = header.layout === model.layout_version ? stored : model.upgrade(stored, header.layout);
  const state: IdentityState = {
    key,
    slot: slab.load(words),
    applied: version,
    saved: version,
    dirty: false,
    events: header.events,
    clock_ms: header.clock_ms,
    recorded: header.recorded,
    group: header.group,
    kind: undefined,
    peer_group: undefined,
    sessions: header.sessions.map((s) => ({
      id: s.id,
      trace: model.decodeSession(slice(s.bytes), header.layout),
      begun_ms: s.begun_ms,
      last_ms: s.last_ms,
      recent: s.recent,
      alert_uid: s.alert_uid,
    })),
    alerts: header.alerts.map((a) => ({ ...a })),
    resting: (header.resting ?? []).map(({ open, until_ms }) => ({ open, until_ms })),
    held: header.held.map((h) => ({
      alert_uid: h.alert_uid,
      trace: model.decodeSession(slice(h.bytes), header.layout),
      since_ms: h.since_ms,
    })),
    directed: header.directed,
    effects: header.effects,
    window_due: header.window_due,
    silence_due: header.silence_due,
    last: header.last,
    marked: undefined,
    due: undefined,
    armed: undefined,
  };
  state.due = dueOf(state);
  return state;
}
