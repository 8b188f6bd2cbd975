import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Assignment, assignPartitions, type MemberClaim } from '../../services/platform/kafka/assignor.ts';

/** Members with claims: every partition is claimed by one of them, by several (stale ones), or by nobody. */
const groups = fc
  .record({ partitions: fc.integer({ min: 1, max: 40 }), count: fc.integer({ min: 1, max: 8 }) })
  .chain(({ partitions, count }) =>
    fc.record({
      partitions: fc.constant(partitions),
      members: fc.tuple(
        ...Array.from({ length: count }, (_, i) =>
          fc.record({
            id: fc.constant(`member-${i}`),
            owned: fc.uniqueArray(fc.integer({ min: 0, max: partitions - 1 })),
            generation: fc.constant(count - i),
          }),
        ),
      ),
    }),
  );

const all = (assigned: ReadonlyMap<string, readonly number[]>): number[] =>
  [...assigned.values()].flat().sort((a, b) => a - b);

/** Every partition with the one member whose claim counts. */
function ownersOf(partitions: number, members: readonly MemberClaim[]): (string | undefined)[] {
  return Array.from({ length: partitions }, (_, partition) => {
    const claiming = members.filter(({ owned }) => owned.includes(partition));
    return claiming.sort((a, b) => b.generation - a.generation)[0]?.id;
  });
}

/** What the members claim after they have done what they were told. */
function obeyed(members: readonly MemberClaim[], { given }: Assignment, generation: number): MemberClaim[] {
  return members.map(({ id }) => ({ id, owned: given.get(id) ?? [], generation }));
}

describe('sharing out partitions', () => {
  test('everyone has a fair share, and every partition one owner', () => {
    fc.assert(
      fc.property(groups, ({ partitions, members }) => {
        const { target } = assignPartitions(partitions, members);
        assert.deepEqual(
          all(target),
          Array.from({ length: partitions }, (_, i) => i),
        );
        const sizes = [...target.values()].map((own) => own.length);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${sizes}`);
        assert.deepEqual([...target.keys()].sort(), members.map(({ id }) => id).sort());
      }),
    );
  });

  test('nothing is given away that another member still owns', () => {
    fc.assert(
      fc.property(groups, ({ partitions, members }) => {
        const owners = ownersOf(partitions, members);
        const { given } = assignPartitions(partitions, members);
        for (const [id, own] of given) {
          for (const partition of own) assert.ok(owners[partition] === undefined || owners[partition] === id);
        }
        assert.equal(new Set(all(given)).size, all(given).length);
      }),
    );
  });

  test('no fewer partitions could move', () => {
    fc.assert(
      fc.property(groups, ({ partitions, members }) => {
        const owners = ownersOf(partitions, members);
        const { target } = assignPartitions(partitions, members);
        const moved = [...target].flatMap(([id, own]) =>
          own.filter((partition) => owners[partition] !== undefined && owners[partition] !== id),
        ).length;
        const counts = members.map(({ id }) => owners.filter((owner) => owner === id).length);
        const least = Math.floor(partitions / members.length);
        const above = counts.filter((count) => count > least).length;
        const kept = counts.reduce((sum, count) => sum + Math.min(count, least), 0);
        const most = kept + Math.min(above, partitions - least * members.length);
        assert.equal(moved, owners.filter((owner) => owner !== undefined).length - most);
      }),
    );
  });

  test('after one hand-over everyone has what it is to have, and it stays so', () => {
    fc.assert(
      fc.property(groups, ({ partitions, members }) => {
        const first = assignPartitions(partitions, members);
        const second = assignPartitions(partitions, obeyed(members, first, 100));
        assert.deepEqual(second.given, second.target);
        const third = assignPartitions(partitions, obeyed(members, second, 101));
        assert.deepEqual(third.given, second.given);
      }),
    );
  });

  test('the order of members makes no difference', () => {
    fc.assert(
      fc.property(groups, ({ partitions, members }) => {
        const forth = assignPartitions(partitions, members);
        const back = assignPartitions(partitions, [...members].reverse());
        for (const [id, own] of forth.target) assert.deepEqual(back.target.get(id), own);
      }),
    );
  });

  test('claims of partitions that do not exist count for nothing', () => {
    const { given } = assignPartitions(2, [{ id: 'a', owned: [1, 2, 7], generation: 1 }]);
    assert.deepEqual(given.get('a'), [0, 1]);
  });
});
