import { readFileSync } from 'node:fs';
import type { NotifyLaneView } from '../../../schemas/notify.ts';
import { chatTarget } from '../../deliver/notify/chat.ts';
import { laneView, type Target } from '../../deliver/notify/lane.ts';
import { createMailer, mailTarget } from '../../deliver/notify/mail.ts';
import { systemClock } from '../../platform/clock.ts';
import { checkTarget, post } from '../../platform/http-post.ts';
import { decodeWebhookSecret } from '../../platform/standard-webhooks.ts';
import { EXIT, Problem } from '../problem.ts';
import type { Ground } from './foundation.ts';
import { outboundPolicy } from './outbound.ts';

/** Everybody who is told about containments, by the configuration. Throws a Problem where one cannot be. */
export function notifyTargets(ground: Pick<Ground, 'config' | 'secrets'>): readonly Target[] {
  const public_url = ground.config.public_url?.replace(/\/+$/, '');
  if (public_url === undefined) return [];
  return [...mailTargets(ground, public_url), ...chatTargets(ground, public_url)];
}

/** What the API tells of them, wherever their lanes run; undefined where nobody is told. */
export function notifyPort(ground: Ground): { status(): Promise<readonly NotifyLaneView[]> } | undefined {
  const targets = notifyTargets(ground);
  if (targets.length === 0) return undefined;
  return { status: () => Promise.all(targets.map((target) => laneView(ground.log, target))) };
}

function mailTargets({ config, secrets }: Pick<Ground, 'config' | 'secrets'>, public_url: string): readonly Target[] {
  const { mail } = config.notify;
  if (mail === undefined) return [];
  const { host, port, tls, username, from, ca_file } = mail;
  const ca = ca_file === undefined ? undefined : readAuthorities(ca_file);
  const mailer = createMailer({ host, port, tls, ca, username, password: secrets.notify_mail_password });
  return mail.recipients.map(({ address, ...filter }) => mailTarget({ mailer, from, address, filter, public_url }));
}

function chatTargets({ config, secrets }: Pick<Ground, 'config' | 'secrets'>, public_url: string): readonly Target[] {
  return config.notify.chat.map(({ name, kind, allow_private_networks, ...filter }, at) => {
    const { url = '', secret } = secrets.notify_chat[at] ?? {};
    const policy = outboundPolicy(config, { allow_private_networks });
    const target = checkTarget(url, policy);
    if (typeof target === 'string') throw new Problem('config_invalid', `notify.chat[${at}].url_file: ${target}`);
    const key = secret === undefined ? undefined : decodeWebhookSecret(secret);
    if (secret !== undefined && key === undefined) {
      const message = 'a signing secret is whsec_ and base64 of 24 to 64 bytes';
      throw new Problem('config_invalid', `notify.chat[${at}].secret_file: ${message}`);
    }
    return chatTarget({ name, kind, url: target, key, policy, filter, public_url, clock: systemClock, post });
  });
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const message = `notify.mail.ca_file: cannot read ${file}: ${(error as Error).message}`;
    throw new Problem('config_invalid', message, EXIT.usage);
  }
}
