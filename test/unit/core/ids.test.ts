import fc from 'fast-check';
import { parseRef, randomId, refOf, SESSION_ID_PATTERN, uuidv7 } from '../../../src/core/ids';

const TIME = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const RANDOM = fc.uint8Array({ minLength: 10, maxLength: 10 });

describe('uuidv7', () => {
  it('has the version, the variant and the layout of RFC 9562', () => {
    fc.assert(
      fc.property(TIME, RANDOM, (nowMs, random) => {
        expect(uuidv7(nowMs, random)).toMatch(
          /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        );
      }),
    );
  });

  it('carries the time in its first 48 bits', () => {
    fc.assert(
      fc.property(TIME, RANDOM, (nowMs, random) => {
        expect(parseInt(uuidv7(nowMs, random).replaceAll('-', '').slice(0, 12), 16)).toBe(nowMs);
      }),
    );
  });

  it('sorts by time, whatever the random part', () => {
    fc.assert(
      fc.property(TIME, TIME, RANDOM, RANDOM, (a, b, first, second) => {
        fc.pre(a < b);
        expect(uuidv7(a, first) < uuidv7(b, second)).toBe(true);
      }),
    );
  });

  it('reproduces the example of RFC 9562', () => {
    const random = Buffer.from('0cc318c4dc0c0c07398f', 'hex');
    expect(uuidv7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  it('does not touch the bytes it was given', () => {
    const random = new Uint8Array(10).fill(0xff);
    uuidv7(1, random);
    expect([...random]).toEqual(new Array(10).fill(0xff));
  });

  it('differs from call to call within one millisecond', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => uuidv7(1)))).toHaveProperty('size', 1_000);
  });

  it('is a valid session id', () => {
    expect(uuidv7(1)).toMatch(SESSION_ID_PATTERN);
  });
});

describe('session references', () => {
  it('come apart as they were joined', () => {
    const tenant = fc.stringMatching(/^[a-z0-9_-]{1,32}$/);
    const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
    fc.assert(
      fc.property(tenant, id, (someTenant, someId) => {
        expect(parseRef(refOf(someTenant, someId))).toEqual({ tenant: someTenant, id: someId });
      }),
    );
  });

  it.each(['', '/', 'acme', 'acme/', '/id', 'Acme/id', 'acme/a/b', 'acme/a b', `acme/${'x'.repeat(65)}`])(
    'refuses %j',
    text => {
      expect(parseRef(text)).toBeNull();
    },
  );
});

describe('randomId', () => {
  it('has 96 bits in characters that need no escaping in a URL', () => {
    expect(randomId()).toMatch(/^[A-Za-z0-9_-]{16}$/);
  });

  it('gives no byte of randomness twice', () => {
    const ids = Array.from({ length: 1_000 }, () => [randomId().slice(0, 8), randomId().slice(8)]).flat();
    expect(new Set(ids)).toHaveProperty('size', ids.length);
  });
});
