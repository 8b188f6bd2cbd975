import assert from 'node:assert/strict';
import type { Manifest } from '../../schemas/outputs.ts';
import { fakeModel } from '../support/fake-model.ts';
import { type Scene, sceneOf } from './scene.ts';
import { orderedModel } from './support.ts';

export const model = orderedModel(fakeModel());

export const manifestOf = (on: Scene, partition = 0): Manifest => {
  const manifest = on.held.manifests.get(partition);
  assert.ok(manifest !== undefined);
  return manifest;
};
export const counted = (on: Scene): readonly (number | undefined)[] => {
  const { counters } = manifestOf(on);
  return [counters.accepted, counters.duplicate, counters['gap.accepted'], counters['gap.lost']];
};
export const ids = (on: Scene): string[] =>
  [...on.held.events.values()].map(({ seen }) => seen.id).sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
export const idsFrom = (...spans: readonly (readonly [number, number])[]): string[] =>
  spans.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => `p0e${from + i}`));

/** A partition whose first ten events are durable. */
export async function begun(): Promise<Scene> {
  const on = sceneOf();
  const { runner } = on.machine({ model });
  await runner.assign(0);
  await on.events(0, 10);
  await runner.drain();
  await runner.unassign(0, 'handed_over');
  return on;
}
