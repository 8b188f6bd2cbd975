import assert from 'node:assert/strict';
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';

type Operation = {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: AnySchema }>> }>
  >;
};

export type OpenApi = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

export type Answered = {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
};

/** Checks answers against the document that the service itself serves, with a validator of its own. */
export function conformanceTo(document: OpenApi): (answered: Answered) => void {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const templates = Object.keys(document.paths).map((path) => ({
    path,
    // Literal paths before templates, as the router has it.
    pattern: new RegExp(`^${path.replaceAll(/[.]/g, '\\.').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
    literal: !path.includes('{'),
  }));
  templates.sort((a, b) => Number(b.literal) - Number(a.literal));
  const compiled = new WeakMap<object, ReturnType<Ajv2020['compile']>>();

  return ({ method, url, status, type, body }) => {
    const at = `${method} ${url} ${status}`;
    const path = url.split('?')[0] ?? '';
    const operation =
      document.paths[templates.find(({ pattern }) => pattern.test(path))?.path ?? '']?.[method.toLowerCase()];
    if (operation === undefined) {
      assert.ok([400, 401, 404].includes(status), `${at} is not in the document`);
      return;
    }
    const response = operation.responses[String(status)] ?? operation.responses[`${Math.floor(status / 100)}XX`];
    assert.ok(response !== undefined, `${at} is not among the documented answers`);
    const media = type?.split(';')[0] ?? '';
    const content = response.content?.[media];
    assert.ok(content !== undefined, `${at} came as ${media}, which is not documented`);
    if (media !== 'application/json') return;
    const schema = content.schema as object;
    const validate = compiled.get(schema) ?? ajv.compile(schema);
    compiled.set(schema, validate);
    assert.ok(validate(JSON.parse(body)), `${at}: ${ajv.errorsText(validate.errors)}\n${body.slice(0, 500)}`);
  };
}
