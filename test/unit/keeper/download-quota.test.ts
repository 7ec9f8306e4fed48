import { DownloadQuota, type CutDownload } from '../../../workers/keeper/downloads/download-quota';
import type { MeasuredDownload } from '../../../workers/keeper/downloads/downloads';

const MB = 2 ** 20;
const MAX = 10 * MB;

/** A folder, a browser that writes into it, and what the quota did to them. */
class Folder {
  readonly files = new Map<string, MeasuredDownload>();
  readonly cut: string[] = [];
  readonly limits: (number | null)[] = [];
  readonly claimed: number[] = [];
  mayTake = MAX;
  nowMs = 1_000_000;
  #inodes = 0;
  readonly quota = new DownloadQuota({
    allowance: { claim: bytes => (this.claimed.push(bytes), this.mayTake) },
    watch: () => ({ changed: () => Promise.resolve(), close: () => undefined }),
    measure: () => Promise.resolve([...this.files.values()]),
    remove: name => Promise.resolve(void this.files.delete(name)),
    limit: {
      lower: bytes => Promise.resolve(void this.limits.push(bytes)),
      lift: () => Promise.resolve(void this.limits.push(null)),
    },
    onCut: cuts => void this.cut.push(...cuts.map(({ name }: CutDownload) => name)),
    nowMs: () => this.nowMs,
    failures: { failed: (_key, error) => void this.said.push(String(error)), worked: () => undefined },
  });
  readonly said: string[] = [];

  put(name: string, bytes: number, isComplete: boolean): void {
    const known = this.files.get(name)?.inode;
    const inode = known ?? (this.#inodes += 1);
    const modifiedAtMs = this.nowMs;
    this.files.set(name, { inode, name, size: bytes, allocatedBytes: bytes, modifiedAtMs, isComplete });
  }

  /** Checks the folder a moment later. */
  async look(afterMs = 100): Promise<number> {
    this.nowMs += afterMs;
    return this.quota.look();
  }

  rename(from: string, to: string): void {
    const file = this.files.get(from);
    if (file === undefined) throw new Error(`there is no ${from}`);
    this.files.delete(from);
    this.files.set(to, { ...file, name: to, isComplete: !to.endsWith('.crdownload') });
  }
}

let folder: Folder;

beforeEach(() => {
  folder = new Folder();
});

it('does not touch downloads that fit, to the last byte', async () => {
  folder.put('a', 6 * MB, true);
  folder.put('b.crdownload', 4 * MB, false);
  await folder.look();
  expect([folder.cut, folder.limits]).toEqual([[], []]);
});

it('checks the folder sooner when the quota would be used up sooner', async () => {
  expect(await folder.look()).toBe(1_000);
  folder.put('b.crdownload', 1 * MB, false);
  expect(await folder.look()).toBe(50);
  folder.put('b.crdownload', 7 * MB, false);
  expect(await folder.look()).toBe(25);
  folder.put('b.crdownload', 7.5 * MB, false);
  expect(await folder.look(1_000)).toBe(50);
  folder.put('b.crdownload', 9.9 * MB, false);
  expect(await folder.look()).toBe(25);
});

it('ends a download that exceeds the quota by a size limit, and lifts the limit afterwards', async () => {
  folder.put('b.crdownload', 11 * MB, false);
  expect(await folder.look()).toBe(25);
  expect(folder.limits).toEqual([11 * MB]);
  expect(folder.cut).toEqual([]);
  folder.files.clear();
  await folder.look();
  expect(folder.cut).toEqual(['b.crdownload']);
  expect(folder.limits).toEqual([11 * MB, null]);
});

it('limits to the smallest download under way, but not so low that the browser’s own files are hit', async () => {
  folder.put('b.crdownload', 9 * MB, false);
  folder.put('c.crdownload', 3 * MB, false);
  await folder.look();
  folder.put('d.crdownload', 10_000, false);
  await folder.look();
  expect(folder.limits).toEqual([3 * MB, MB]);
});

it('lifts the limit while a download waits for its server, and sets it again when it goes on', async () => {
  folder.put('b.crdownload', 11 * MB, false);
  await folder.look();
  await folder.look(1_100);
  expect(folder.limits).toEqual([11 * MB, null]);
  expect(await folder.look()).toBe(50);
  expect(folder.limits).toEqual([11 * MB, null]);
  folder.put('b.crdownload', 11.1 * MB, false);
  await folder.look();
  expect(folder.limits).toHaveLength(3);
});

it('recognises a download after it was renamed', async () => {
  folder.put('Unconfirmed 1.crdownload', 11 * MB, false);
  await folder.look();
  folder.rename('Unconfirmed 1.crdownload', 'b.zip.crdownload');
  await folder.look();
  expect(folder.cut).toEqual([]);
  folder.files.clear();
  await folder.look();
  expect(folder.cut).toEqual(['b.zip.crdownload']);
});

it('removes the newest of the downloads that were complete before the check', async () => {
  folder.put('a', 6 * MB, true);
  folder.nowMs += 10;
  folder.put('b', 3 * MB, true);
  folder.nowMs += 10;
  folder.put('c', 3 * MB, true);
  await folder.look();
  expect([[...folder.files.keys()], folder.cut, folder.limits]).toEqual([['a', 'b'], ['c'], []]);
});

it('removes a download that became complete in spite of the limit', async () => {
  folder.put('b.crdownload', 11 * MB, false);
  await folder.look();
  folder.rename('b.crdownload', 'b');
  await folder.look();
  await folder.look();
  expect([folder.files.size, folder.cut]).toEqual([0, ['b']]);
  expect(folder.limits).toEqual([11 * MB, null]);
});

it('follows what it may take at the moment, and states what it takes', async () => {
  folder.put('a', 4 * MB, true);
  await folder.look();
  folder.mayTake = 5 * MB;
  folder.put('b.crdownload', 2 * MB, false);
  await folder.look();
  folder.files.delete('b.crdownload');
  await folder.look();
  expect([[...folder.files.keys()], folder.cut]).toEqual([['a'], ['b.crdownload']]);
  expect(folder.claimed).toEqual([4 * MB, 6 * MB, 4 * MB]);
});
