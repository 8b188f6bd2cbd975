import type { Config } from '../../schemas/config.ts';
import type { Add } from './config-contradictions.ts';
import { isLoopback } from './loopback.ts';

/** What the fields of notifications say against each other. */
export function notifyContradictions({ public_url, notify }: Config, add: Add): void {
  const { mail, chat } = notify;
  if ((mail !== undefined || chat.length > 0) && public_url === undefined) {
    const by = mail === undefined ? 'chat' : 'mail';
    add(['notify', by], 'needs public_url: messages say where to decide, and that is all they do');
  }
  if (mail !== undefined) mailContradictions(mail, add);
  duplicates(chat.map(({ name }) => name)).forEach((at) => {
    add(['notify', 'chat', at, 'name'], 'is the name of an earlier one: name each once');
  });
  chat.forEach(({ kind, secret_file }, at) => {
    if (kind === 'webhook' || secret_file === undefined) return;
    add(['notify', 'chat', at, 'secret_file'], `is of use only with kind webhook: ${kind} checks no signature`);
  });
}

function mailContradictions(mail: NonNullable<Config['notify']['mail']>, add: Add): void {
  if (mail.tls === 'none' && !isLoopback(mail.host)) {
    const what = 'would send names, alerts and the password across the network in the clear';
    add(['notify', 'mail', 'tls'], `${what}: use starttls (usually port 587) or implicit (465)`);
  }
  if (mail.tls === 'none' && mail.ca_file !== undefined) add(['notify', 'mail', 'ca_file'], 'is of use only with TLS');
  duplicates(mail.recipients.map(({ address }) => address.toLowerCase())).forEach((at) => {
    add(['notify', 'mail', 'recipients', at, 'address'], 'is that of an earlier recipient: name each once');
  });
}

/** Places of items that stood before. */
function duplicates(items: readonly string[]): number[] {
  return items.flatMap((item, at) => (items.indexOf(item) < at ? [at] : []));
}
