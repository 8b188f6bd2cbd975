import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';
import { serve } from './support.ts';

export const TOKEN = 'directory-token';

type Person = { id: string; userName: string; externalId: string; active: boolean };

const people = new Map<string, Person>();

export function person(userName: string, active = true): Person {
  const id = `id-${people.size + 1}`;
  const made = { id, userName, externalId: `ext-${userName}`, active };
  people.set(id, made);
  return made;
}

SCIMMY.Resources.declare(SCIMMY.Resources.User)
  .ingress((resource, data: { userName?: string; active?: boolean }) => {
    const known = people.get(String(resource.id));
    if (known === undefined) throw new SCIMMY.Types.Error(404, null as never, 'no such user');
    Object.assign(known, { active: data.active ?? known.active, userName: data.userName ?? known.userName });
    return known as never;
  })
  .egress((resource) => {
    const all = [...people.values()];
    if (resource.id !== undefined) {
      const one = people.get(resource.id);
      if (one === undefined) throw new SCIMMY.Types.Error(404, null as never, 'no such user');
      return one as never;
    }
    return (resource.filter === undefined ? all : resource.filter.match(all as never)) as never;
  })
  .degress((resource) => void people.delete(String(resource.id)));

export type Between = (request: IncomingMessage, response: ServerResponse) => boolean;
export type Directory = { readonly url: string; meddle(between: Between): void; asked(): string[] };

/** A real SCIM 2.0 server (scimmy-routers) over the people above. */
export async function openDirectory(): Promise<Directory> {
  let between: Between = () => false;
  let seen: string[] = [];
  const app = express();
  const handler = (request: { header(name: string): string | undefined }): string => {
    if (request.header('authorization') !== `Bearer ${TOKEN}`) throw new Error('who are you?');
    return 'countersign';
  };
  app.use('/scim/v2', new SCIMMYRouters({ type: 'bearer', handler }) as never);
  const url = await serve((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (!between(request, response)) app(request, response);
  });
  return {
    url: `${url}/scim/v2`,
    meddle(next) {
      between = next;
    },
    asked() {
      const past = seen;
      seen = [];
      return past;
    },
  };
}
