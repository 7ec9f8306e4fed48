import { commandOptions } from '../../../src/producer/redis-options';

describe('where a producer finds Redis', () => {
  it.each([
    [
      'redis://ingress:a%2Fb@127.0.0.1:6390',
      { host: '127.0.0.1', port: 6390, username: 'ingress', password: 'a/b' },
    ],
    ['rediss://redis.test/3', { host: 'redis.test', port: 6379, db: 3, tls: {} }],
    ['unix://ingress:secret@localhost/run/redis.sock', { path: '/run/redis.sock', password: 'secret' }],
    [
      'redis+sentinel://ingress:a%2Fb@10.0.0.1,[::1]:26380/main',
      {
        sentinels: [
          { host: '10.0.0.1', port: 26379 },
          { host: '::1', port: 26380 },
        ],
        name: 'main',
        username: 'ingress',
        password: 'a/b',
      },
    ],
    [
      'rediss+sentinel://s1.test/main/2?sentinelUsername=watch&sentinelPassword=a%2Fb',
      { db: 2, tls: {}, enableTLSForSentinelMode: true, sentinelUsername: 'watch', sentinelPassword: 'a/b' },
    ],
    [
      'redis+cluster://api:a%2Fb@10.0.0.1,[::1]:7001',
      {
        clusterNodes: [
          { host: '10.0.0.1', port: 6379 },
          { host: '::1', port: 7001 },
        ],
        username: 'api',
        password: 'a/b',
      },
    ],
    ['rediss+cluster://c1.test/', { clusterNodes: [{ host: 'c1.test', port: 6379 }], tls: {} }],
  ])('is read from %s', (url, expected) => {
    expect(commandOptions(url)).toMatchObject(expected);
  });

  it.each([
    '',
    'localhost:6379x y',
    'http://redis.test',
    'redis://%zz@redis.test',
    'redis+sentinel://s1.test',
    'redis+sentinel:///main',
    'redis+sentinel://s1.test,,s2.test/main',
    'redis+sentinel://s1.test:99999/main',
    'redis+cluster://',
    'redis+cluster://c1.test,',
    'redis+cluster://c1.test:99999',
    'redis+cluster://c1.test/1',
    undefined,
  ])('is asked for when it is %p', url => {
    // SAFETY: callers without types give what is in their environment.
    expect(() => commandOptions(url as string)).toThrow(/holdfast redis-url/);
  });
});
