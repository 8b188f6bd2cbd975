import { runFeed } from '../../services/deliver/feed.ts';
import { startWebhooks } from '../../services/deliver/webhook.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { post } from '../../services/platform/http-post.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { noGaps } from '../support/no-gaps.ts';
import { entryFor, fakeSubscriptions } from './receiver.ts';
import { constantRandom } from './support.ts';

/** A deliver process on the embedded log, for tests that kill it: `node deliver-process.ts LOG_FILE RECEIVER_URL`. */
const [path, url] = process.argv.slice(2);
if (path === undefined || url === undefined) throw new Error('usage: deliver-process.ts LOG_FILE RECEIVER_URL');

const telemetry = silentTelemetry();
const clock = systemClock;
const log = openSqliteLog({ path, clock, telemetry });
const signal = new AbortController().signal;
const webhooks = startWebhooks(
  {
    log,
    clock,
    telemetry,
    random: constantRandom(0),
    post,
    policy: { allow_private_networks: false },
    subscriptions: fakeSubscriptions(entryFor(url)),
  },
  signal,
);
await Promise.all([runFeed({ log, clock, telemetry, gaps: noGaps() }, signal), webhooks.stopped]);
