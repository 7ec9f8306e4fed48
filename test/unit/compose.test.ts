import { readCompose, textOf } from '../support/compose';

const { services, networks } = readCompose();
const each = Object.entries(services);

/* What keeps strangers in the containers from each other, as far as a file can say it. */

describe.each(each)('the service %s of the compose file', (_name, service) => {
  it('has no capabilities, gains none, writes only where it must, and has limits', () => {
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toContain('no-new-privileges:true');
    expect(service.read_only).toBe(true);
    expect(service.mem_limit).toMatch(/^(\d+[mg]|\$\{[A-Z]+_MEMORY:-\d+[mg]\})$/);
    expect(service.pids_limit).toBeGreaterThan(0);
  });

  it('has no password that is not asked for, and is published on loopback only', () => {
    for (const [name, value] of Object.entries(service.environment ?? {}))
      if (/PASSWORD|SECRET|KEYS|AUTH$/.test(name) && !/^(\d+|false|true)$/.test(String(value)))
        expect([name, value]).toEqual([name, expect.stringMatching(/:\?set it in \.env\}/)]);
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });
});

describe('the networks of the compose file', () => {
  it('lead from Redis to API and workers and nowhere else', () => {
    expect(services['redis']?.networks).toEqual(['inside']);
    expect(networks['inside']).toEqual({ internal: true });
    const there = each.filter(([, { networks: names }]) => names.includes('inside')).map(([name]) => name);
    expect(there).toEqual(['redis', 'api', 'worker']);
  });

  it('lead from browsers to no other service, and rules of egress close what the worker reaches itself', () => {
    const worker = services['worker'];
    expect(worker?.networks).toEqual(['inside', 'outside', 'metrics']);
    const outside = each.filter(([, { networks: names }]) => names.includes('outside')).map(([name]) => name);
    expect(outside).toEqual(['worker']);
    expect(worker?.environment?.['HOLDFAST_EGRESS']).toBe('${HOLDFAST_EGRESS:-public}');
  });

  it('are all used', () => {
    const used = new Set(each.flatMap(([, service]) => service.networks));
    expect([...used].sort()).toEqual(Object.keys(networks).sort());
  });
});

test('the compose file reads no variable that is not explained', () => {
  const read = [...textOf('docker-compose.yml').matchAll(/\$\{([A-Z_]+)/g)].map(([, name = '']) => name);
  const explained = textOf('.env.example');
  expect([...new Set(read)].filter(name => !explained.includes(name))).toEqual([]);
});
