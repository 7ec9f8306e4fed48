import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '../../../src/core/logger';
import { Firewall } from '../../../workers/keeper/firewall/firewall';
import { NftError } from '../../../workers/keeper/firewall/nft';
import { added, removed, wholeTable, type FirewallEntry } from '../../../workers/keeper/firewall/ruleset';
import { TableNames } from '../../../workers/keeper/firewall/table-names';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

const HOST_ID = '01234567-89ab-cdef-0123-456789abcdef';
const TABLE = 'holdfast_0123456789ab';
const open: FirewallEntry = { uid: 70_001, reach: 'everything', devToolsPort: 4_001 };
const closed: FirewallEntry = {
  uid: 70_002,
  reach: [{ host: '127.9.8.7', port: 5_001 }],
  devToolsPort: null,
};

describe('the rules', () => {
  const text = wholeTable(TABLE, [open, closed]);

  test('replace those that were there, in one transaction', () => {
    expect(text.split('\n').slice(0, 3)).toEqual([
      `table inet ${TABLE}`,
      `delete table inet ${TABLE}`,
      `table inet ${TABLE} {`,
    ]);
  });

  test('name each browser, its DevTools port and, of a closed one, its doors', () => {
    const elements = text.split('\n').filter(line => line.startsWith('add element'));
    expect(elements).toEqual([
      `add element inet ${TABLE} browsers { 70001 }`,
      `add element inet ${TABLE} devtools { 4001 }`,
      `add element inet ${TABLE} browsers { 70002 }`,
      `add element inet ${TABLE} closed { 70002 }`,
      `add element inet ${TABLE} doors { 70002 . 127.9.8.7 . 5001 }`,
    ]);
  });

  test('refuse a closed browser to ask for connections before they let its answers pass', () => {
    const chain = text.slice(text.indexOf('chain closed'));
    const order = ['@doors accept', '== syn reject', 'sport @devtools accept', 'reject with icmpx'];
    const places = order.map(words => chain.indexOf(words));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  test('lose all of a browser at its end, but not a port that another has taken over', () => {
    expect(removed(TABLE, open, [closed]).split('\n')).toEqual([
      `delete element inet ${TABLE} browsers { 70001 }`,
      `delete element inet ${TABLE} devtools { 4001 }`,
      '',
    ]);
    expect(removed(TABLE, open, [{ ...closed, devToolsPort: 4_001 }])).not.toContain('devtools');
  });
});

describe('the firewall of a keeper', () => {
  let dir: TempDir;
  let tables: TableNames;
  let said: string[];
  /** What was carried out, one call of nft each. */
  let calls: string[];
  let failures: number;
  beforeEach(async () => {
    dir = await makeTempDir();
    tables = await TableNames.in(join(dir.path, 'firewalls'), HOST_ID, dir.path);
    [said, calls, failures] = [[], [], 0];
  });
  afterEach(() => dir.remove());

  const nft = async (statements: string): Promise<void> => {
    await Promise.resolve();
    if (failures > 0) {
      failures -= 1;
      throw new NftError('No such file or directory');
    }
    calls.push(statements);
  };
  const log = createLogger('keeper', 'info', { write: line => void said.push(line) });
  const firewall = (): Firewall => new Firewall({ tables, nft, log });
  const user = (uid: number): { uid: number; gid: number } => ({ uid, gid: uid });
  const reserved = (): Promise<string[]> => readdir(join(dir.path, 'firewalls'));

  test('begins with the browsers of the keeper before, and keeps its table while one of them goes on', async () => {
    const first = firewall();
    await first.open([open, closed]);
    expect(calls).toEqual([wholeTable(TABLE, [open, closed])]);
    await first.close();
    expect(calls).toHaveLength(1);
    expect(await reserved()).toEqual([TABLE]);

    const next = firewall();
    await next.open([open, closed]);
    await Promise.all([next.release(user(open.uid)), next.release(user(closed.uid))]);
    await next.close();
    expect(calls.at(-1)).toBe(`table inet ${TABLE}\ndelete table inet ${TABLE}\n`);
    expect(await reserved()).toEqual([]);
  });

  test('that was never opened leaves the table of an earlier keeper alone', async () => {
    await firewall().close();
    expect(calls).toEqual([]);
  });

  test('writes what is wanted at the same time with one call', async () => {
    const one = firewall();
    await one.open([]);
    const busy = one.enclose(user(1), 'everything');
    await Promise.resolve();
    await Promise.resolve();
    await Promise.all([busy, one.enclose(user(2), 'everything'), one.enclose(user(3), [])]);
    expect(calls.slice(1).join('')).toBe(
      [
        added(TABLE, { uid: 1, reach: 'everything', devToolsPort: null }),
        added(TABLE, { uid: 2, reach: 'everything', devToolsPort: null }),
        added(TABLE, { uid: 3, reach: [], devToolsPort: null }),
      ].join(''),
    );
    expect(calls.length).toBeLessThan(4);
    for (const uid of [1, 2, 3]) await one.release(user(uid));
    await one.close();
  });

  test('writes all rules anew if some were removed by another program, and says so', async () => {
    const one = firewall();
    await one.open([open]);
    failures = 1;
    await one.enclose(user(7), 'everything');
    expect(calls.at(-1)).toBe(wholeTable(TABLE, [open, { uid: 7, reach: 'everything', devToolsPort: null }]));
    expect(said.join('')).toContain('changed by others');
    failures = 2;
    await expect(one.openDevTools(user(7), 9_999)).rejects.toThrow('No such file or directory');
    failures = 2;
    await expect(one.release(user(7))).rejects.toThrow(NftError);
    await one.release(user(7));
    expect(calls.at(-1)).toContain('delete element');
    await one.release(user(open.uid));
    await one.close();
  });

  test('removes the tables of keepers whose folders are gone, and of no others', async () => {
    const folder = join(dir.path, 'firewalls');
    const [gone, there] = [join(dir.path, 'gone'), join(dir.path, 'there')];
    for (const path of [gone, there]) await mkdir(path);
    for (const [hostId, runRoot] of [
      ['aaaaaaaaaaaa', gone],
      ['bbbbbbbbbbbb', there],
    ] as const)
      await (await TableNames.in(folder, hostId, runRoot)).reserve();
    await rm(gone, { recursive: true });
    const one = firewall();
    await one.open([]);
    expect(calls[0]).toBe('table inet holdfast_aaaaaaaaaaaa\ndelete table inet holdfast_aaaaaaaaaaaa\n');
    expect((await reserved()).sort()).toEqual([TABLE, 'holdfast_bbbbbbbbbbbb']);
    await one.close();
  });
});
