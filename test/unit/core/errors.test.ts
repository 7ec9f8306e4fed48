import { ERROR_CATALOGUE, ServiceError, messageOf, type ErrorCode } from '../../../src/core/errors';

// SAFETY: the keys of the catalogue are what the type is made from.
const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];

describe('the catalogue of errors', () => {
  it.each(codes)('%s is a stable, client-side code with a matching status and a title', code => {
    const { status, title, retryable } = ERROR_CATALOGUE[code];
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(title).toMatch(/^[A-Z].*[^.]$/);
    // A fault of the server may be gone next time, and so may a limit. A wrong request stays wrong, except while a
    // session is on its way.
    expect(retryable).toBe(status >= 500 || status === 429 || code === 'session_not_live');
  });

  it('has unique titles', () => {
    const titles = codes.map(code => ERROR_CATALOGUE[code].title);
    expect(new Set(titles).size).toBe(titles.length);
  });
});

describe('a coded error', () => {
  it('carries the status and title of its code in the catalogue', () => {
    const error = new ServiceError('session_ended', 'session s-1 has ended');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'ServiceError',
      code: 'session_ended',
      message: 'session s-1 has ended',
      status: 409,
      retryable: false,
      fields: [],
    });
    expect('cause' in error).toBe(false);
  });

  it('keeps the cause and the fields', () => {
    const cause = new Error('ECONNREFUSED');
    const fields = [{ pointer: '/timeout', message: 'must be at least 1000' }];
    const error = new ServiceError('invalid_request', 'one field is invalid', { cause, fields });
    expect(error.cause).toBe(cause);
    expect(error.fields).toEqual(fields);
  });
});

describe('messageOf', () => {
  it.each([
    [new TypeError('of an error'), 'of an error'],
    ['a string', 'a string'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ toString: (): string => 'of an object' }, 'of an object'],
  ])('gives a message for %p', (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});
