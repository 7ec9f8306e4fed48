import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_QUOTAS, quotaConfig, quotasOf, type QuotaConfig } from '../../../src/config/quotas';

const HOUR_MS = 3_600_000;

const read = (given: unknown): { quotas: QuotaConfig; problems: string[] } =>
  quotaConfig(JSON.stringify(given), HOUR_MS);

describe('the setting of quotas', () => {
  it('limits nothing when it is absent', () => {
    expect(quotaConfig(undefined, 1_000)).toEqual({
      quotas: { default: NO_QUOTAS, tenants: {} },
      problems: [],
    });
  });

  it('gives a tenant what its entry says, and for the rest what all have', () => {
    const { quotas, problems } = read({
      default: { liveSessions: 20, createsPerMinute: 60, weight: 2 },
      tenants: { acme: { liveSessions: null, weight: 3 }, none: {} },
    });
    expect(problems).toEqual([]);
    const all = { ...NO_QUOTAS, liveSessions: 20, createsPerMinute: 60, weight: 2 };
    expect(quotasOf(quotas, 'acme')).toEqual({ ...all, liveSessions: null, weight: 3 });
    expect(quotasOf(quotas, 'none')).toEqual(all);
    expect(quotasOf(quotas, 'other')).toEqual(all);
  });

  it('does not take a name that every object has for a tenant', () => {
    expect(quotasOf(read({ default: { sockets: 1 } }).quotas, 'constructor')).toMatchObject({ sockets: 1 });
    const own = quotaConfig('{"tenants":{"__proto__":{"sockets":2}}}', HOUR_MS);
    expect(quotasOf(own.quotas, '__proto__')).toMatchObject({ sockets: 2 });
  });

  it.each<[unknown, string]>([
    [{ default: { liveSesions: 1 } }, 'default.liveSesions: is not known; did you mean liveSessions?'],
    [{ defaults: {} }, 'defaults: is not known; did you mean default?'],
    [{ default: { x: 1 } }, 'default.x: is not known'],
    [{ tenants: { Acme: {} } }, 'tenants.Acme: the name of a tenant must have 1 to 32 characters'],
    [{ tenants: { '': {} } }, 'tenants.: the name of a tenant must have 1 to 32 characters'],
    [{ tenants: { 'a\nb': {} } }, 'tenants.a\\nb: the name of a tenant must have'],
    [{ tenants: { acme: { sockets: -1 } } }, 'tenants.acme.sockets: must be a whole number from 0 on'],
    [{ tenants: { acme: { sockets: '5' } } }, 'tenants.acme.sockets: must be a whole number from 0 on'],
    [{ default: { streams: 1.5 } }, 'default.streams: must be a whole number from 0 on'],
    [{ default: { weight: 0 } }, 'default.weight: must be a whole number from 1 to 100'],
    [{ default: { weight: null } }, 'default.weight: must be a whole number from 1 to 100'],
    [{ default: [] }, 'default: must be an object'],
    [{ tenants: 5 }, 'tenants: must be an object'],
    [[], 'must be an object'],
    [null, 'must be an object'],
  ])('refuses %j and says where', (given, message) => {
    expect(read(given).problems).toEqual([expect.stringContaining(`HOLDFAST_QUOTAS: ${message}`)]);
  });

  it('names every wrong field at once', () => {
    expect(
      read({ default: { weight: 0, socket: 1 }, tenants: { A: { streams: -1 } } }).problems,
    ).toHaveLength(4);
  });

  it('refuses what is not JSON', () => {
    expect(quotaConfig('{', HOUR_MS).problems).toEqual([
      expect.stringContaining('HOLDFAST_QUOTAS: is not JSON'),
    ]);
  });

  it('limits creates only if sessions are kept as long as they are counted', () => {
    const text = '{"tenants":{"acme":{"createsPerMinute":1}}}';
    expect(quotaConfig(text, 59_999).problems).toEqual([expect.stringContaining('HOLDFAST_RETENTION')]);
    expect(quotaConfig(text, 60_000).problems).toEqual([]);
  });

  it('reads a file', () => {
    const path = join(tmpdir(), 'quotas.json');
    writeFileSync(path, '{"default":{"contexts":7}}');
    expect(quotaConfig(`@${path}`, HOUR_MS).quotas.default.contexts).toBe(7);
    writeFileSync(path, '{"default":{"contexts":}}');
    expect(quotaConfig(`@${path}`, HOUR_MS).problems).toEqual([
      expect.stringContaining(`${path}: is not JSON`),
    ]);
    rmSync(path);
    expect(quotaConfig(`@${path}`, HOUR_MS).problems).toEqual([expect.stringContaining('ENOENT')]);
  });
});
