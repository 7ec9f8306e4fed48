import { ServiceError } from '../../../src/core/errors';
import { parseIfMatch, parseUpdateBody } from '../../../src/contract/update-body';

const POLICY = { timeoutDefaultMs: 300_000, timeoutMaxMs: 3_600_000 };
const update = (body: unknown) => parseUpdateBody(body, POLICY);

function refusal(work: () => unknown): { code: string; pointers: string[] } {
  try {
    work();
  } catch (error) {
    if (error instanceof ServiceError) {
      return { code: error.code, pointers: error.fields.map(field => field.pointer) };
    }
    throw error;
  }
  throw new Error('was not refused');
}

describe('the body of a change', () => {
  it('carries what is to change, and nothing else', () => {
    const limits = { timeoutLimitsMs: { min: 1_000, max: 3_600_000 } };
    expect(update({ timeout: 5_000 })).toEqual({
      change: { timeoutMs: 5_000 },
      expiresAtMs: null,
      ...limits,
    });
    expect(update({ idleTimeout: null, name: null, labels: { a: null, b: 'c' } })).toEqual({
      change: { idleTimeoutMs: null, name: null, labels: { a: null, b: 'c' } },
      expiresAtMs: null,
      ...limits,
    });
    expect(update({ expiresAt: '2030-01-31T12:00:00.001Z' })).toEqual({
      change: {},
      expiresAtMs: Date.parse('2030-01-31T12:00:00.001Z'),
      ...limits,
    });
  });

  it.each<[string, unknown, string]>([
    ['nothing to change', {}, ''],
    ['no object', [], ''],
    ['a field that is misspelt', { timeOut: 5_000 }, '/timeOut'],
    ['timeout and expiresAt together', { timeout: 5_000, expiresAt: '2030-01-31T12:00:00Z' }, ''],
    ['a time-out of seconds', { timeout: 300 }, '/timeout'],
    ['more than the maximum', { timeout: 3_600_001 }, '/timeout'],
    ['null for a time-out', { timeout: null }, '/timeout'],
    ['a moment without a time zone', { expiresAt: '2030-01-31T12:00:00' }, '/expiresAt'],
    ['a moment as a number', { expiresAt: 1 }, '/expiresAt'],
    ['a short idle time-out', { idleTimeout: 0 }, '/idleTimeout'],
    ['a label that is a number', { labels: { a: 1 } }, '/labels/a'],
    ['a label name that cannot be one', { labels: { '.a': null } }, '/labels/.a'],
    ['a name that is not printable', { name: 'a\nb' }, '/name'],
  ])('is refused with %s', (_what, body, pointer) => {
    expect(refusal(() => update(body))).toEqual({ code: 'invalid_request', pointers: [pointer] });
  });
});

describe('If-Match', () => {
  it.each([
    [undefined, null],
    ['*', null],
    ['"3"', 3],
    [' "12" ', 12],
    ['"0"', 0],
    ['"03"', 0],
    ['"xyz"', 0],
    ['""', 0],
  ])('%p asks for revision %p', (header, revision) => {
    expect(parseIfMatch(header)).toBe(revision);
  });

  it.each(['3', 'W/"3"', '"3', '"3", "4"', '"3"x', '', '**'])('%p is refused', header => {
    expect(refusal(() => parseIfMatch(header))).toEqual({
      code: 'malformed_request',
      pointers: ['header/If-Match'],
    });
  });
});
