import type { Express } from 'express';
import { envToConfig } from '../../../src/config/config';
import { openApiDocument } from '../../../src/http/openapi/document';
import { answerIn, type JsonSchema } from '../../../src/http/openapi/open-api';
import { documentPage } from '../../../src/http/openapi/page';
import { httpApp, type HttpParts } from '../../../src/http/server';

const policy = envToConfig({});
const document = openApiDocument(policy);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

/** The routes an application really has, as `METHOD /path`, whatever stands in front of their handlers. */
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
      policy,
      draining: new AbortController().signal,
      authenticator: { middleware: () => undefined },
    } as unknown as HttpParts;
    const documented = operations.map(
      ({ path, method }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    );
    expect(routesOf(httpApp(parts)).sort()).toEqual(documented.sort());
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

  it('refers only to what it has', () => {
    const text = JSON.stringify(document);
    for (const [, section = '', name = ''] of text.matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)) {
      const sections: Readonly<Record<string, object>> = { ...document.components };
      expect(Object.keys(sections[section] ?? {})).toContain(name);
    }
    expect(text).not.toContain('$defs');
  });

  it('tells the limits of the installation', () => {
    const own = openApiDocument({ timeoutDefaultMs: 2_000, timeoutMaxMs: 9_000 });
    const schema = own.paths['/v1/sessions']?.['post']?.requestBody?.content['application/json']?.schema;
    const properties = schema?.['properties'] as Record<string, JsonSchema>;
    expect(properties['timeout']).toMatchObject({ type: 'integer', default: 2_000, maximum: 9_000 });
  });

  it('leaves answers open for members of later versions', () => {
    const answers = operations.flatMap(({ operation }) => Object.values(operation.responses));
    const all = [answers.map(answer => answerIn(document, answer)), document.components.schemas];
    expect(JSON.stringify(all)).not.toContain('"additionalProperties":false');
  });
});

describe('the page of it', () => {
  const page = documentPage(document);

  it('has a section for every operation and every schema', () => {
    for (const { operation } of operations) expect(page).toContain(`id="${operation.operationId}"`);
    for (const name of Object.keys(document.components.schemas))
      expect(page).toContain(`id="schema-${name}"`);
  });

  it('loads nothing, runs nothing and leads nowhere else', () => {
    expect(page).not.toMatch(/<script|<img|<link|<iframe| on\w+=|url\(|@import/i);
    for (const [, target = ''] of page.matchAll(/(?:href|src)="([^"]*)"/g)) expect(target).toMatch(/^[#/]/);
  });

  it('escapes what it shows', () => {
    const info = { ...document.info, description: '<b>"&" `<i>`' };
    expect(documentPage({ ...document, info })).toContain(
      '&lt;b&gt;&quot;&amp;&quot; <code>&lt;i&gt;</code>',
    );
  });

  it('links only to places it has', () => {
    for (const [, target = ''] of page.matchAll(/href="#([^"]*)"/g)) expect(page).toContain(`id="${target}"`);
  });
});
