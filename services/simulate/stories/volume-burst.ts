import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import type { Call } from '../fleet/call.ts';
import { below } from '../fleet/random.ts';
import type { Story } from './contract.ts';
import { busyTime, historyOf, moment, ordinarySession } from './kit.ts';

const { HOUR_MS, MINUTE_MS } = UNITS;

export const volumeBurst: Story = {
  name: 'volume_burst',
  kind: 'attack',
  description:
    'Within one hour an agent moves several times the data of its largest hour so far, with tools it always uses.',
  technique: { mitre: ['AML.T0085.001', 'AML.T0086'], owasp: ['ASI02'] },
  days_min: 2,
  plan(context) {
    const agent = context.find((one) => one.sessions_per_day >= 2);
    if (agent === undefined) return undefined;
    const hour = Math.ceil(busyTime(context, agent, moment(context, 0.1, 0.8)) / HOUR_MS) * HOUR_MS;
    const hour_end = Math.min(hour + HOUR_MS, context.to_ms);
    const sessions = 2 + Math.round(17 * context.intensity);
    const calls: Call[] = [];
    for (let left = sessions; left > 0; left--) {
      const start = hour + MINUTE_MS + below(context.random, 48 * MINUTE_MS);
      calls.push(...ordinarySession(context, agent, start).filter((call) => call.time_ms < hour_end));
    }
    const before = historyOf(context, agent, hour);
    const factor = 1 + 11 * context.intensity;
    const total = calls.reduce((sum, call) => sum + call.bytes_out, 0);
    if (total === 0 || before.hour_bytes_max === 0) return undefined;
    const ratio = Math.max(1, (factor * before.hour_bytes_max) / total);
    return {
      agents: [agent],
      calls: calls.map((call) => enlarge(call, ratio)),
      summary: `${agent.id} moves ${factor.toFixed(1)} times its largest hour so far in ${sessions} sessions of one hour`,
    };
  },
};

function enlarge(call: Call, ratio: number): Call {
  if (call.status !== 'ok') return call;
  const records = call.records < 0 ? call.records : Math.ceil(call.records * ratio);
  return { ...call, bytes_out: Math.min(LIMITS.volume_max, Math.ceil(call.bytes_out * ratio)), records };
}
