import { PLAIN_LAUNCH, type LaunchOptions } from '../../../workers/keeper/door/protocol';
import { shapeOf, type ShapedOptions } from '../../../workers/keeper/warm/launch-shape';
import { BURST_MS, DEMAND_WINDOW_MS, WarmDemand } from '../../../workers/keeper/warm/warm-demand';
import { planWarm, WARM_MAX_AGE_MS, type WarmSituation } from '../../../workers/keeper/warm/warm-plan';

const PROXY = { server: 'http://proxy.example:8080', username: 'ann', password: 'a-secret' };

function shaped(options: Partial<LaunchOptions> = {}): ShapedOptions {
  const found = shapeOf({ ...PLAIN_LAUNCH, ...options });
  if (found === null) throw new Error('these options have no shape');
  return found;
}

const PLAIN = shaped();
const GERMAN = shaped({ locale: 'de-DE' });
const MOBILE = shaped({ userAgent: 'Mobile' });

describe('the shape of a launch', () => {
  it.each([
    ['browser', { browser: 'chromium-headless-shell' }],
    ['headless', { headless: false }],
    ['dimensions', { dimensions: { width: 800, height: 600 } }],
    ['deviceScaleFactor', { deviceScaleFactor: 2 }],
    ['userAgent', { userAgent: 'x' }],
    ['locale', { locale: 'de-DE' }],
    ['timezone', { timezone: 'Europe/Berlin' }],
    ['egress', { egress: { allow: ['example.com'], deny: [] } }],
    ['proxy', { proxy: PROXY }],
    ['tenantEgress', { tenantEgress: { mode: 'public', allow: [], deny: [] } }],
  ] as const)('is another one with another %s', (_what, options) => {
    expect(shaped(options).shape).not.toBe(PLAIN.shape);
  });

  it('does not depend on the order of the options', () => {
    const reversed = Object.fromEntries(Object.entries(PLAIN_LAUNCH).reverse());
    // SAFETY: the same entries in another order.
    expect(shapeOf(reversed as unknown as LaunchOptions)?.shape).toBe(PLAIN.shape);
  });

  it('does not depend on what becomes of the profile', () => {
    const kept = shaped({ profile: { isMounted: false, isKept: true } });
    expect(kept.shape).toBe(PLAIN.shape);
    expect(kept.options.profile.isKept).toBe(false);
  });

  it('says that there is a proxy, and nothing about it', () => {
    const proxied = shaped({ proxy: PROXY });
    expect(shaped({ proxy: { ...PROXY, server: 'socks5://other.example:1080' } })).toEqual(proxied);
    expect(proxied.options.proxy).toBe('later');
    const said = JSON.stringify(proxied);
    for (const secret of Object.values(PROXY)) expect(said).not.toContain(secret);
  });

  it('is none with a profile that was mounted', () => {
    expect(shapeOf({ ...PLAIN_LAUNCH, profile: { isMounted: true, isKept: false } })).toBeNull();
  });
});

describe('the demand', () => {
  it('is one plain browser before the first launch', () => {
    expect(new WarmDemand().wanted(0)).toEqual([{ ...PLAIN, count: 1 }]);
  });

  it('is as large as the largest burst', () => {
    const demand = new WarmDemand();
    for (const atMs of [0, 1, 2, 100_000, 200_000]) demand.note(PLAIN, atMs);
    expect(demand.wanted(200_000)).toEqual([{ ...PLAIN, count: 3 }]);
  });

  it('counts launches as one burst up to its length', () => {
    const demand = new WarmDemand();
    for (const atMs of [0, BURST_MS, 2 * BURST_MS + 1]) demand.note(PLAIN, atMs);
    expect(demand.wanted(3 * BURST_MS)).toEqual([{ ...PLAIN, count: 2 }]);
  });

  it('begins with the shape that is wanted most, of equals with the last one', () => {
    const demand = new WarmDemand();
    demand.note(GERMAN, 0);
    demand.note(PLAIN, 1);
    demand.note(MOBILE, 2);
    demand.note(GERMAN, 3);
    expect(demand.wanted(4)).toEqual([
      { ...GERMAN, count: 2 },
      { ...MOBILE, count: 1 },
      { ...PLAIN, count: 1 },
    ]);
  });

  it('falls back to one of the last shape when nobody has asked for long', () => {
    const demand = new WarmDemand();
    for (const atMs of [0, 1, 2]) demand.note(PLAIN, atMs);
    demand.note(GERMAN, 3);
    expect(demand.wanted(3 + DEMAND_WINDOW_MS)).toEqual([{ ...GERMAN, count: 1 }]);
    expect(demand.wanted(4 + DEMAND_WINDOW_MS)).toEqual([{ ...GERMAN, count: 1 }]);
  });

  it('stays bounded, whatever is asked for', () => {
    const demand = new WarmDemand();
    for (let i = 0; i < 1_000; i += 1) demand.note(shaped({ userAgent: `agent ${i}` }), i);
    for (let i = 0; i < 1_000; i += 1) demand.note(PLAIN, i);
    expect(demand.wanted(1_000)).toHaveLength(32);
    expect(demand.wanted(1_000)[0]).toEqual({ ...PLAIN, count: 100 });
  });
});

describe('the plan', () => {
  type Entry = { readonly name: string } & ReturnType<typeof entry>;
  const entry = ({ shape }: ShapedOptions, startedAtMs = 0) => ({ shape, startedAtMs });
  const named = (name: string, of: ShapedOptions, startedAtMs = 0): Entry => ({
    name,
    ...entry(of, startedAtMs),
  });

  const plan = (situation: Partial<WarmSituation<Entry>>): { end: string[]; start: string | null } => {
    const { end, start } = planWarm({
      ...{ nowMs: 1_000, most: 4, room: 8, isMemoryShort: false },
      ...{ wanted: [{ ...PLAIN, count: 1 }], entries: [] },
      ...situation,
    });
    const names = { [PLAIN.shape]: 'plain', [GERMAN.shape]: 'german', [MOBILE.shape]: 'mobile' };
    return {
      end: end.map(({ entry: { name }, cause }) => `${name}: ${cause}`),
      start: start === null ? null : (names[start.shape] ?? 'unknown'),
    };
  };

  it.each<[string, Partial<WarmSituation<Entry>>, { end: string[]; start: string | null }]>([
    ['starts what is missing', {}, { end: [], start: 'plain' }],
    ['is content with what is there', { entries: [named('a', PLAIN)] }, { end: [], start: null }],
    ['starts none without room', { room: 0 }, { end: [], start: null }],
    ['starts none if none are to be kept', { most: 0 }, { end: [], start: null }],
    ['starts none while memory is short', { isMemoryShort: true }, { end: [], start: null }],
    [
      'gives each shape one before it gives one a second',
      { most: 2, wanted: [wants(PLAIN, 5), wants(GERMAN, 1)], entries: [named('a', PLAIN)] },
      { end: [], start: 'german' },
    ],
    [
      'then gives the second to the shape that is wanted most',
      {
        most: 4,
        wanted: [wants(PLAIN, 5), wants(GERMAN, 1)],
        entries: [named('a', PLAIN), named('b', GERMAN)],
      },
      { end: [], start: 'plain' },
    ],
    [
      'ends what is not wanted any more, and starts what is',
      { most: 1, wanted: [wants(MOBILE, 1)], entries: [named('a', PLAIN)] },
      { end: ['a: demand'], start: 'mobile' },
    ],
    [
      'ends the oldest of too many',
      { entries: [named('old', PLAIN, 1), named('new', PLAIN, 2)] },
      { end: ['old: demand'], start: null },
    ],
    [
      'gives up room for sessions, the least wanted first',
      {
        room: 1,
        wanted: [wants(PLAIN, 2), wants(GERMAN, 1)],
        entries: [named('a', GERMAN, 3), named('b', PLAIN, 2), named('c', PLAIN, 1)],
      },
      { end: ['a: room', 'c: room'], start: null },
    ],
    [
      'gives up everything when memory is short',
      { isMemoryShort: true, entries: [named('a', PLAIN)] },
      { end: ['a: memory'], start: null },
    ],
    [
      'replaces what is too old',
      { nowMs: WARM_MAX_AGE_MS + 1, entries: [named('a', PLAIN, 0)] },
      { end: ['a: aged'], start: 'plain' },
    ],
    [
      'keeps what is just not too old',
      { nowMs: WARM_MAX_AGE_MS, entries: [named('a', PLAIN, 0)] },
      { end: [], start: null },
    ],
    [
      'ends all without a worker that takes them',
      { most: 0, entries: [named('a', PLAIN)] },
      { end: ['a: demand'], start: null },
    ],
  ])('%s', (_what, situation, expected) => {
    expect(plan(situation)).toEqual(expected);
  });
});

function wants(of: ShapedOptions, count: number): ShapedOptions & { readonly count: number } {
  return { ...of, count };
}
