import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageVersion } from '../../src/config/version';
import { startTestApi, type Answer, type TestApi } from '../support/api';
import { sendRaw } from '../support/raw-http';
import { scaled } from '../support/slowdown';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const CAPACITY = { slots: 0, used: 0, free: 0, queued: 0, workers: 0 };

/** The page, as a browser asks for it. */
const pageOf = async (
  api: TestApi,
  headers: Record<string, string> = {},
): Promise<Answer & { html: string }> => {
  const answer = await api.call('GET', '/', { headers: { accept: BROWSER, ...headers } });
  return { ...answer, html: String(answer.body['text']) };
};

describe('/ of an open service', () => {
  let api: TestApi;
  beforeAll(async () => (api = await startTestApi()));
  afterAll(() => api.stop());

  it('gives programs the running version as JSON', async () => {
    await api.createLive();
    for (const accept of ['*/*', 'application/json']) {
      const { status, headers, body } = await api.call('GET', '/', { headers: { accept } });
      expect({ status, vary: headers.get('vary') }).toEqual({ status: 200, vary: 'Accept, Authorization' });
      expect(body).toEqual({
        name: 'Holdfast',
        status: 'ready',
        keyNeeded: false,
        version: packageVersion(),
        liveSessions: 1,
        capacity: expect.objectContaining(CAPACITY),
        links: { api: '/v1', docs: '/docs', openapi: '/openapi.json' },
      });
    }
  });

  it('shows users a page: what runs, links, and first steps with the URL that they have used', async () => {
    const { headers, html } = await pageOf(api);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(html).toContain(`<dd>${packageVersion()}</dd>`);
    expect(html).toContain('<dt>live sessions</dt><dd>1</dd>');
    for (const path of ['docs', 'queues', 'openapi.json']) expect(html).toContain(`href="${path}"`);
    expect(html).toContain(`curl -X POST ${api.url}/v1/sessions`);
    const { port } = new URL(api.url);
    const asked = await sendRaw(api.url, {
      method: 'GET',
      path: '/',
      headers: [
        ['host', `localhost:${port}`],
        ['accept', BROWSER],
      ],
    });
    expect(asked.text).toContain(`curl -X POST http://localhost:${port}/v1/sessions`);
  });

  it('has first steps that this version of Node understands', async () => {
    const [, code = ''] = /<code>(import .*?)<\/code>/s.exec((await pageOf(api)).html) ?? [];
    const file = join(tmpdir(), 'first-steps.mjs');
    writeFileSync(file, code.replaceAll('&quot;', '"').replaceAll('&gt;', '>').replaceAll('&amp;', '&'));
    execFileSync(process.execPath, ['--check', file]);
    rmSync(file);
  });

  it('loads nothing and runs only its own script, under a policy that forbids anything else', async () => {
    for (const path of ['/', '/docs']) {
      const { headers, body } = await api.call('GET', path, { headers: { accept: BROWSER } });
      const html = String(body['text']);
      const hashOf = (tag: string): string => {
        const [, content = ''] = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(html) ?? [];
        return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
      };
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain(`style-src ${hashOf('style')};`);
      expect(policy.includes('script-src')).toBe(html.includes('<script'));
      if (html.includes('<script')) expect(policy).toContain(`script-src ${hashOf('script')};`);
      expect(html).not.toMatch(/\bsrc=|<link|@import|url\(| style="| on\w+="/);
    }
  });
});

describe('/ of a service with keys', () => {
  let api: TestApi;
  beforeAll(async () => (api = await startTestApi({ apiKeys: [{ tenant: 'acme', key: 'acme-key-1' }] })));
  afterAll(() => api.stop());
  const basic = `Basic ${Buffer.from('anybody:acme-key-1').toString('base64')}`;

  it.each([
    ['a caller without a key', {}],
    ['a caller with a wrong key', { authorization: 'Bearer acme-key-2' }],
  ])('tells %s nothing that needs a key', async (_who, headers) => {
    await api.createLive({}, { 'x-api-key': 'acme-key-1' });
    const { body } = await api.call('GET', '/', { headers });
    expect(body).toEqual({
      name: 'Holdfast',
      status: 'ready',
      keyNeeded: true,
      version: null,
      liveSessions: null,
      capacity: null,
      links: expect.any(Object),
    });
    const { html } = await pageOf(api, headers);
    expect(html).not.toMatch(/<dd>|live sessions|slots/);
    expect(html).not.toContain(packageVersion());
    expect(html).toContain('-H &quot;Authorization: Bearer $HOLDFAST_API_KEY&quot;');
  });

  it.each([
    ['in a header', { 'x-api-key': 'acme-key-1' }],
    ['as a password', { authorization: basic }],
  ])('tells the rest to a caller with a key, %s', async (_how, headers) => {
    const { body } = await api.call('GET', '/', { headers });
    expect(body).toMatchObject({
      version: packageVersion(),
      liveSessions: expect.any(Number),
      capacity: CAPACITY,
    });
    expect((await pageOf(api, headers)).html).toContain('<dt>live sessions</dt>');
  });

  it('does not tell a tenant how many sessions there are of others', async () => {
    const shared = await startTestApi({
      apiKeys: [
        { tenant: 'acme', key: 'acme-key-1' },
        { tenant: 'other', key: 'other-key-1' },
      ],
    });
    try {
      await shared.createLive({}, { 'x-api-key': 'other-key-1' });
      const headers = { 'x-api-key': 'acme-key-1' };
      expect((await shared.call('GET', '/', { headers })).body).toMatchObject({ liveSessions: null });
      const { html } = await pageOf(shared, headers);
      expect(html).not.toContain('live sessions');
      expect(html).not.toContain('href="queues"');
    } finally {
      await shared.stop();
    }
  });
});

describe('/ while Redis is away', () => {
  it('is answered in time, without the numbers from Redis', async () => {
    const api = await startTestApi();
    try {
      await api.redis.kill('SIGKILL');
      const startedMs = performance.now();
      const { status, html } = await pageOf(api);
      expect(performance.now() - startedMs).toBeLessThan(scaled(2_500));
      expect(status).toBe(200);
      expect(html).toContain('Redis does not answer');
      expect(html).toContain('First steps');
    } finally {
      await api.redis.restart();
      await api.stop();
    }
  });
});
