import { nearestWord } from '../../../src/config/nearest-word';

const FIELDS = ['sessionId', 'name', 'labels', 'timeout', 'idleTimeout', 'dimensions', 'userAgent', 'proxy'];

describe('the nearest word', () => {
  it.each([
    ['timeOut', 'timeout'],
    ['TIMEOUT', 'timeout'],
    ['time-out', 'timeout'],
    ['itmeout', 'timeout'],
    ['timout', 'timeout'],
    ['idle', 'idleTimeout'],
    ['idletimeot', 'idleTimeout'],
    ['id', 'sessionId'],
    ['agent', 'userAgent'],
    ['user_agent', 'userAgent'],
    ['proxyServer', 'proxy'],
    ['dimension', 'dimensions'],
    ['nmae', 'name'],
  ])('to %s is %s', (written, meant) => {
    expect(nearestWord(written, FIELDS)).toBe(meant);
  });

  it.each(['', '_', 'keepAlive', 'solveCaptcha', 'viewport', 'x'.repeat(100_000), '📐'])(
    'is none for %j',
    written => {
      expect(nearestWord(written, FIELDS)).toBeNull();
    },
  );

  it('is none in an empty list', () => {
    expect(nearestWord('timeout', [])).toBeNull();
  });
});
