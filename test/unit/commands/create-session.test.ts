import { DEFAULT_BROWSER_OPTIONS } from '../../../machines/session/session.types';
import { NO_SECRETS } from '../../../src/browser/launch-secrets';
import { fingerprintOf, type NewSession } from '../../../src/commands/create-session';
import { LIMITS, OPTIONS } from '../../support/session-samples';

const SECRET = 'the secret of an installation';

const PLAIN: NewSession = {
  sessionId: null,
  name: 'sample',
  labels: { a: '1', b: '2' },
  limits: LIMITS,
  options: OPTIONS,
  context: null,
  secrets: {
    proxy: { username: 'ada', password: 'hunter2' },
    cookies: [{ name: 'sid', value: 'x', domain: 'example.org' }],
  },
};

describe('the fingerprint of a create', () => {
  it('is the same whatever the order of labels', () => {
    const turned = { ...PLAIN, labels: { b: '2', a: '1' } };
    expect(fingerprintOf(SECRET, turned)).toBe(fingerprintOf(SECRET, PLAIN));
  });

  it('differs with every single option', () => {
    const changed: NewSession[] = [
      { ...PLAIN, sessionId: 'mine' },
      { ...PLAIN, name: null },
      { ...PLAIN, labels: {} },
      ...Object.entries(LIMITS).map(([name, ms]) => ({
        ...PLAIN,
        limits: { ...LIMITS, [name]: Number(ms) + 1 },
      })),
      ...Object.keys(OPTIONS)
        .filter(name => name !== 'headless')
        .map(name => ({ ...PLAIN, options: { ...OPTIONS, [name]: null } })),
      { ...PLAIN, options: { ...OPTIONS, headless: false } },
      { ...PLAIN, secrets: NO_SECRETS },
      { ...PLAIN, secrets: { ...PLAIN.secrets, proxy: { username: 'ada', password: 'hunter3' } } },
      { ...PLAIN, secrets: { ...PLAIN.secrets, cookies: [] } },
      { ...PLAIN, options: DEFAULT_BROWSER_OPTIONS, secrets: NO_SECRETS },
    ];
    const prints = [PLAIN, ...changed].map(session => fingerprintOf(SECRET, session));
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('does not confirm a guess at the password without the secret', () => {
    expect(fingerprintOf('another', PLAIN)).not.toBe(fingerprintOf(SECRET, PLAIN));
  });
});
