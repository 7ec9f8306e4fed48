import { egressConfig, readEgressEntry, writeEgressEntry } from '../../../src/config/egress';

const NOTHING = { HOLDFAST_EGRESS_ALLOW: '', HOLDFAST_EGRESS_DENY: '', HOLDFAST_CHROMIUM_ARGS: '' };

/** Keys of so many tenants, two each. */
const keysOf = (tenants: number): { tenant: string }[] =>
  Array.from({ length: 2 * tenants }, (_, i) => ({ tenant: `t${i % tenants}` }));

describe('an entry of a list', () => {
  test.each([
    ['example.com', 'example.com'],
    [' Example.COM. ', 'example.com'],
    ['example.com:443', 'example.com:443'],
    ['*.example.com', '*.example.com'],
    ['*.Example.com:8080', '*.example.com:8080'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['*', '*'],
    ['*:25', '*:25'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1/32', '127.0.0.1'],
    ['127.0.0.1:8080', '127.0.0.1:8080'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.0.0.0/8:443', '10.0.0.0/8:443'],
    ['::1', '[::1]'],
    ['[::1]', '[::1]'],
    ['[::1]:8080', '[::1]:8080'],
    ['2001:DB8:0:0::/32', '[2001:db8::]/32'],
    ['[2001:db8::/32]:443', '[2001:db8::]/32:443'],
    ['[2001:db8::]/32:443', '[2001:db8::]/32:443'],
  ])('%j is read, and written as %j', (given, written) => {
    expect(writeEgressEntry(readEgressEntry(given))).toBe(written);
    expect(writeEgressEntry(readEgressEntry(written))).toBe(written);
  });

  test.each([
    ...['', '.', '*.', '*.*.example.com', 'a*.example.com', 'http://example.com', 'user@example.com', 'a b'],
    ...['example.com/path', 'example.com:', 'example.com:0', 'example.com:65536', 'example.com:x', ':443'],
    ...[
      '10.0.0.0/33',
      '10.0.0/8',
      '10.0.0.0/',
      '::1/129',
      '[::1',
      'fe80::1%eth0',
      '[fe80::1%25eth0]',
      '::ffff:10.0.0.1',
      '[::ffff:a00:0]/104',
    ],
    ...['2130706433', '0x7f.1', '127.1', '*.127.0.0.1', 'a'.repeat(254), 'example.com:443:443'],
  ])('%j is refused', text => {
    expect(() => readEgressEntry(text)).toThrow();
  });

  it('names the address that another spelling means', () => {
    expect(() => readEgressEntry('0x7f.1')).toThrow('0x7f.1 is another spelling of 127.0.0.1: write that');
  });
});

describe('the setting', () => {
  it('is open for one tenant and public for several, unless it is set', () => {
    const modeOf = (tenants: number, mode?: 'open' | 'listed'): string =>
      egressConfig({ ...NOTHING, HOLDFAST_EGRESS: mode }, keysOf(tenants)).egress.mode;
    expect([modeOf(0), modeOf(1), modeOf(2)]).toEqual(['open', 'open', 'public']);
    expect([modeOf(2, 'open'), modeOf(1, 'listed')]).toEqual(['open', 'listed']);
  });

  it('says each entry that is wrong', () => {
    const { problems } = egressConfig(
      {
        ...NOTHING,
        HOLDFAST_EGRESS: 'public',
        HOLDFAST_EGRESS_ALLOW: 'a b,10.0.0.0/99',
        HOLDFAST_EGRESS_DENY: '*.',
      },
      [],
    );
    expect(problems).toEqual([
      expect.stringMatching(/^HOLDFAST_EGRESS_ALLOW: a b: must be a host \(/),
      'HOLDFAST_EGRESS_ALLOW: 10.0.0.0/99: 10.0.0.0/99 has too many bits',
      expect.stringMatching(/^HOLDFAST_EGRESS_DENY: \*\.: must be a host \(/),
    ]);
  });

  it('refuses to allow what is open already, and everything', () => {
    const allowing = (mode: 'open' | 'public', list: string): readonly string[] =>
      egressConfig({ ...NOTHING, HOLDFAST_EGRESS: mode, HOLDFAST_EGRESS_ALLOW: list }, []).problems;
    expect(allowing('open', 'example.com')).toEqual([
      'HOLDFAST_EGRESS_ALLOW: there is nothing to allow, because HOLDFAST_EGRESS is open',
    ]);
    expect(allowing('public', '*')).toEqual([
      'HOLDFAST_EGRESS_ALLOW: * would allow everything; HOLDFAST_EGRESS=open does',
    ]);
  });

  it("refuses the operator's own flags for a proxy, which would go round it", () => {
    const problemsOf = (mode: 'open' | 'public', args: string): readonly string[] =>
      egressConfig({ ...NOTHING, HOLDFAST_EGRESS: mode, HOLDFAST_CHROMIUM_ARGS: args }, []).problems;
    for (const flag of ['--proxy-server=http://p:1', '--lang=de --no-proxy-server', '--proxy-pac-url=x'])
      expect(problemsOf('public', flag)).toEqual([
        'HOLDFAST_CHROMIUM_ARGS: a flag for a proxy goes round HOLDFAST_EGRESS',
      ]);
    expect(problemsOf('open', '--proxy-server=http://p:1')).toEqual([]);
  });
});
