import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { egressOf, tenantEgressConfig } from '../../../src/config/tenant-egress';

const read = (given: unknown): ReturnType<typeof tenantEgressConfig> =>
  tenantEgressConfig(JSON.stringify(given), '');

describe('the setting of what tenants reach', () => {
  it('narrows nobody when it is absent', () => {
    expect(tenantEgressConfig(undefined, '--proxy-server=x')).toEqual({ tenantEgress: {}, problems: [] });
  });

  it('gives each tenant its mode and lists, in canonical form', () => {
    const { tenantEgress, problems } = read({
      acme: { mode: 'listed', allow: ['*.Example.COM:443', '::1'], deny: ['10.0.0.0/8'] },
      beta: { deny: ['*:25'] },
      none: {},
    });
    expect(problems).toEqual([]);
    expect(egressOf(tenantEgress, 'acme')).toEqual({
      mode: 'listed',
      allow: ['*.example.com:443', '[::1]'],
      deny: ['10.0.0.0/8'],
    });
    expect(egressOf(tenantEgress, 'beta')).toEqual({ mode: 'open', allow: [], deny: ['*:25'] });
    expect(egressOf(tenantEgress, 'none')).toEqual({ mode: 'open', allow: [], deny: [] });
    for (const other of ['other', 'constructor', '__proto__'])
      expect(egressOf(tenantEgress, other)).toBeNull();
  });

  it.each<[unknown, string]>([
    [{ acme: { mode: 'closed' } }, 'acme.mode: must be one of open, public, listed'],
    [{ acme: { alow: [] } }, 'acme.alow: is not known; did you mean allow?'],
    [{ acme: { mode: 'public', allow: ['http://a'] } }, 'acme.allow[0]: must be a host'],
    [{ acme: { deny: ['a', '0x7f.1'] } }, 'acme.deny[1]: 0x7f.1 is another spelling of 127.0.0.1'],
    [{ acme: { deny: [7] } }, 'acme.deny[0]: must be a text'],
    [{ acme: { deny: 'a' } }, 'acme.deny: must be a list'],
    [{ acme: { allow: ['a'] } }, 'acme.allow: needs the mode public or listed'],
    [{ acme: { mode: 'public', allow: ['*'] } }, 'acme.allow: * would allow everything'],
    [{ acme: ['a'] }, 'acme: must be an object'],
    [{ Acme: {} }, 'Acme: the name of a tenant must have 1 to 32 characters'],
    [[], 'must be an object'],
  ])('refuses %j and names the tenant', (given, message) => {
    expect(read(given).problems).toEqual([expect.stringContaining(`HOLDFAST_EGRESS_TENANTS: ${message}`)]);
  });

  it('refuses a flag that goes round it', () => {
    expect(tenantEgressConfig('{"acme":{}}', '--proxy-server=http://a').problems).toEqual([
      expect.stringContaining('HOLDFAST_CHROMIUM_ARGS'),
    ]);
  });

  it('reads a file', () => {
    const path = join(tmpdir(), 'egress.json');
    try {
      writeFileSync(path, '{"acme":{"mode":"public"}}');
      expect(tenantEgressConfig(`@${path}`, '').tenantEgress).toHaveProperty('acme.mode', 'public');
    } finally {
      rmSync(path);
    }
    expect(tenantEgressConfig(`@${path}`, '').problems).toEqual([expect.stringContaining('ENOENT')]);
  });
});
