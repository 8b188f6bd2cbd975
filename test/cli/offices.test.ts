import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { takeUp } from '../../services/cli/service/detection.ts';
import { joinGroup } from '../../services/cli/service/membership.ts';
import { holdOffice, together } from '../../services/cli/service/office.ts';
import { type Clock, systemClock } from '../../services/platform/clock.ts';
import { type EventLog, LogUnavailable, TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { createGroup } from './group.ts';

/** Sleeps end when they are let; what was slept is known. */
function patientClock() {
  let elapsed = 0;
  const slept: number[] = [];
  const sleepers = new Set<() => void>();
  const clock: Clock = {
    now: () => elapsed,
    elapsed: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        slept.push(ms);
        const wake = (): void => {
          sleepers.delete(wake);
          elapsed += ms;
          resolve();
        };
        sleepers.add(wake);
        signal?.addEventListener('abort', wake, { once: true });
      }),
  };
  return {
    clock,
    slept,
    pass: (ms: number) => {
      elapsed += ms;
    },
    wake: () => {
      for (const wake of [...sleepers]) wake();
    },
  };
}

const turns = async (): Promise<void> => {
  for (let n = 0; n < 10; n++) await new Promise(setImmediate);
};
const telemetry = silentTelemetry();

describe('an office', () => {
  const officeOf = (
    log: Pick<EventLog, 'subscribe'>,
    work: (signal: AbortSignal) => Promise<void>,
    clock = systemClock,
  ) => holdOffice({ name: 'deliver', log, clock, telemetry, topic: TOPICS.feed, work });
  /** Works until asked to end, and takes a moment for that. */
  const working = (name: string, told: string[]) => async (signal: AbortSignal) => {
    told.push(`${name} begins`);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await turns();
    told.push(`${name} ends`);
  };

  test('is held by one process, and the next begins when the work of the one before has ended', async () => {
    const told: string[] = [];
    const group = createGroup();
    const first = officeOf(group.member(), working('first', told));
    await first.joined;
    const second = officeOf(group.member(), working('second', told));
    await second.joined;
    await turns();
    assert.deepEqual([first.held, second.held, told], [true, false, ['first begins']]);
    await first.stop();
    assert.deepEqual([first.held, second.held], [false, true]);
    await second.stop();
    assert.deepEqual(told, ['first begins', 'first ends', 'second begins', 'second ends']);
  });

  test('that was lost goes on elsewhere at once, and the work here is ended', async () => {
    const told: string[] = [];
    const group = createGroup();
    const [one, other] = [group.member(), group.member()];
    const first = officeOf(one, working('first', told));
    await first.joined;
    const second = officeOf(other, working('second', told));
    await second.joined;
    await one.expire();
    assert.deepEqual(told, ['first begins', 'second begins', 'first ends']);
    assert.deepEqual([first.held, second.held], [false, true]);
    await Promise.all([first.stop(), second.stop()]);
  });

  test('has its work begun again after growing pauses, and says what is wrong until it is sound', async () => {
    const { clock, slept, pass, wake } = patientClock();
    let works = 0;
    const office = officeOf(
      createGroup().member(),
      async (signal) => {
        works++;
        if (works <= 3) throw new LogUnavailable('io', 'the log is away');
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
      clock,
    );
    await office.joined;
    for (let n = 0; n < 3; n++) {
      await turns();
      assert.match(office.trouble ?? '', /the log is away/);
      wake();
    }
    await turns();
    assert.equal(works, 4);
    assert.deepEqual(slept, [500, 1000, 2000]);
    assert.match(office.trouble ?? '', /the log is away/, 'it may well end again');
    pass(60_000);
    assert.equal(office.trouble, undefined);
    await office.stop();
  });

  test('whose work ends by a defect again and again ends the process; what passes never does', async () => {
    for (const [error, ends] of [
      [new TypeError('x is not a function'), true],
      [new LogUnavailable('io', 'the log is away'), false],
    ] as const) {
      const { clock, wake } = patientClock();
      const work = async (): Promise<void> => {
        throw error;
      };
      const office = officeOf(createGroup().member(), work, clock);
      let failed: unknown;
      office.failed.catch((cause: unknown) => {
        failed = cause;
      });
      await office.joined;
      for (let n = 0; n < 12; n++) {
        await turns();
        wake();
      }
      assert.equal(failed, ends ? error : undefined);
      await office.stop();
    }
  });
});

describe('taking a partition up', () => {
  test('holds up whoever shares out partitions until it is done, and not for as long as the store is away', async () => {
    const { clock, wake } = patientClock();
    const taken = Promise.withResolvers<void>();
    const told: string[] = [];
    void takeUp({ assign: () => taken.promise }, 0, clock).then(() => told.push('done'));
    void takeUp({ assign: () => new Promise<void>(() => {}) }, 1, clock).then(() => told.push('given up waiting'));
    await turns();
    assert.deepEqual(told, []);
    taken.resolve();
    await turns();
    assert.deepEqual(told, ['done']);
    wake();
    await turns();
    assert.deepEqual(told, ['done', 'given up waiting']);
  });
});

describe('a membership', () => {
  const told: string[] = [];
  const listener = {
    assigned: async (partition: number) => void told.push(`assigned ${partition}`),
    revoked: async (partition: number, how: string) => void told.push(`revoked ${partition} ${how}`),
  };
  const join = (log: Pick<EventLog, 'subscribe'>, clock = systemClock) =>
    joinGroup({ log, clock, telemetry, topic: TOPICS.events, group: 'detect', listener });

  test('that ends by itself is sought again, and what was held is lost in between', async () => {
    told.length = 0;
    const { clock, wake } = patientClock();
    const member = createGroup().member();
    const membership = join(member, clock);
    await membership.joined;
    await member.fail(new LogUnavailable('io', 'the coordinator is away'));
    await turns();
    assert.deepEqual([...membership.held], []);
    wake();
    await turns();
    assert.equal(member.subscriptions, 2);
    assert.deepEqual(told, ['assigned 0', 'revoked 0 lost', 'assigned 0']);
    assert.deepEqual([...membership.held], [0]);
    await membership.stop();
    assert.deepEqual(told.at(-1), 'revoked 0 handed_over');
  });

  test('is sought again while the group cannot be joined', async () => {
    const { clock, slept, wake } = patientClock();
    const member = createGroup().member();
    let refusals = 2;
    const membership = join(
      {
        subscribe: async (...given) => {
          if (refusals-- > 0) throw new LogUnavailable('io', 'no coordinator');
          return member.subscribe(...given);
        },
      },
      clock,
    );
    for (let n = 0; n < 2; n++) {
      await turns();
      wake();
    }
    await membership.joined;
    assert.deepEqual(slept, [500, 1000]);
    await membership.stop();
  });

  test('whose listener has a defect says so, and is not sought again', async () => {
    const member = createGroup().member();
    const defect = new TypeError('x is not a function');
    const membership = joinGroup({
      log: member,
      clock: systemClock,
      telemetry,
      topic: TOPICS.events,
      group: 'detect',
      listener: { assigned: () => Promise.reject(defect), revoked: async () => {} },
    });
    await assert.rejects(membership.failed, defect);
    assert.equal(member.subscriptions, 1);
    await membership.stop();
  });

  test('takes up nothing while it is given up', async () => {
    told.length = 0;
    const group = createGroup();
    const [one, other] = [group.member(), group.member()];
    const first = join(one);
    await first.joined;
    const second = join(other);
    await second.joined;
    await Promise.all([first.stop(), second.stop()]);
    assert.equal(
      told.filter((line) => line.startsWith('assigned')).length,
      told.filter((line) => line.startsWith('revoked')).length,
    );
  });
});

test('of several works that belong together, one that ends ends the others', async () => {
  const over = new AbortController();
  const told: string[] = [];
  const until = (signal: AbortSignal, name: string): Promise<void> =>
    new Promise((resolve) =>
      signal.addEventListener(
        'abort',
        () => {
          told.push(name);
          resolve();
        },
        { once: true },
      ),
    );
  const defect = new Error('defect');
  const broken = together(over.signal, [
    (signal) => until(signal, 'one'),
    async () => {
      await turns();
      throw defect;
    },
  ]);
  await assert.rejects(broken, defect);
  await assert.rejects(
    together(over.signal, [async () => {}, (signal) => until(signal, 'two')]),
    /ended without being/,
  );
  const sound = together(over.signal, [(signal) => until(signal, 'three'), (signal) => until(signal, 'four')]);
  over.abort();
  await sound;
  assert.deepEqual(told, ['one', 'two', 'three', 'four']);
});
