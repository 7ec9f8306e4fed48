import type { Express } from 'express';
import { envToConfig } from '../../../src/config/config';
import { openApiDocument } from '../../../src/http/openapi/document';
import { answerIn, type JsonSchema } from '../../../src/http/openapi/open-api';
import type { Operation } from '../../../src/http/openapi/operation';
import { OPERATIONS } from '../../../src/http/openapi/operations';
import { documentPage } from '../../../src/http/openapi/page';
import { PAGE_SCRIPT } from '../../../src/http/openapi/page-parts';
import { httpApp, type HttpParts } from '../../../src/http/server';
import { Contract } from '../../support/openapi';

const policy = envToConfig({});
const document = openApiDocument(policy);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

/** The routes that an application really has, as `METHOD /path`, whatever middleware is in front of their handlers. */
function routesOf(app: Express): string[] {
  const layers = app.router.stack as {
    route?: { path: string; stack: { method?: string }[] };
  }[];
  const routes = layers.flatMap(({ route }) =>
    route === undefined
      ? []
      : route.stack.flatMap(({ method }) =>
          method === undefined ? [] : [`${method.toUpperCase()} ${route.path}`],
        ),
  );
  return [...new Set(routes)];
}

describe('the OpenAPI document', () => {
  it('has exactly the routes that the server has', () => {
    const parts = {
      service: { policy },
      dialects: [],
      draining: new AbortController().signal,
      authenticator: { middleware: () => undefined },
    } as unknown as HttpParts;
    const documented = operations.map(
      ({ path, method }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    );
    expect(routesOf(httpApp(parts)).sort()).toEqual(documented.sort());
  });

  it('distinguishes sessions by their status, and has a URL for each live one', () => {
    const { schemas } = document.components;
    const of = (name: string): string => `#/components/schemas/${name}`;
    expect(schemas['Session']).toMatchObject({
      oneOf: [{ $ref: of('CreatedSession') }, { $ref: of('LiveSession') }, { $ref: of('EndedSession') }],
      discriminator: {
        propertyName: 'status',
        mapping: {
          created: of('CreatedSession'),
          live: of('LiveSession'),
          ...{ released: of('EndedSession'), failed: of('EndedSession'), timed_out: of('EndedSession') },
        },
      },
    });
    expect(schemas['LiveSession']).toMatchObject({ properties: { websocketUrl: { type: 'string' } } });
    expect(schemas['EndedSession']).toMatchObject({ properties: { websocketUrl: { type: 'null' } } });
  });

  it('names every operation once', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('declares every parameter that stands in a path', () => {
    for (const { path, operation } of operations) {
      const inPath = operation.parameters
        .filter(parameter => parameter.in === 'path')
        .map(({ name }) => name);
      expect([path, inPath]).toEqual([path, [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)]);
    }
  });

  it('has no broken reference', () => {
    const text = JSON.stringify(document);
    for (const [, section = '', name = ''] of text.matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)) {
      const sections: Readonly<Record<string, object>> = { ...document.components };
      expect(Object.keys(sections[section] ?? {})).toContain(name);
    }
    expect(text).not.toContain('$defs');
  });

  it('has the limits of the installation', () => {
    const own = openApiDocument({ timeoutDefaultMs: 2_000, timeoutMaxMs: 9_000 });
    const schema = own.paths['/v1/sessions']?.['post']?.requestBody?.content['application/json']?.schema;
    const properties = schema?.['properties'] as Record<string, JsonSchema>;
    expect(properties['timeout']).toMatchObject({ type: 'integer', default: 2_000, maximum: 9_000 });
  });

  it('has examples that fit their schemas', () => {
    const bodies = Object.values<Operation>(OPERATIONS).filter(({ body }) => body !== undefined);
    for (const { body, bodyExample, path } of bodies) {
      expect([path, body?.(policy).safeParse(bodyExample).error]).toEqual([path, undefined]);
    }
    const { schemas } = document.components;
    const contract = new Contract(document);
    for (const [name, schema] of Object.entries(schemas)) {
      const [example] = schema['examples'] as readonly unknown[];
      expect([name, contract.wrongBySchema(schema, example)]).toEqual([name, []]);
    }
  });

  it('leaves answers open for members of later versions', () => {
    const answers = operations.flatMap(({ operation }) => Object.values(operation.responses));
    const all = [answers.map(answer => answerIn(document, answer)), document.components.schemas];
    expect(JSON.stringify(all)).not.toContain('"additionalProperties":false');
  });
});

describe('the page of the OpenAPI document', () => {
  const caller = { baseUrl: 'http://holdfast.test:3000', needsKey: true };
  const page = documentPage(document, caller);

  it('has a section for every operation and every schema', () => {
    for (const { operation } of operations) expect(page).toContain(`id="${operation.operationId}"`);
    for (const name of Object.keys(document.components.schemas))
      expect(page).toContain(`id="schema-${name}"`);
  });

  it('has a place in its menu for each of them', () => {
    const [, menu = ''] = /<nav(.*)<\/nav>/s.exec(page) ?? [];
    const linked = [...menu.matchAll(/href="#([^"]*)"/g)].map(([, target]) => target);
    const sections = [...page.matchAll(/<section class="operation" id="([^"]*)"/g)].map(([, id]) => id);
    expect(linked.sort()).toEqual(sections.sort());
  });

  it('loads nothing, runs only its own script and has no links to other sites', () => {
    const [scripts, rest] = [page.match(/<script>.*?<\/script>/gs), page.replace(PAGE_SCRIPT, '')];
    expect(scripts).toEqual([`<script>${PAGE_SCRIPT}</script>`]);
    expect(rest).not.toMatch(/<script [^>]|<img|<link|<iframe| on\w+=| style=|url\(|@import/i);
    for (const [, target = ''] of rest.matchAll(/(?:href|src)="([^"]*)"/g))
      expect(target).toMatch(/^(#|openapi\.json$)/);
  });

  it('has an example of every call, with the URL and the key that the reader needs', () => {
    for (const { operation, path, method } of operations) {
      const [, section = ''] =
        new RegExp(`id="${operation.operationId}">(.*?)</section>`, 's').exec(page) ?? [];
      const [, shown = ''] = /<pre><code>(.*?)<\/code><\/pre>/s.exec(section) ?? [];
      const scheme = operation.responses['101'] === undefined ? 'http' : 'ws';
      expect([operation.operationId, shown]).toEqual([
        operation.operationId,
        expect.stringContaining(`${scheme}://holdfast.test:3000${path.split('{')[0] ?? ''}`),
      ]);
      expect([method, shown.includes('-X')]).toEqual([method, method !== 'get']);
      expect(shown).not.toContain('{id}');
      expect(shown.includes('$HOLDFAST_API_KEY')).toBe(operation.security === undefined);
    }
    expect(documentPage(document, { ...caller, needsKey: false })).not.toContain('API_KEY');
  });

  it('escapes what it shows', () => {
    const info = { ...document.info, description: '<b>"&" `<i>`' };
    expect(documentPage({ ...document, info }, caller)).toContain(
      '&lt;b&gt;&quot;&amp;&quot; <code>&lt;i&gt;</code>',
    );
  });

  it('has no broken link', () => {
    const markup = page.replace(PAGE_SCRIPT, '');
    for (const [, target = ''] of markup.matchAll(/href="#([^"]*)"/g))
      expect(markup.includes(`id="${target}"`)).toBe(true);
  });
});
