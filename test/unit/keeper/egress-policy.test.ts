import { isPublic, plainAddress } from '../../../workers/keeper/egress/addresses';
import { canonicalHost, EgressPolicy, rulesFor } from '../../../workers/keeper/egress/egress-policy';
import { OPEN_EGRESS, type EgressConfig } from '../../../src/config/egress';
import { FORBIDDEN_HOSTS, NO_HOSTS } from '../../support/forbidden-hosts';
import type { SessionEgress } from '../../../machines/session/session.types';

/** The addresses of a machine on the internet. */
const OWN = new Set(['198.41.0.4', '2a00:1450:4001::5', '10.0.0.5']);

/** Spellings of these. */
const OWN_HOSTS = ['198.41.0.4', '[2a00:1450:4001::5]', '[::ffff:198.41.0.4]', '3324575748'];

const PUBLIC: EgressConfig = { mode: 'public', allow: [], deny: [] };

/** Whether a literal host may be reached, as a proxy asks. */
function mayReach(policy: EgressPolicy, written: string, port = 443): boolean {
  const host = canonicalHost(written);
  return host !== null && policy.judge({ host, port }, host, OWN) === null;
}

/** The same for a name with this address. */
const judgeNamed = (
  rules: EgressConfig & { tenant?: EgressConfig; session?: SessionEgress },
  host: string,
  address: string,
  port = 443,
): string | null =>
  new EgressPolicy({ tenant: null, session: null, ...rules }).judge({ host, port }, address, OWN);

describe('in the mode public', () => {
  const policy = new EgressPolicy({ ...PUBLIC, tenant: null, session: null });

  test.each([...FORBIDDEN_HOSTS, ...OWN_HOSTS, ...NO_HOSTS])('%j cannot be reached', written => {
    expect(mayReach(policy, written)).toBe(false);
  });

  test.each([
    ...['93.184.215.14', '1572395790', '0x5db8d70e', '8.8.8.8', '172.15.0.1', '172.32.0.1', '11.0.0.1'],
    ...['[2606:2800:21f:cb07:6820:80da:af6b:8b2c]', '[::ffff:8.8.8.8]', '[64:ff9b::808:808]', '[2a00::1]'],
  ])('%j can be reached', written => {
    expect(mayReach(policy, written)).toBe(true);
  });

  test.each([
    '127.0.0.1',
    '::1',
    '::ffff:10.0.0.1',
    'fe80::1%eth0',
    '169.254.169.254',
    '198.41.0.4',
    '64:ff9b::a00:1',
  ])('a name that has the address %s is refused', address => {
    expect(judgeNamed(PUBLIC, 'rebound.example', address)).toBe('installation');
  });
});

describe('entries of the operator', () => {
  const allowing = (...allow: string[]): EgressConfig => ({ ...PUBLIC, allow });
  const denying = (...deny: string[]): EgressConfig => ({ ...PUBLIC, deny });

  it('open a name, whatever private address it has', () => {
    const rules = allowing('intranet.corp', '*.apps.corp');
    expect(judgeNamed(rules, 'intranet.corp', '10.0.0.9')).toBeNull();
    expect(judgeNamed(rules, 'crm.apps.corp', '10.0.0.9')).toBeNull();
    expect(judgeNamed(rules, 'apps.corp', '10.0.0.9')).toBe('installation');
    expect(judgeNamed(rules, 'notapps.corp', '10.0.0.9')).toBe('installation');
    expect(judgeNamed(rules, 'intranet.corp.evil.example', '10.0.0.9')).toBe('installation');
  });

  it('open a range, for names and for addresses, on their port alone', () => {
    const rules = allowing('10.1.0.0/16:8080', 'fd00::/8');
    expect(judgeNamed(rules, 'crm.corp', '10.1.2.3', 8080)).toBeNull();
    expect(judgeNamed(rules, '10.1.2.3', '10.1.2.3', 8080)).toBeNull();
    expect(judgeNamed(rules, '10.1.2.3', '10.1.2.3', 443)).toBe('installation');
    expect(judgeNamed(rules, '10.2.2.3', '10.2.2.3', 8080)).toBe('installation');
    expect(judgeNamed(rules, 'fd00::1', 'fd00::1')).toBeNull();
    expect(judgeNamed(rules, 'x.example', '64:ff9b::a01:203', 8080)).toBe('installation');
  });

  it('open this machine only with a port', () => {
    for (const entry of ['10.0.0.0/8', 'own.corp', '*.corp', '127.0.0.0/8', '127.0.0.1', '::1'])
      for (const address of ['10.0.0.5', '127.0.0.1', '::1', '0.0.0.0', '::ffff:127.0.0.1'])
        expect([entry, judgeNamed(allowing(entry), 'own.corp', address)]).toEqual([entry, 'installation']);
    expect(judgeNamed(allowing('127.0.0.1:8080'), '127.0.0.1', '127.0.0.1', 8080)).toBeNull();
    expect(judgeNamed(allowing('own.corp:8080'), 'own.corp', '10.0.0.5', 8080)).toBeNull();
    expect(judgeNamed(allowing('localhost:8080'), 'localhost', '::1', 8080)).toBeNull();
    expect(judgeNamed(allowing('localhost:8080'), 'localhost', '::1', 6379)).toBe('installation');
  });

  it('close more than the mode does, and win over what is opened', () => {
    expect(judgeNamed(denying('*.ads.example'), 'a.ads.example', '8.8.8.8')).toBe('installation');
    expect(judgeNamed(denying('*:25'), 'mail.example', '8.8.8.8', 25)).toBe('installation');
    expect(judgeNamed(denying('*:25'), 'mail.example', '8.8.8.8', 443)).toBeNull();
    expect(judgeNamed(denying('8.8.8.0/24'), 'x.example', '8.8.8.8')).toBe('installation');
    expect(judgeNamed(denying('8.8.8.0/24'), 'x.example', '64:ff9b::808:808')).toBe('installation');
    expect(judgeNamed({ ...allowing('10.0.0.0/8'), deny: ['10.9.0.0/16'] }, 'x', '10.9.0.1')).toBe(
      'installation',
    );
    expect(judgeNamed({ ...OPEN_EGRESS, deny: ['10.0.0.0/8'] }, 'x', '10.9.0.1')).toBe('installation');
    expect(judgeNamed({ ...OPEN_EGRESS, deny: ['10.0.0.0/8'] }, 'x', '127.0.0.1')).toBeNull();
  });

  it('are all there is in the mode listed', () => {
    const rules: EgressConfig = { mode: 'listed', allow: ['example.com'], deny: [] };
    expect(judgeNamed(rules, 'example.com', '8.8.8.8')).toBeNull();
    expect(judgeNamed(rules, 'example.org', '8.8.8.8')).toBe('installation');
  });
});

describe('the lists of a session', () => {
  const session = (allow: string[] | null, ...deny: string[]): { session: SessionEgress } => ({
    session: { allow, deny },
  });

  it('let it reach only what they name', () => {
    const rules = { ...PUBLIC, ...session(['*.example.com:443', '9.9.9.0/24']) };
    expect(judgeNamed(rules, 'a.example.com', '8.8.8.8')).toBeNull();
    expect(judgeNamed(rules, 'a.example.com', '8.8.8.8', 80)).toBe('session');
    expect(judgeNamed(rules, '8.8.8.8', '8.8.8.8')).toBe('session');
    expect(judgeNamed(rules, 'x.example', '9.9.9.9')).toBeNull();
    expect(judgeNamed({ ...PUBLIC, ...session([]) }, 'a.example.com', '8.8.8.8')).toBe('session');
  });

  it('take away, and win over what they name', () => {
    expect(judgeNamed({ ...PUBLIC, ...session(null, 'b.example') }, 'b.example', '8.8.8.8')).toBe('session');
    expect(judgeNamed({ ...PUBLIC, ...session(['*'], '*:80') }, 'b.example', '8.8.8.8', 80)).toBe('session');
    expect(judgeNamed({ ...OPEN_EGRESS, ...session(null, '127.0.0.0/8') }, 'b.example', '127.0.0.1')).toBe(
      'session',
    );
  });

  it('open nothing', () => {
    const rules = { ...PUBLIC, ...session(['*', '127.0.0.1:80', 'localhost:80']) };
    expect(judgeNamed(rules, '127.0.0.1', '127.0.0.1', 80)).toBe('installation');
    expect(judgeNamed(rules, 'localhost', '127.0.0.1', 80)).toBe('installation');
  });

  it('narrow an open installation as well', () => {
    expect(judgeNamed({ ...OPEN_EGRESS, ...session(['localhost']) }, 'localhost', '127.0.0.1')).toBeNull();
    expect(judgeNamed({ ...OPEN_EGRESS, ...session(['localhost']) }, 'b.example', '127.0.0.1')).toBe(
      'session',
    );
  });
});

describe('the rules of a tenant', () => {
  const judged = (
    installation: Partial<EgressConfig>,
    tenant: Partial<EgressConfig>,
    host: string,
    address: string,
  ): string | null =>
    judgeNamed({ ...OPEN_EGRESS, ...installation, tenant: { ...OPEN_EGRESS, ...tenant } }, host, address);

  it('narrow what the installation permits, in every mode', () => {
    expect(judged({}, {}, 'a.test', '127.0.0.1')).toBeNull();
    expect(judged({}, { mode: 'public' }, 'a.test', '127.0.0.1')).toBe('tenant');
    expect(judged({}, { mode: 'public' }, 'a.test', '8.8.8.8')).toBeNull();
    expect(judged({}, { deny: ['a.test'] }, 'a.test', '8.8.8.8')).toBe('tenant');
    expect(judged({}, { mode: 'listed', allow: ['a.test'] }, 'a.test', '8.8.8.8')).toBeNull();
    expect(judged({}, { mode: 'listed', allow: ['a.test'] }, 'b.test', '8.8.8.8')).toBe('tenant');
  });

  it('open nothing that the installation refuses', () => {
    const all = { mode: 'listed', allow: ['127.0.0.0/8', '127.0.0.1:443', 'a.test:443', '*:443'] } as const;
    for (const tenant of [{}, all, { ...all, mode: 'public' }] as const) {
      expect(judged({ mode: 'public' }, tenant, 'a.test', '127.0.0.1')).toBe('installation');
      expect(judged({ mode: 'listed', allow: ['b.test'] }, tenant, 'a.test', '8.8.8.8')).toBe('installation');
      expect(judged({ deny: ['8.0.0.0/8'] }, tenant, 'a.test', '8.8.8.8')).toBe('installation');
    }
  });

  it('are judged before those of the session, which narrow them again', () => {
    const tenant: EgressConfig = { mode: 'listed', allow: ['*.a.test'], deny: [] };
    const rules = { ...OPEN_EGRESS, tenant, session: { allow: ['x.a.test', 'b.test'], deny: [] } };
    expect(judgeNamed(rules, 'x.a.test', '8.8.8.8')).toBeNull();
    expect(judgeNamed(rules, 'y.a.test', '8.8.8.8')).toBe('session');
    expect(judgeNamed(rules, 'b.test', '8.8.8.8')).toBe('tenant');
  });
});

describe('a name that is resolved by the proxy of a session', () => {
  const judge = (
    rules: EgressConfig & { tenant?: EgressConfig },
    host: string,
    session: SessionEgress | null = null,
  ): string | null => new EgressPolicy({ tenant: null, ...rules, session }).judgeName({ host, port: 443 });

  it('is compared with the names of the lists', () => {
    expect(judge(PUBLIC, 'example.com')).toBeNull();
    expect(judge({ ...PUBLIC, deny: ['*.example.com'] }, 'a.example.com')).toBe('installation');
    expect(judge({ ...PUBLIC, mode: 'listed', allow: ['example.com'] }, 'example.com')).toBeNull();
    expect(judge({ ...PUBLIC, mode: 'listed', allow: ['8.0.0.0/8'] }, 'example.com')).toBe('installation');
    expect(judge(PUBLIC, 'example.com', { allow: ['8.0.0.0/8'], deny: [] })).toBe('session');
    expect(judge(PUBLIC, 'example.com', { allow: ['example.com'], deny: [] })).toBeNull();
  });

  it('is compared with those of the tenant, too', () => {
    const tenant: EgressConfig = { mode: 'listed', allow: ['*.a.test'], deny: [] };
    expect(judge({ ...OPEN_EGRESS, tenant }, 'x.a.test')).toBeNull();
    expect(judge({ ...OPEN_EGRESS, tenant }, 'example.com')).toBe('tenant');
    expect(judge({ ...OPEN_EGRESS, tenant: PUBLIC }, 'localhost')).toBe('tenant');
  });

  it('is not a name of this machine', () => {
    expect(judge(PUBLIC, 'localhost')).toBe('installation');
    expect(judge(PUBLIC, 'a.localhost')).toBe('installation');
    expect(judge(OPEN_EGRESS, 'localhost')).toBeNull();
  });
});

test('without rules there is nothing to hold a browser to', () => {
  expect(rulesFor(OPEN_EGRESS, null, null)).toBeNull();
  expect(rulesFor(OPEN_EGRESS, OPEN_EGRESS, null)).toBeNull();
  expect(rulesFor(PUBLIC, null, null)).not.toBeNull();
  expect(rulesFor(OPEN_EGRESS, PUBLIC, null)).not.toBeNull();
  expect(rulesFor({ ...OPEN_EGRESS, deny: ['*:25'] }, null, null)).not.toBeNull();
  expect(rulesFor(OPEN_EGRESS, { ...OPEN_EGRESS, deny: ['*:25'] }, null)).not.toBeNull();
  expect(rulesFor(OPEN_EGRESS, null, { allow: null, deny: [] })).not.toBeNull();
});

test.each([
  ['Example.COM.', 'example.com'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['0x7f.1', '127.0.0.1'],
  ['[::ffff:127.0.0.1]', '::ffff:7f00:1'],
  ['[2001:DB8:0:0::1]', '2001:db8::1'],
  ['a_b.example', 'a_b.example'],
  ['user@example.com', null],
  ['example.com:80', null],
  ['example.com/x', null],
  ['.', null],
])('the host %j is %j', (written, host) => {
  expect(canonicalHost(written)).toBe(host);
});

test('what is no address is not public', () => {
  for (const text of ['', 'example.com', '1.2.3', plainAddress('fe80::1%eth0')])
    expect(isPublic(text)).toBe(false);
});
