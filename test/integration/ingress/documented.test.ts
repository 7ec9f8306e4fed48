import { jobParsers } from '../../../src/ingress/read-job';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { envToConfig } from '../../../src/config/config';
import { checkJob } from '../../../src/ingress/check-job';
import { INGRESS_JOBS, type IngressJobName } from '../../../machines/session/session.words';
import type { CreateData, Deduplicated, ExtendData, RunData } from '../../../src/producer/producer';
import { startTestApi, type TestApi } from '../../support/api';
import { pollUntil } from '../../support/poll-until';

const root = resolve(__dirname, '../../..');
const page = readFileSync(join(root, 'docs/jobs.md'), 'utf8');
const parts = jobParsers(envToConfig({}));

const blocks = (language: string): { readonly text: string; readonly before: string }[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(match => ({
    text: match[1] ?? '',
    before: page.slice(0, match.index),
  }));

const schemaOf = (name: IngressJobName): z.ZodType => {
  const text = readFileSync(join(root, `docs/jobs/${name}.schema.json`), 'utf8');
  return z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]);
};

describe('the page about jobs', () => {
  const payloads = blocks('json').map(({ text, before }) => {
    const name = [...before.matchAll(/^\*\*(session\.\w+)\*\*/gm)].at(-1)?.[1];
    return { name: INGRESS_JOBS.find(known => known === name), text };
  });
  const [python] = blocks('python').map(({ text }) => /add\("(session\.\w+)", (\{.*\})\)/.exec(text));

  it('has a payload of every job', () => {
    expect(new Set(payloads.map(({ name }) => name))).toEqual(new Set(INGRESS_JOBS));
    expect(python?.[1]).toBe('session.create');
  });

  it.each([...payloads, { name: 'session.create' as const, text: python?.[2] ?? '' }])(
    'shows a payload of $name that passes: $text',
    ({ name, text }) => {
      if (name === undefined) throw new Error('under no job');
      const data: unknown = JSON.parse(text);
      expect(() => checkJob(parts, name, data)).not.toThrow();
      expect(schemaOf(name).safeParse(data)).toMatchObject({ success: true });
    },
  );

  it.each([
    ['session.create', { timeout: 60_000 }],
    ['session.create', { v: 1, timeout: '60000' }],
    ['session.create', { v: 1, timeOut: 60_000 }],
    ['session.run', { v: 1, session: { dimensions: { w: 1 } }, steps: [{ do: 'pdf' }] }],
    ['session.extend', { v: 1, timeout: 60_000 }],
    ['session.extend', { v: 1, sessionId: 'x', timout: 60_000 }],
    ['session.release', { v: 2, sessionId: 'x' }],
    ['session.run', { v: 1, steps: [{ do: 'evaluate', script: '1' }] }],
    ['session.run', { v: 1, steps: [{ do: 'click' }] }],
  ] as const)('is for data that the schema of %s can refuse: %j', (name, data) => {
    expect(schemaOf(name).safeParse(data).success).toBe(false);
    expect(() => checkJob(parts, name, data)).toThrow();
  });

  it('has the same fields as the types of the producer', () => {
    const create: CreateData & Deduplicated = {
      ...{ timeout: 60_000, idleTimeout: null, queueTimeout: 1_000, connectTimeout: null },
      ...{ labels: { a: 'b' }, name: null, sessionId: 'x', dedupKey: 'k' },
    };
    const extend: ExtendData = { timeout: 60_000, idleTimeout: null, labels: { a: null }, name: null };
    const run: RunData & Deduplicated = {
      session: {},
      then: 'keep',
      steps: [
        { do: 'goto', url: 'https://a.example', waitUntil: 'load', timeout: 1 },
        { do: 'wait', selector: 'a', state: 'hidden' },
        { do: 'click', selector: 'a' },
        { do: 'type', selector: 'a', text: 't' },
        { do: 'press', key: 'Enter' },
        { do: 'select', selector: 'a', values: ['v'] },
        { do: 'extract', selector: 'a', attribute: 'href', all: true, name: 'n' },
        { do: 'screenshot', fullPage: true, type: 'jpeg' },
        { do: 'pdf', name: 'p' },
        { do: 'cookies', set: [{ name: 'n', value: 'v', domain: 'a.example', sameSite: 'Lax' }] },
      ],
    };
    for (const [name, data] of [
      ['session.create', create],
      ['session.extend', { ...extend, sessionId: 'x' }],
      ['session.run', run],
    ] as const) {
      expect(() => checkJob(parts, name, { v: 1, ...data })).not.toThrow();
    }
  });
});

describe('a job that was added with nothing but Redis, as the page says', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.stop());

  const [adding, reading] = blocks('redis').map(({ text }) => text.trim().split('\n'));

  /** One line of the page, with its placeholders filled in. */
  const execute = async (line: string, blanks: Readonly<Record<string, string>>): Promise<string> =>
    api.redis.cli(
      ...line.split(' ').map(word => word.replaceAll(/\$(\w+)/g, (_all, name: string) => blanks[name] ?? '')),
    );

  const add = async (name: string, data: object, push = 'LPUSH'): Promise<string> => {
    const blanks: Record<string, string> = {
      DATA: JSON.stringify({ v: 1, ...data }),
      NOW_MS: String(Date.now()),
    };
    for (const line of adding ?? []) {
      const answer = await execute(line.replace('session.create', name).replace('LPUSH', push), blanks);
      blanks['ID'] ??= answer;
    }
    return blanks['ID'] ?? '';
  };

  const ended = async (id: string): Promise<{ result: string; reason: string }> => {
    const [result = '', reason = ''] = (reading ?? []).slice(0, 2);
    return pollUntil('the end', { timeoutMs: 5_000, everyMs: 10 }, async () => {
      const end = { result: await execute(result, { ID: id }), reason: await execute(reason, { ID: id }) };
      return end.result === '' && end.reason === '' ? undefined : end;
    });
  };

  it('makes a session, whose id the result has', async () => {
    const waiting = execute((reading ?? [])[2] ?? '', { LAST: '$' });
    const { result } = await ended(await add('session.create', { timeout: 60_000 }));
    expect(await waiting).toContain('ingress:events');
    const view = JSON.parse(result) as { id: string };
    expect(view).toMatchObject({ status: 'live', timeout: 60_000 });
    const released = await ended(await add('session.release', { sessionId: view.id }, 'RPUSH'));
    expect(JSON.parse(released.result)).toMatchObject({ status: 'released' });
  });

  it('fails with a coded reason', async () => {
    expect((await ended(await add('session.create', { timeout: 1 }))).reason).toMatch(/^invalid_request: /);
  });
});
