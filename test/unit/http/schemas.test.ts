import { DEFAULT_BROWSER_OPTIONS } from '../../../machines/session/session.types';
import { NO_SECRETS } from '../../../src/browser/launch-secrets';
import { ServiceError } from '../../../src/core/errors';
import {
  createBodyParser,
  createBodySchema,
  parseIdempotencyKey,
  parseListQuery,
  parseReleaseAll,
} from '../../../src/contract/schemas';

const POLICY = { timeoutDefaultMs: 300_000, timeoutMaxMs: 3_600_000 };

/** Code and pointers of the error that is thrown. */
function refusal(work: () => unknown): { code: string; pointers: string[]; message: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof ServiceError) {
      return { code: error.code, pointers: error.fields.map(field => field.pointer), message: error.message };
    }
    throw error;
  }
  throw new Error('was not refused');
}

/** A selection without any filter. */
const ALL = { statuses: [], labels: [], createdAfterMs: null, createdBeforeMs: null };

const create = createBodyParser(POLICY);

describe('the body of create', () => {
  it('is optional in all its parts', () => {
    expect(create({})).toEqual({
      sessionId: null,
      name: null,
      labels: {},
      context: null,
      limits: {
        timeoutMs: 300_000,
        idleTimeoutMs: null,
        queueTimeoutMs: 60_000,
        connectTimeoutMs: null,
        disconnectTimeoutMs: null,
        sleepAfterMs: null,
      },
      options: DEFAULT_BROWSER_OPTIONS,
      secrets: NO_SECRETS,
    });
  });

  it('carries everything that can be chosen', () => {
    const body = {
      sessionId: 'my_session-1',
      name: 'Größe 📐',
      labels: { 'app.kubernetes.io/name': 'x', constructor: 'y', empty: '' },
      timeout: 1_000,
      idleTimeout: 2_000,
      queueTimeout: 3_000,
      connectTimeout: 4_000,
      sleepAfter: 5_000,
    };
    expect(create(body)).toMatchObject({
      sessionId: body.sessionId,
      name: body.name,
      labels: body.labels,
      limits: { timeoutMs: 1_000, idleTimeoutMs: 2_000, queueTimeoutMs: 3_000, connectTimeoutMs: 4_000 },
    });
  });

  it.each<[unknown, string, string | null]>([
    [{ timeOut: 60_000 }, '/timeOut', 'timeout'],
    [{ timeoutMs: 60_000 }, '/timeoutMs', 'timeout'],
    [{ tiemout: 60_000 }, '/tiemout', 'timeout'],
    [{ idle_timeout: 60_000 }, '/idle_timeout', 'idleTimeout'],
    [{ proxyUrl: 'http://proxy.example:3128' }, '/proxyUrl', 'proxy'],
    [{ id: 'x' }, '/id', 'sessionId'],
    [{ label: {} }, '/label', 'labels'],
    [{ solveCaptcha: true }, '/solveCaptcha', null],
    [{ keepAlive: true }, '/keepAlive', null],
    [{ sessionContext: {} }, '/sessionContext', null],
    [{ adapter: 'puppeteer' }, '/adapter', null],
    [{ constructor: 2 }, '/constructor', null],
    [JSON.parse('{"__proto__": {"timeout": "x"}}'), '/__proto__', null],
    [{ proxy: { server: 'http://a.example:1', user: 'ann' } }, '/proxy/user', 'username'],
    [{ dimensions: { width: 800, height: 600, w: 1 } }, '/dimensions/w', 'width'],
    [{ dimensions: { width: 800, height: 600, h: 1 } }, '/dimensions/h', 'height'],
    [
      { cookies: [{ name: 'a', value: 'b', url: 'https://a.example', http_only: true }] },
      '/cookies/0/http_only',
      'httpOnly',
    ],
  ])('refuses unknown fields, and suggests the right one: %j', (body, pointer, meant) => {
    const hint = meant === null ? '' : `; did you mean \`${meant}\`?`;
    expect(refusal(() => create(body))).toEqual({
      code: 'invalid_request',
      pointers: [pointer],
      message: `${pointer}: is not known to this version of the service${hint}`,
    });
    expect(({} as Record<string, unknown>)['timeout']).toBeUndefined();
  });

  it('names some of many unknown fields, and cuts long names', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`field${i}`, 1]));
    const { pointers, message } = refusal(() => create({ ...many }));
    expect(pointers).toHaveLength(50);
    expect(message).toMatch(/; and 4950 more$/);
    const { pointers: long } = refusal(() => create({ ['x'.repeat(100_000)]: 1 }));
    expect(long).toEqual([`/${'x'.repeat(128)}…`]);
  });

  it('is strict as a schema too, which takes unsupported fields only when they ask for nothing', () => {
    const schema = createBodySchema(POLICY);
    expect(schema.safeParse({ recording: false, context: null, args: null }).success).toBe(true);
    for (const body of [{ timeOut: 1_000 }, { recording: true }, { args: [] }])
      expect([body, schema.safeParse(body).success]).toEqual([body, false]);
  });

  it.each<[string, unknown, string]>([
    ['a string for a number', { timeout: '300000' }, '/timeout'],
    ['a fraction', { timeout: 1_000.5 }, '/timeout'],
    ['null where something is needed', { timeout: null }, '/timeout'],
    ['more than the maximum', { timeout: 3_600_001 }, '/timeout'],
    ['a long idle time-out', { idleTimeout: 3_600_001 }, '/idleTimeout'],
    ['a long wait', { queueTimeout: 3_600_001 }, '/queueTimeout'],
    ['a negative number', { connectTimeout: -1 }, '/connectTimeout'],
    ['no time at all before sleep', { sleepAfter: 0 }, '/sleepAfter'],
    ['a negative time before sleep', { sleepAfter: -1 }, '/sleepAfter'],
    ['an empty time before sleep', { sleepAfter: '' }, '/sleepAfter'],
    ['a time before sleep in words', { sleepAfter: '5m' }, '/sleepAfter'],
    ['a long time before sleep', { sleepAfter: 3_600_001 }, '/sleepAfter'],
    ['a session id with a slash', { sessionId: 'a/b' }, '/sessionId'],
    ['an empty session id', { sessionId: '' }, '/sessionId'],
    ['a long session id', { sessionId: 'x'.repeat(65) }, '/sessionId'],
    ['a long name', { name: 'x'.repeat(129) }, '/name'],
    ['a name with a line feed', { name: 'a\nb' }, '/name'],
    ['a name with half a character', { name: '\ud800' }, '/name'],
    ['labels as a list', { labels: ['a'] }, '/labels'],
    ['a label that is a number', { labels: { a: 1 } }, '/labels/a'],
    ['a long label', { labels: { a: 'x'.repeat(129) } }, '/labels/a'],
    ['a label with a control character', { labels: { a: '\u001b[2J' } }, '/labels/a'],
    ['a label name that begins with a dot', { labels: { '.a': 'x' } }, '/labels/.a'],
    ['a label name with a slash and a tilde', { labels: { '/~': 'x' } }, '/labels/~1~0'],
    ['a long label name', { labels: { [`x${'y'.repeat(63)}`]: 'x' } }, `/labels/x${'y'.repeat(63)}`],
    [
      'nine labels',
      { labels: Object.fromEntries('a b c d e f g h i'.split(' ').map(name => [name, 'x'])) },
      '/labels',
    ],
    ['a list', [], ''],
  ])('refuses %s and points at it', (_what, body, pointer) => {
    expect(refusal(() => create(body))).toMatchObject({ code: 'invalid_request', pointers: [pointer] });
  });

  it('drops a label called __proto__, which cannot be a label', () => {
    const body: unknown = JSON.parse('{"labels": {"__proto__": "x"}}');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect(Object.keys(create(body).labels)).toEqual([]);
  });

  it('names every wrong field at once', () => {
    expect(refusal(() => create({ timeout: 'a', name: 1 })).pointers.sort()).toEqual(['/name', '/timeout']);
  });

  it.each(['timeout', 'idleTimeout', 'queueTimeout', 'connectTimeout'])(
    'names the unit when %s is given in seconds',
    name => {
      expect(refusal(() => create({ [name]: 300 })).message).toMatch(/milliseconds/);
    },
  );

  it.each<[string, unknown]>([
    ['recording', true],
    ['blockAds', true],
    ['geolocation', { latitude: 1, longitude: 2 }],
    ['permissions', []],
    ['extraHTTPHeaders', {}],
    ['isMobile', false],
    ['args', ['--no-sandbox']],
    ['extensions', []],
  ])('refuses %s, which is not offered', (name, value) => {
    expect(refusal(() => create({ [name]: value }))).toMatchObject({
      code: 'not_supported',
      pointers: [`/${name}`],
    });
  });

  it('accepts fields that are not offered when they ask for nothing', () => {
    expect(
      create({
        geolocation: null,
        proxy: null,
        headless: true,
        recording: false,
        blockAds: false,
        cookies: null,
      }),
    ).toEqual(create({}));
  });
});

describe('the query of list', () => {
  it('is optional in all its parts', () => {
    expect(parseListQuery({})).toEqual({ selection: ALL, cursor: null, limit: 50 });
  });

  it('carries every filter', () => {
    const cursor = '018bcfe56800018bcfe5-6800-7000-8000-000000000001';
    const query = {
      status: 'timed_out, live',
      labelSelector: 'a=b',
      createdAfter: '2030-01-31T12:00:00Z',
      createdBefore: '2030-01-31T14:00:00.5+01:00',
      cursor,
      limit: '100',
    };
    expect(parseListQuery(query)).toEqual({
      selection: {
        statuses: ['live', 'timed_out'],
        labels: [{ name: 'a', operator: 'in', values: ['b'] }],
        createdAfterMs: Date.parse('2030-01-31T12:00:00Z'),
        createdBeforeMs: Date.parse('2030-01-31T13:00:00.5Z'),
      },
      cursor,
      limit: 100,
    });
  });

  it.each([
    ['limit', '0'],
    ['limit', '101'],
    ['limit', '-1'],
    ['limit', '1e1'],
    ['limit', ['1', '2']],
    ['status', 'done'],
    ['status', 'live,done'],
    ['status', ''],
    ['createdAfter', '2030-01-01'],
    ['createdBefore', '1893456000000'],
    ['createdBefore', '2030-13-01T00:00:00Z'],
    ['cursor', 'x'],
    ['cursor', '018bcfe56800'],
    ['labelSelector', ''],
    ['labelSelector', ','],
    ['labelSelector', 'team===a'],
    ['labelSelector', '=x'],
    ['labelSelector', 'a=1,a=2'],
    ['labelSelector', ['a=1', 'b=2']],
  ])('refuses %s=%p', (name, value) => {
    expect(refusal(() => parseListQuery({ [name]: value }))).toMatchObject({
      code: 'invalid_request',
      pointers: [`query/${name}`],
    });
  });
});

describe('the selection of release-all', () => {
  it('is everything, unless body or query narrow it down', () => {
    const labels = [{ name: 'a', operator: 'in', values: ['b'] }];
    expect(parseReleaseAll({}, {})).toEqual({ selection: ALL, dryRun: false });
    expect(parseReleaseAll({ labelSelector: 'a=b' }, { dryRun: 'true' })).toEqual({
      selection: { ...ALL, labels },
      dryRun: true,
    });
    expect(parseReleaseAll({ status: 'live' }, { labelSelector: 'a=b', dryRun: 'false' })).toEqual({
      selection: { ...ALL, labels, statuses: ['live'] },
      dryRun: false,
    });
  });

  it.each<[unknown, Record<string, unknown>]>([
    [{ labels: { a: 'b' } }, {}],
    [{ labelSelector: '' }, {}],
    [{ labelSelector: null }, {}],
    [{}, { labelSelector: '' }],
    [{ labelSelector: 'team!=' }, {}],
    [{ status: '' }, {}],
    [{}, { labelselector: 'a=b' }],
    [{ dryRun: 'true' }, {}],
    [{}, { dryRun: 'yes' }],
    [{ labelSelector: { a: 'b' } }, {}],
    [[], {}],
  ])('refuses a filter that it does not understand instead of releasing everything: %j %j', (body, query) => {
    expect(refusal(() => parseReleaseAll(body, query)).code).toBe('invalid_request');
  });
});

describe('the Idempotency-Key', () => {
  it.each(['k', '8e03978e-40d5-43dd-bc93-6894a57f9324', 'x'.repeat(255)])('may be %s', key => {
    expect(parseIdempotencyKey(key)).toBe(key);
  });

  it('may be left out', () => {
    expect(parseIdempotencyKey(undefined)).toBeNull();
  });

  it.each(['', ' ', 'a b', 'x'.repeat(256), 'ä'])('may not be %p', key => {
    expect(refusal(() => parseIdempotencyKey(key)).code).toBe('invalid_request');
  });
});
