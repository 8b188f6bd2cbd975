import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Command } from '../../schemas/command.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import { type ControlPorts, subscriptionsOf } from '../../services/deliver/subscriptions.ts';
import { entryFor } from './receiver.ts';
import { hastyClock } from './support.ts';

function control(answer: Awaited<ReturnType<ControlPorts['bus']['ask']>>) {
  const subscriptions = new Map<string, SubscriptionEntry>([['siem', entryFor('https://siem.example.com')]]);
  const listeners = new Set<Parameters<ControlPorts['view']['listen']>[0]>();
  const asked: Command[] = [];
  const source = subscriptionsOf({
    view: {
      state: { subscriptions },
      listen: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    bus: {
      ask: async (command) => {
        asked.push(Command.parse(command));
        return answer;
      },
    },
    clock: hastyClock(),
  });
  return { subscriptions, listeners, asked, source };
}

const retried = (subscription: string): ControlRecord => ({
  v: 1,
  who: { issuer: 'local', subject: 'admin' },
  when: 0,
  what: 'retried',
  kind: 'subscription_retried',
  subscription,
});

it('what is tried again is told to whoever listens, and to nobody else', () => {
  const { listeners, source } = control({ kind: 'unanswered' });
  const heard: string[] = [];
  const stop = source.retried((id) => heard.push(id));
  for (const listener of listeners) {
    listener({ record: retried('siem') });
    listener({ record: { ...retried('other'), kind: 'subscription_removed', subscription: 'other' } });
  }
  stop();
  assert.deepEqual(heard, ['siem']);
  assert.equal(listeners.size, 0);
});

it('subscriptions follow the control log, and leave no listener behind', async () => {
  const { subscriptions, listeners, source } = control({ kind: 'unanswered' });
  const changed = source.changed(new AbortController().signal);
  subscriptions.delete('siem');
  for (const listener of listeners) listener({ record: retried('other') });
  await changed;
  assert.deepEqual(source.current(), []);
  const client = new AbortController();
  const aborted = source.changed(client.signal);
  client.abort();
  await aborted;
  await source.changed(client.signal);
  assert.equal(listeners.size, 0);
});

it('a receiver that is gone is disabled by one command for one activation', async () => {
  const { asked, source } = control({ kind: 'done', subject: 'siem', state: 'disabled' });
  const entry = entryFor('https://siem.example.com', { status: { since: 77 } });
  assert.equal(await source.disableGone(entry), true);
  await source.disableGone(entry);
  const [first, second] = asked;
  assert.equal(first?.id, 'subscription-gone:siem:77');
  assert.equal(second?.id, first?.id);
  assert.ok(first?.type === 'subscription_status');
  assert.deepEqual([first.status.state, first.status.reason, first.by.subject], ['disabled', 'gone', 'system']);
  const { source: unanswered } = control({ kind: 'unanswered' });
  assert.equal(await unanswered.disableGone(entry), false);
});
