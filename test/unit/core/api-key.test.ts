import { hasDigest, idOfKey, newKey } from '../../../src/core/api-key';
import { allows, SCOPES } from '../../../src/core/scopes';

describe('a new API key', () => {
  it('has 256 random bits, an id and a recognisable beginning', () => {
    const { id, key, digest } = newKey();
    expect(key).toMatch(/^hf_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    expect(idOfKey(key)).toBe(id);
    expect(hasDigest(key, Buffer.from(digest, 'hex'))).toBe(true);
    expect(newKey().key).not.toBe(key);
  });

  it.each(['', 'hf_', 'acme-key-1', 'hf_0123456789abcdef_short', 'HF_0123456789abcdef_'.padEnd(63, 'x')])(
    'is not what a text such as %j is',
    text => {
      expect(idOfKey(text)).toBeNull();
    },
  );

  it('is told from one that differs in a single character', () => {
    const { key, digest } = newKey();
    const last = key.at(-1) === 'A' ? 'B' : 'A';
    expect(hasDigest(key.slice(0, -1) + last, Buffer.from(digest, 'hex'))).toBe(false);
  });
});

describe('scopes', () => {
  it.each([
    ['admin', ['sessions', 'view', 'jobs', 'admin']],
    ['sessions', ['sessions', 'view']],
    ['view', ['view']],
    ['jobs', ['jobs']],
  ] as const)('%s allows %j', (held, allowed) => {
    expect(SCOPES.filter(needed => allows([held], needed))).toEqual(allowed);
  });
});
