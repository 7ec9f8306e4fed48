import { ServiceError } from '../../../src/core/errors';
import { codedError, problemAnswer, rawResponse } from '../../../src/http/edge/problem';
import { isRedisAway } from '../../../src/redis/errors';

const ASKED = { requestId: 'r-1', path: '/v1/sessions/s-1/cdp' };

describe('a problem', () => {
  it('is an RFC 9457 body with our code and a message', () => {
    const fields = [{ pointer: '/timeout', message: 'is too small' }];
    const { status, headers, body } = problemAnswer(
      new ServiceError('invalid_request', 'No.', { fields }),
      ASKED,
    );
    expect(status).toBe(422);
    expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'x-should-retry': 'false' });
    expect(body).toEqual({
      type: 'urn:holdfast:error:invalid_request',
      title: 'A field has an invalid value',
      status: 422,
      detail: 'No.',
      instance: ASKED.path,
      code: 'invalid_request',
      message: 'No.',
      requestId: 'r-1',
      retryable: false,
      errors: fields,
    });
  });

  it('says when to come back if that helps', () => {
    const { headers } = problemAnswer(new ServiceError('redis_unavailable', 'Away.'), ASKED);
    expect(headers).toMatchObject({ 'retry-after': '1', 'x-should-retry': 'true' });
  });

  it('carries details, but none that hide its own members', () => {
    const error = new ServiceError('session_ended', 'Over.', {
      details: { sessionStatus: 'failed', code: 'x' },
    });
    expect(problemAnswer(error, ASKED).body).toMatchObject({
      sessionStatus: 'failed',
      code: 'session_ended',
    });
  });

  it('can be written on a bare socket', () => {
    const raw = rawResponse(problemAnswer(new ServiceError('session_ended', 'Größe'), ASKED, 410));
    const [head = '', body = ''] = raw.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 410 Gone\r\n/);
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
    expect(head).toContain('connection: close');
    expect(JSON.parse(body)).toMatchObject({ code: 'session_ended', status: 410 });
  });
});

describe('an error that was thrown', () => {
  it('is passed on if it has a code', () => {
    const error = new ServiceError('not_found', 'Nothing.');
    expect(codedError(error)).toBe(error);
  });

  it.each([
    new Error("Stream isn't writeable and enableOfflineQueue options is false"),
    new Error('Connection is closed.'),
    new Error('Command timed out'),
    new Error('LOADING Redis is loading the dataset in memory'),
    new Error(
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    ),
    new Error("OOM command not allowed when used memory > 'maxmemory'."),
    new Error(
      "ERR Error running script: @user_script:1: -OOM command not allowed when used memory > 'maxmemory'.",
    ),
    new Error("READONLY You can't write against a read only replica."),
    new Error('Reached the max retries per request limit (which is 1).'),
    Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6379'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('connect ENOENT /run/redis.sock'), { code: 'ENOENT' }),
  ])('is redis_unavailable: %s', error => {
    expect(isRedisAway(error)).toBe(true);
    expect(codedError(error)).toMatchObject({ code: 'redis_unavailable', cause: error });
  });

  it.each([new Error('ERR wrong number of arguments'), new TypeError('x is undefined'), 'a string'])(
    'is an internal error without details: %p',
    thrown => {
      expect(isRedisAway(thrown)).toBe(false);
      const error = codedError(thrown);
      expect(error).toMatchObject({ code: 'internal_error', cause: thrown });
      expect(JSON.stringify(problemAnswer(error, ASKED))).not.toContain('undefined');
    },
  );
});
