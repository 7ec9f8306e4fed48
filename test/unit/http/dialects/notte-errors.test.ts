import { ServiceError } from '../../../../src/core/errors';
import { notteErrorAnswer } from '../../../../src/http/dialects/notte/errors';

const answerTo = (error: ServiceError, path: string): ReturnType<typeof notteErrorAnswer> =>
  notteErrorAnswer(error, { requestId: 'r', path });

describe("an error in Notte's form", () => {
  it('is a full cluster if there was no slot in time', () => {
    const full = new ServiceError('queue_timeout', 'No slot.', { details: { sessionId: 's' } });
    expect(answerTo(full, '/sessions/start')).toMatchObject({
      status: 529,
      headers: { 'retry-after': '30', 'content-type': 'application/json' },
      body: { message: 'No slot.', status: 529, error: 'queue_timeout', detail: 'No slot.', session_id: 's' },
    });
  });

  it('names each wrong field as pydantic does', () => {
    const fields = [
      { pointer: '/cookies/3/a~1b', message: 'Invalid input: expected string, received undefined' },
      { pointer: 'query/page', message: 'is no number' },
      { pointer: '', message: 'is no object' },
    ];
    const { body } = answerTo(
      new ServiceError('invalid_request', 'Wrong.', { fields }),
      '/sessions/s/cookies',
    );
    expect(body).toMatchObject({
      detail: [
        { loc: ['body', 'cookies', 3, 'a/b'], type: 'missing' },
        { loc: ['query', 'page'], msg: 'is no number', type: 'value_error' },
        { loc: ['body'], type: 'value_error' },
      ],
    });
  });

  it.each([
    ['/sessions/s', 's'],
    ['/notte/sessions/s/debug/logs', 's'],
    ['/sessions/s/', 's'],
    ['/sessions/start', null],
    ['/notte/sessions/connect', null],
    ['/sessions', null],
    ['/profiles/p', null],
  ])('has the session of its path: %s', (path, id) => {
    const { body } = answerTo(new ServiceError('session_ended', 'It has ended.'), path);
    expect(body).toMatchObject({ session_id: id });
  });

  it.each([
    ['/sessions/s/page/execute', 'browser_unreachable', 'NotteApiExecutionError'],
    ['/sessions/s/page/execute', 'session_not_found', undefined],
    ['/sessions/s/cookies', 'browser_unreachable', undefined],
  ] as const)('marks failed page calls: %s, %s', (path, code, expected) => {
    const { headers } = answerTo(new ServiceError(code, 'It failed.'), path);
    expect(headers['x-error-class']).toBe(expected);
  });
});
