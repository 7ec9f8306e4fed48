import { reportOf } from '../../../src/redis/server-check';

const GOOD = [
  '# Server',
  'redis_version:7.0.15',
  'hz:100',
  'configured_hz:100',
  'maxmemory_policy:noeviction',
  'aof_enabled:1',
  'role:master',
].join('\r\n');

test('a Redis that is set up well gives no warning', () => {
  expect(reportOf(GOOD)).toEqual({ version: '7.0.15', warnings: [] });
});

test.each([
  [
    'maxmemory_policy:noeviction',
    'maxmemory_policy:allkeys-lru',
    'maxmemory_policy is allkeys-lru, not noeviction',
  ],
  ['aof_enabled:1', 'aof_enabled:0', 'appendonly yes'],
  ['role:master', 'role:slave', 'a replica refuses writes'],
  ['configured_hz:100', 'configured_hz:10', 'up to 100 ms late'],
  ['redis_version:7.0.15', 'redis_version:6.0.16', 'older than 6.2'],
  ['aof_enabled:1\r\n', '', 'aof_enabled is unknown'],
])('%s → %s is warned about', (from, to, warning) => {
  expect(reportOf(GOOD.replace(from, to)).warnings).toEqual([expect.stringContaining(warning)]);
});

test('Valkey is checked by its own version', () => {
  expect(reportOf(`${GOOD}\r\nvalkey_version:8.1.0`).version).toBe('8.1.0');
});
