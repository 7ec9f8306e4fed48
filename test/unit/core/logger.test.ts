import { createLogger, redactUrl } from '../../../src/core/logger';

/** A logger, and the lines that it writes. */
function capture(level: string): {
  lines: () => Record<string, unknown>[];
  log: ReturnType<typeof createLogger>;
} {
  const written: string[] = [];
  const log = createLogger('api', level, { write: line => void written.push(line) });
  return { log, lines: () => written.map(line => JSON.parse(line) as Record<string, unknown>) };
}

describe('a logger', () => {
  it('writes one JSON line per event: service, pid, level as a word, ISO time', () => {
    const { log, lines } = capture('info');
    log.info({ ref: 'default/1' }, 'session live');
    expect(lines()).toEqual([
      {
        level: 'info',
        service: 'api',
        pid: process.pid,
        ref: 'default/1',
        msg: 'session live',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      },
    ]);
  });

  it('keeps quiet below its level', () => {
    const { log, lines } = capture('warn');
    log.info('not this');
    log.warn('this');
    expect(lines()).toHaveLength(1);
  });

  it('writes no secret, on the top level or one below', () => {
    const { log, lines } = capture('info');
    log.info(
      { token: 's3cret', headers: { authorization: 's3cret', cookie: 's3cret', 'x-api-key': 's3cret' } },
      'request',
    );
    log.info({ config: { secret: 's3cret' } }, 'start');
    expect(JSON.stringify(lines())).not.toContain('s3cret');
  });

  it('writes errors with their stack and cause', () => {
    const { log, lines } = capture('info');
    log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed');
    expect(JSON.stringify(lines())).toMatch(/outer: inner.*logger\.test/);
  });
});

describe('redactUrl', () => {
  it.each([
    ['/v1/sessions/a/cdp?token=s3cret', '/v1/sessions/a/cdp?token=[redacted]'],
    ['/x?limit=5&apiKey=s3cret&b=1', '/x?limit=[redacted]&apiKey=[redacted]&b=[redacted]'],
    ['/x?to%6ben=s3cret', '/x?to%6ben=[redacted]'],
    ['ws://h:3000/browser/c?ticket=s3cret#top', 'ws://h:3000/browser/c?ticket=[redacted]#top'],
    ['rediss://user:s3cret@redis.example:6379/0', 'rediss://[redacted]@redis.example:6379/0'],
    ['/x?capabilities={"accessKey":"a&s3cret"}&b=1', '/x?capabilities=[redacted]&[redacted]&b=[redacted]'],
    ['/v1/sessions', '/v1/sessions'],
    ['unix:///run/holdfast/redis.sock', 'unix:///run/holdfast/redis.sock'],
  ])('%s → %s', (url, redacted) => {
    expect(redactUrl(url)).toBe(redacted);
  });
});
