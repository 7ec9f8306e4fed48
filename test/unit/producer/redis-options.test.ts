import { commandOptions } from '../../../src/producer/redis-options';

describe('where a producer finds Redis', () => {
  it.each([
    [
      'redis://ingress:a%2Fb@127.0.0.1:6390',
      { host: '127.0.0.1', port: 6390, username: 'ingress', password: 'a/b' },
    ],
    ['rediss://redis.test/3', { host: 'redis.test', port: 6379, db: 3, tls: {} }],
    ['unix://ingress:secret@localhost/run/redis.sock', { path: '/run/redis.sock', password: 'secret' }],
  ])('is read from %s', (url, expected) => {
    expect(commandOptions(url)).toMatchObject(expected);
  });

  it.each(['', 'localhost:6379x y', undefined])('is asked for when it is %p', url => {
    // SAFETY: callers without types give what is in their environment.
    expect(() => commandOptions(url as string)).toThrow(/holdfast redis-url/);
  });
});
