import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoryBook, type StoryOutput } from '../../../detectors/stories/book.ts';
import { Alert } from '../../../schemas/alert.ts';
import { type HandedFinding, HandedRecord } from '../../../schemas/handed.ts';
import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import { OcsfDetectionFinding } from '../../../schemas/ocsf/detection-finding.ts';
import { toOcsf } from '../../../schemas/ocsf/to-ocsf.ts';
import type { Verdict } from '../../../schemas/verdict.ts';
import { stableId } from '../../../services/detect/alerts.ts';
import { randomOf } from '../../detect/simulation/world.ts';
import { handed, randomRecords, START_MS } from '../../support/handed.ts';
import { HOSTILE_NAMES } from '../../support/hostile-input.ts';

const { MINUTE_MS, HOUR_MS, DAY_MS } = UNITS;

/** A book that has seen ordinary days: everybody takes up things of their own, and nobody those of others. */
function practised(): StoryBook {
  const book = new StoryBook('default', stableId);
  for (let n = 0; n < 400; n++) {
    const at = START_MS - 20 * DAY_MS + n * 30 * MINUTE_MS;
    give(book, handed({ n, at, who: `agent-${n % 12}`, group: `team-${n % 4}`, about: [['resource', `own-${n}`]] }));
  }
  return book;
}

function give(book: StoryBook, found: HandedFinding): StoryOutput {
  return book.take(found, found.at);
}

/** One after the other takes up a secret, each handed work by the one before. */
function passOn(book: StoryBook, agents: number, options: { handing: boolean; from: number }): StoryOutput[] {
  return Array.from({ length: agents }, (_, i) => {
    const at = START_MS + i * 20 * MINUTE_MS;
    const who = `agent-${i}`;
    const told = give(book, handed({ n: options.from + i, at, who, group: `team-${i}`, alert_uid: `own-${i}` }));
    const handing = {
      operation: 'delegate',
      hands_to: [`agent-${i + 1}`],
      about: [['resource', `agent-${i + 1}`]] as const,
    };
    if (options.handing) give(book, handed({ n: options.from + 100 + i, at: at + MINUTE_MS, who, ...handing }));
    return told;
  });
}

const alertsOf = (outputs: readonly StoryOutput[]): Alert[] => outputs.flatMap(({ alerts }) => alerts);

describe('a story over several identities', () => {
  test('agents that reach for one secret, each handed work by the one before, are one alert', () => {
    const book = practised();
    const outputs = passOn(book, 4, { handing: true, from: 1_000 });
    assert.deepEqual(
      outputs.map(({ alerts }) => alerts.length),
      [0, 0, 1, 1],
    );
    const [first, last] = alertsOf(outputs) as [Alert, Alert];
    assert.equal(last.uid, first.uid);
    assert.deepEqual([first.revision, last.revision], [1, 2]);
    assert.deepEqual(
      last.identities?.map(({ identity, handed_by, alert_uids }) => [identity.id, handed_by, alert_uids]),
      [
        ['agent-0', undefined, ['own-0']],
        ['agent-1', 'agent-0', ['own-1']],
        ['agent-2', 'agent-1', ['own-2']],
        ['agent-3', 'agent-2', ['own-3']],
      ],
    );
    assert.equal(last.identity.id, 'agent-0');
    assert.equal(last.findings[0]?.pattern, 'handed_on_target');
    assert.equal(last.severity, 'critical');
    assert.equal(last.recommendation.action, 'restrict_data_class');
    assert.ok(last.techniques.some(({ id }) => id === 'ASI07'));
    assert.match(
      last.findings[0]?.sentence ?? '',
      /^4 agents of 4 groups, to whom it was new, took up the resource secret-1 within 60 minutes, 3 of them after one/,
    );
    assert.deepEqual(
      last.evidence.map(({ id }) => id),
      ['ev-1000', 'ev-1001', 'ev-1002', 'ev-1003'],
    );
    assert.deepEqual(Alert.parse(JSON.parse(JSON.stringify(last))), JSON.parse(JSON.stringify(last)));
    const ocsf = OcsfDetectionFinding.parse(JSON.parse(JSON.stringify(toOcsf(last))));
    assert.equal(ocsf.unmapped.countersign.identities?.length, 4);
  });

  test('without handed work it takes the unlike groups to make it one', () => {
    const [alert] = alertsOf(passOn(practised(), 4, { handing: false, from: 1_000 }));
    assert.equal(alert?.findings[0]?.pattern, 'emerging_target');
  });

  test('two are none, and the same one again is no second', () => {
    const book = practised();
    passOn(book, 2, { handing: true, from: 1_000 });
    for (let i = 0; i < 20; i++) {
      const told = give(
        book,
        handed({ n: 2_000 + i, at: START_MS + (40 + i) * MINUTE_MS, who: 'agent-1', group: 'team-1' }),
      );
      assert.deepEqual(told.alerts, []);
    }
  });

  test('what teams take up together all the time is none: they are learned', () => {
    const book = practised();
    let told = 0;
    for (let project = 0; project < 40; project++) {
      for (let member = 0; member < 5; member++) {
        const at = START_MS + project * 8 * HOUR_MS + member * 10 * MINUTE_MS;
        const n = 3_000 + project * 10 + member;
        const about = [['tool', `release-${project}`]] as const;
        const found = handed({
          n,
          at,
          who: `agent-${member}`,
          group: 'team-0',
          about,
          sensitivity: 1,
          patterns: ['rare_tool'],
        });
        told += give(book, found).alerts.filter(({ status, revision }) => status === 'open' && revision === 1).length;
      }
    }
    assert.ok(told <= 2, `${told} stories of ${40} ordinary roll-outs`);
  });

  test('ends by itself when nobody goes on, and as it is judged', () => {
    const quiet = practised();
    passOn(quiet, 4, { handing: true, from: 1_000 });
    const due = quiet.due ?? 0;
    assert.deepEqual(quiet.advance(due - 1).alerts, []);
    const [closed] = quiet.advance(due).alerts;
    assert.deepEqual([closed?.status, closed?.closed_reason, closed?.revision], ['closed', 'quiet', 3]);
    assert.equal(quiet.due, undefined);

    const judged = practised();
    const [, , opened] = passOn(judged, 4, { handing: true, from: 1_000 });
    const verdict = verdictOn(opened?.alerts[0]?.uid ?? '', 'false_positive');
    const [ended] = judged.verdict(verdict, START_MS + 2 * HOUR_MS).alerts;
    assert.equal(ended?.closed_reason, 'false_positive');
    assert.deepEqual(judged.verdict(verdict, START_MS + 2 * HOUR_MS).alerts, []);
    const fifth = handed({ n: 1_500, at: START_MS + 2 * HOUR_MS, who: 'agent-9', group: 'team-9' });
    assert.deepEqual(give(judged, fifth).alerts, [], 'what was judged is not told again');
  });

  test('a false positive teaches, a true one does not', () => {
    const bitsAfter = (verdict: Verdict['verdict']): number => {
      const book = practised();
      for (let round = 0; round < 6; round++) {
        for (let i = 0; i < 4; i++) {
          const at = START_MS - (7 - round) * DAY_MS + i * 10 * MINUTE_MS;
          const about = [['resource', `sealed-${round}`]] as const;
          const told = give(
            book,
            handed({ n: 5_000 + round * 10 + i, at, who: `agent-${i}`, group: `team-${i}`, about }),
          );
          for (const { uid } of told.alerts.filter(({ revision }) => revision === 1))
            book.verdict(verdictOn(uid, verdict), at);
        }
      }
      const last = passOn(book, 4, { handing: false, from: 9_000 }).flatMap(({ findings }) => findings);
      return last.at(-1)?.finding.bits ?? 0;
    };
    assert.ok(bitsAfter('false_positive') < bitsAfter('true_positive'));
  });

  test('one departure from habit at many members of a group at once is a story, a month-end is none', () => {
    const outbreak = (pattern: string): Alert[] => {
      const book = practised();
      return alertsOf(
        Array.from({ length: 7 }, (_, i) => {
          const at = Math.ceil(START_MS / HOUR_MS) * HOUR_MS + i * MINUTE_MS;
          const about = [['resource', `x-${i}`]] as const;
          return give(
            book,
            handed({ n: 7_000 + i, at, who: `m-${i}`, group: 'team-2', about, patterns: [pattern], pattern }),
          );
        }),
      );
    };
    const [alert] = outbreak('out_of_context');
    assert.equal(alert?.findings[0]?.pattern, 'shared_pattern');
    assert.deepEqual(outbreak('volume_day'), []);
  });
});

describe('the state of stories', () => {
  test('restored at any place it goes on bit for bit', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = randomOf(seed);
      const records = findingsOf(randomRecords(random, 300));
      const straight = new StoryBook('default', stableId);
      let restored = new StoryBook('default', stableId);
      for (const [index, found] of records.entries()) {
        const [a, b] = [give(straight, found), give(restored, found)];
        assert.deepEqual(JSON.stringify(b), JSON.stringify(a), `seed ${seed}, record ${index}`);
        if (random.chance(0.1))
          restored = new StoryBook('default', stableId, JSON.parse(JSON.stringify(restored.encode())));
      }
      assert.deepEqual(JSON.stringify(restored.encode()), JSON.stringify(straight.encode()));
    }
  });

  test('is bounded under a flood of subjects, identities and patterns', () => {
    const book = new StoryBook('default', stableId);
    for (let n = 0; n < 40_000; n++) {
      const about = [
        ['resource', `r-${n}`],
        ['tool', `t-${n}`],
      ] as const;
      const found = { at: START_MS + n, who: `agent-${n % 500}`, group: `g-${n % 6_000}`, patterns: [`p-${n % 900}`] };
      give(book, handed({ n, ...found, about, operation: 'delegate', hands_to: [`to-${n}`] }));
    }
    const { open, past, watches, stories } = book.size;
    assert.ok(open <= LIMITS.story_chains_max && past <= LIMITS.story_past_max, `${open} open, ${past} past`);
    assert.ok(watches <= LIMITS.story_rates_max && stories <= LIMITS.stories_open_max);
    assert.ok(JSON.stringify(book.encode()).length < 16 * UNITS.MIB);
  });

  test('one that invents subjects does not drive out those of others', () => {
    const book = practised();
    const outputs = Array.from({ length: 4 }, (_, i) => {
      for (let n = 0; n < 5_000; n++) {
        const at = START_MS + i * 20 * MINUTE_MS;
        give(
          book,
          handed({ n: 50_000 + i * 5_000 + n, at, who: 'flooder', about: [['resource', `invented-${i}-${n}`]] }),
        );
      }
      return give(
        book,
        handed({ n: 1_000 + i, at: START_MS + i * 20 * MINUTE_MS, who: `agent-${i}`, group: `team-${i}` }),
      );
    });
    assert.equal(alertsOf(outputs).length > 0, true);
  });

  test('hostile names are told as they are, bounded', () => {
    for (const [index, text] of HOSTILE_NAMES.entries()) {
      const book = practised();
      const value = text.slice(0, LIMITS.resource_id_chars_max);
      for (let i = 0; i < 5; i++) {
        const at = START_MS + i * MINUTE_MS;
        const about = [
          ['resource', value],
          ['__proto__', value],
        ] as const;
        const found = handed({
          n: 1_000 * (index + 1) + i,
          at,
          who: `${text.slice(0, 40)}-${i}`,
          group: `g-${i}`,
          about,
        });
        if (!HandedRecord.safeParse(found).success) continue;
        for (const alert of give(book, found).alerts) {
          assert.ok(Alert.safeParse(alert).success);
          assert.ok(alert.summary.length < 4_000 && alert.title.length < 1_000);
        }
      }
      assert.doesNotThrow(() => new StoryBook('default', stableId, JSON.parse(JSON.stringify(book.encode()))));
    }
  });
});

function findingsOf(records: readonly HandedRecord[]): HandedFinding[] {
  return records.filter((record) => record.type === 'finding');
}

function verdictOn(alert_uid: string, verdict: Verdict['verdict']): Verdict {
  return { alert_uid, tenant: 'default', identity: 'agent-0', verdict, author: 'ana', time: START_MS };
}
