import { join } from 'node:path';
import type { WantedIsolation } from '../../../src/config/isolation';
import { createLogger } from '../../../src/core/logger';
import { systemProcesses } from '../../../src/core/process-identity';
import { findIsolation, IsolationError, type Isolation } from '../../../workers/keeper/isolation/isolation';
import { requireApart } from '../../../workers/keeper/isolation/tenants';
import { prepareRunRoot } from '../../../workers/keeper/process/run-root';
import { asRoot } from '../../support/as-root';
import { canFilter, firewallOf } from '../../support/firewall';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

let dir: TempDir;
let runRoot: string;
beforeEach(async () => {
  dir = await makeTempDir();
  runRoot = join(dir.path, 'run');
  await prepareRunRoot(runRoot);
});
afterEach(() => dir.remove());

interface Wish {
  readonly wanted: WantedIsolation;
  readonly uids?: { readonly first: number; readonly last: number };
  readonly reads?: readonly string[];
  readonly program?: string | null;
}

function find({ wanted, uids, reads = [], program = '/usr/bin/true' }: Wish): Promise<Isolation> {
  const log = createLogger('keeper', 'silent');
  const programs = program === null ? [] : [program];
  const parts = { runRoot, programs, processes: systemProcesses, nowMs: Date.now, log };
  return findIsolation({ ...parts, wish: { wanted, uids: uids ?? null, reads } });
}

asRoot(describe)('the isolation of browsers, as root', () => {
  test.each(['shared', 'user', 'cage'] as const)(
    'is %s if that is wanted, and says why not more',
    async wanted => {
      expect(await find({ wanted })).toMatchObject({
        level: wanted,
        whyNotMore: 'HOLDFAST_ISOLATION says so',
        firewall: null,
      });
    },
  );

  test('is a cage where bubblewrap makes one, sealed where nftables can firewall it', async () => {
    const found = await find({ wanted: 'auto' });
    expect(found.cage).not.toBeNull();
    if (canFilter()) expect(found).toMatchObject({ level: 'sealed', whyNotMore: null });
    else
      expect(found).toMatchObject({ level: 'cage', whyNotMore: expect.stringMatching(/nftables|firewall/) });
    expect(found.firewall !== null).toBe(found.level === 'sealed');
  });

  test('removes the rules of an earlier keeper where there is no firewall any more', async () => {
    if (!canFilter()) return;
    const { firewall } = await find({ wanted: 'sealed' });
    await firewall?.open([{ uid: 70_000, reach: [], devToolsPort: null }]);
    await firewall?.close();
    expect(await firewallOf(dir.path)).toContain('70000');
    await find({ wanted: 'cage' });
    expect(await firewallOf(dir.path)).toBeNull();
  });

  test('is less where users cannot be had, and refuses what is named and not available', async () => {
    const uids = { first: 4_294_967_295, last: 4_294_967_296 };
    expect(await find({ wanted: 'auto', uids })).toMatchObject({
      level: 'shared',
      whyNotMore: expect.stringContaining('are not available in this user namespace'),
    });
    for (const wanted of ['user', 'cage', 'sealed'] as const) {
      const refused = expect(find({ wanted, uids })).rejects;
      await refused.toMatchObject({ code: 'isolation_unavailable' });
    }
  });

  test('is a user each where a cage would lack what it has to show, or show the data folder', async () => {
    const missing = join(dir.path, 'not-there');
    expect(await find({ wanted: 'auto', reads: [missing] })).toMatchObject({
      level: 'user',
      whyNotMore: expect.stringContaining(missing),
    });
    expect(await find({ wanted: 'auto', reads: [dir.path] })).toMatchObject({
      level: 'user',
      whyNotMore: expect.stringContaining('contains the data folder'),
    });
    const refused = expect(find({ wanted: 'cage', reads: [dir.path] })).rejects;
    await refused.toThrow(
      /HOLDFAST_ISOLATION: cage is not available on this machine: .*isolation_unavailable/,
    );
  });

  test('needs no cage for the null browser, also where one is named', async () => {
    for (const wanted of ['cage', 'sealed'] as const)
      expect(await find({ wanted, program: null })).toMatchObject({
        level: 'user',
        cage: null,
        firewall: null,
      });
  });
});

describe('several tenants', () => {
  const said: string[] = [];
  const log = createLogger('keeper', 'info', { write: line => void said.push(line) });
  const weak = { level: 'user', whyNotMore: 'there is no bubblewrap' } as Isolation;
  beforeEach(() => said.splice(0));

  test('are refused below the highest level', () => {
    expect(() => requireApart(weak, { tenants: 2 }, log)).toThrow(IsolationError);
    expect(() => requireApart(weak, { tenants: 2 }, log)).toThrow(
      /HOLDFAST_API_KEYS: 2 tenants .* "user" \(there is no bubblewrap\); HOLDFAST_ALLOW_WEAK_ISOLATION=1.*isolation_too_weak/,
    );
    expect(said).toEqual([]);
  });

  test('are served with a warning if a setting allows it', () => {
    requireApart(weak, { tenants: 2, allowsWeakIsolation: true }, log);
    expect(said).toEqual([expect.stringContaining('a client of one can reach what belongs to another')]);
  });

  test('are served where browsers are sealed, and one tenant anywhere, without a word', () => {
    expect(() => requireApart({ ...weak, level: 'cage' }, { tenants: 2 }, log)).toThrow(IsolationError);
    requireApart({ ...weak, level: 'sealed' }, { tenants: 2 }, log);
    requireApart(weak, { tenants: 1 }, log);
    expect(said).toEqual([]);
  });
});
