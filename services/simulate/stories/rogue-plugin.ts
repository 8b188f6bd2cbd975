import { UNITS } from '../../../schemas/limits.ts';
import type { Call, ToolUse } from '../fleet/call.ts';
import { between, chance, logNormal, pick } from '../fleet/random.ts';
import type { Story, StoryContext } from './contract.ts';
import { busyTime, moment, ordinarySession } from './kit.ts';

const { DAY_MS, HOUR_MS } = UNITS;

const PLUGINS: readonly (ToolUse & { readonly version: string })[] = [
  {
    name: 'convert_document',
    operation: 'execute',
    server: { key: 'pdf-toolkit', name: 'pdf-toolkit-mcp', major: 0 },
    version: '0.3.1',
  },
  {
    name: 'translate_text',
    operation: 'execute',
    server: { key: 'quick-translate', name: 'quick-translate-mcp', major: 0 },
    version: '0.1.7',
  },
  {
    name: 'render_preview',
    operation: 'execute',
    server: { key: 'md-preview', name: 'md-preview-mcp', major: 1 },
    version: '1.0.2',
  },
  {
    name: 'sync_notes',
    operation: 'store',
    server: { key: 'notes-bridge', name: 'notes-bridge-mcp', major: 0 },
    version: '0.2.0',
  },
];

export const roguePlugin: Story = {
  name: 'rogue_plugin',
  kind: 'attack',
  description: 'A tool server that nobody had before appears at one agent and is handed what the agent reads.',
  technique: { mitre: ['AML.T0010.005', 'AML.T0110'], owasp: ['ASI04'] },
  days_min: 2,
  plan(context) {
    const agent = context.find((one) => one.sessions_per_day >= 2);
    if (agent === undefined) return undefined;
    const tool = pick(context.random, PLUGINS);
    const start = moment(context, 0.1, 0.6);
    const wanted = 1 + Math.round(3 * context.intensity);
    const days = Math.max(1, Math.min(wanted, Math.floor((context.to_ms - start) / DAY_MS)));
    const calls: Call[] = [];
    for (let day = 0; day < days; day++) {
      const uses = 1 + Math.round(context.intensity * 3);
      for (let use = 0; use < uses; use++) {
        const from = busyTime(context, agent, start + day * DAY_MS + between(context.random, 0, 4) * HOUR_MS);
        const session = ordinarySession(context, agent, from);
        const surely = calls.some((call) => call.tool === tool) ? undefined : session.find(isHandable);
        calls.push(...session.flatMap((call) => handOver(context, call, { tool, surely: call === surely })));
      }
    }
    if (!calls.some((call) => call.tool === tool)) return undefined;
    return {
      agents: [agent],
      calls,
      summary: `${agent.id} begins to use ${tool.name} of ${tool.server?.name ?? ''} ${tool.version}`,
    };
  },
};

const isHandable = (call: Call): boolean => call.status === 'ok' && call.tool.operation === 'read';

/** After a successful read the plugin is given the same content, the more often the louder; once for sure. */
function handOver(
  { random, intensity }: StoryContext,
  call: Call,
  { tool, surely }: { readonly tool: ToolUse; readonly surely: boolean },
): Call[] {
  const handed = isHandable(call) && (surely || chance(random, 0.1 + 0.9 * intensity));
  if (!handed) return [call];
  const time_ms = call.time_ms + between(random, 250, 900);
  const bytes_out = Math.round(logNormal(random, call.bytes_out, 0.2));
  return [call, { ...call, time_ms, tool, bytes_in: call.bytes_out, bytes_out, records: -1 }];
}
