import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { BlobNotFoundError, BlobStoreError, type BlobStore } from '../../../src/blobs/blob-store';
import { FolderBlobs } from '../../../src/blobs/folder-blobs';
import { openBlobs } from '../../../src/blobs/open-blobs';
import { S3Blobs } from '../../../src/blobs/s3-blobs';
import { systemClock } from '../../../src/core/clock';
import { pollUntil } from '../../support/poll-until';
import { S3Server, startSilentServer } from '../../support/s3-server';
import { canMount, SmallDisk } from '../../support/small-disk';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

const KEY = 'acme/ctx_1/1';
const MIB = 2 ** 20;

/** Bytes that do not repeat where parts do. */
const PATTERN = Uint8Array.from({ length: 65_521 }, (_, i) => (i * 31 + (i >> 10)) % 253);
const content = (bytes: number): Buffer => Buffer.alloc(bytes, PATTERN);
const chunks = (bytes: Buffer): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
    })(),
  );
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Gives some bytes and then fails. */
const failing = (bytes: number, error: Error): Readable =>
  Readable.from(
    (async function* () {
      for (let at = 0; at < bytes; at += MIB) yield content(Math.min(MIB, bytes - at));
      await Promise.resolve();
      throw error;
    })(),
  );

interface Place {
  readonly store: BlobStore;
  /** All files of the store, half-written ones too. */
  files(): string[];
  /** Changes the stored form of a blob. */
  damage(): void;
  clear(): void;
  remove(): Promise<void>;
}

const filesBelow = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));

/** Whether this process, which is also the S3 server, has one of the files open; never where there is no /proc. */
function isAnyOpen(files: readonly string[]): boolean {
  const links = existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd') : [];
  return links.some(fd => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return files.some(file => target.endsWith(file));
    } catch {
      return false; // the one that reads the folder itself
    }
  });
}

const inFolder = async (): Promise<Place> => {
  const dir = await makeTempDir();
  const store = openBlobs({ storage: { kind: 'folder', dir: join(dir.path, 'blobs') } }, systemClock);
  return {
    store,
    files: () => filesBelow(dir.path),
    damage: () => writeFileSync(join(dir.path, 'blobs', KEY), 'x'.repeat(40)),
    clear: () => rmSync(join(dir.path, 'blobs/acme'), { recursive: true, force: true }),
    remove: () => dir.remove(),
  };
};
const inS3 = async (): Promise<Place> => {
  const server = await S3Server.start();
  const store = openBlobs({ storage: server.storage() }, systemClock);
  return {
    store,
    // s3rver knows no AbortMultipartUpload, so it keeps the parts of an upload that was cut.
    files: () => server.files().filter(name => name.endsWith('_object')),
    damage: () => appendFileSync(server.path(server.files().find(name => name.endsWith('_object'))!), 'x'),
    clear: () => server.clear(),
    remove: async () => {
      store.close();
      await server.stop();
    },
  };
};

describe.each([
  ['a folder', inFolder],
  ['an S3-compatible store', inS3],
])('blobs in %s', (_, open) => {
  let place: Place;
  let store: BlobStore;
  beforeAll(async () => {
    place = await open();
    store = place.store;
  });
  afterEach(() => place.clear());
  afterAll(() => place.remove());

  it.each([0, 1, 31, 32, 33, 100_000, 20 * MIB])('of %i bytes come out as they went in', async bytes => {
    const given = content(bytes);
    expect(await store.put(KEY, chunks(given))).toEqual({ bytes, sha256: sha256(given) });
    expect((await buffer(await store.get(KEY))).equals(given)).toBe(true);
  });

  it('are replaced as a whole', async () => {
    await store.put(KEY, chunks(content(100)));
    await store.put(KEY, chunks(content(50)));
    expect(await buffer(await store.get(KEY))).toEqual(content(50));
  });

  it('are told from blobs that are missing', async () => {
    await expect(store.get(KEY)).rejects.toThrow(BlobNotFoundError);
  });

  it('are deleted, also when they are gone already', async () => {
    await store.put(KEY, chunks(content(100)));
    await store.put('acme/ctx_1/2', chunks(content(100)));
    await store.delete(KEY);
    await store.delete(KEY);
    await expect(store.get(KEY)).rejects.toThrow(BlobNotFoundError);
    await store.delete('acme/ctx_1/2');
    expect(place.files()).toEqual([]);
  });

  it.each([0, 100, 20 * MIB])('are not there when their source fails after %i bytes', async bytes => {
    const failure = new Error('the browser is gone');
    await expect(store.put(KEY, failing(bytes, failure))).rejects.toBe(failure);
    await expect(store.get(KEY)).rejects.toThrow(BlobNotFoundError);
    expect(place.files()).toEqual([]);
  });

  it('are left as they were when their successor fails', async () => {
    await store.put(KEY, chunks(content(100)));
    await expect(store.put(KEY, failing(10 * MIB, new Error('no')))).rejects.toThrow('no');
    expect(await buffer(await store.get(KEY))).toEqual(content(100));
  });

  it('end with an error when they were damaged', async () => {
    await store.put(KEY, chunks(content(100)));
    place.damage();
    const reading = buffer(await store.get(KEY));
    await expect(reading).rejects.toThrow(BlobStoreError);
    await expect(reading).rejects.toMatchObject({ isTemporary: false });
  });

  it('can be read by half: the file is closed, and can be read again', async () => {
    await store.put(KEY, chunks(content(10 * MIB)));
    const reading = await store.get(KEY);
    await once(reading, 'readable');
    if (process.platform === 'linux') expect(isAnyOpen(place.files())).toBe(true);
    reading.destroy();
    await pollUntil('the file to be closed', { timeoutMs: 5_000, everyMs: 5 }, () =>
      isAnyOpen(place.files()) ? undefined : true,
    );
    expect(sha256(await buffer(await store.get(KEY)))).toBe(sha256(content(10 * MIB)));
  });

  it.each([
    '',
    '/a',
    'a/',
    'a//b',
    '../a',
    'a/../b',
    './a',
    'A',
    'a b',
    'a.b',
    '.incoming/a',
    'a\\b',
    'a\0',
    'ä',
  ])('have no key like %j', async key => {
    await expect(store.put(key, chunks(content(1)))).rejects.toThrow(RangeError);
    await expect(store.get(key)).rejects.toThrow(RangeError);
    await expect(store.delete(key)).rejects.toThrow(RangeError);
  });
});

describe('a folder of blobs', () => {
  let dir: TempDir;
  beforeEach(async () => {
    dir = await makeTempDir();
  });
  afterEach(() => dir.remove());

  it('is read by its owner only, and keeps no empty folders', async () => {
    const store = new FolderBlobs(dir.path, systemClock);
    await store.put(KEY, chunks(content(10)));
    expect(statSync(join(dir.path, KEY)).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir.path, 'acme')).mode & 0o777).toBe(0o700);
    await store.delete(KEY);
    expect(readdirSync(dir.path)).toEqual(['.incoming']);
  });

  it('puts and deletes at the same time', async () => {
    const store = new FolderBlobs(dir.path, systemClock);
    const keys = Array.from({ length: 12 }, (_key, n) => `acme/ctx_${n % 3}/${n}`);
    await Promise.all(
      keys.map(async key => {
        await store.put(key, chunks(content(1_000)));
        await store.delete(key);
        await store.put(key, chunks(content(500)));
      }),
    );
    for (const key of keys) expect(await buffer(await store.get(key))).toEqual(content(500));
  });

  it('loses what a killed process has left an hour ago, and nothing that is being written', async () => {
    const incoming = join(dir.path, '.incoming');
    mkdirSync(incoming);
    for (const name of ['old', 'new']) writeFileSync(join(incoming, name), 'half a blob');
    const hourAgo = new Date(Date.now() - 3_700_000);
    utimesSync(join(incoming, 'old'), hourAgo, hourAgo);
    await new FolderBlobs(dir.path, systemClock).put(KEY, chunks(content(10)));
    expect(readdirSync(incoming)).toEqual(['new']);
  });

  it('is made again when somebody has removed it', async () => {
    const store = new FolderBlobs(join(dir.path, 'blobs'), systemClock);
    await store.put(KEY, chunks(content(10)));
    await dir.remove();
    await expect(store.put(KEY, chunks(content(10)))).rejects.toMatchObject({ isTemporary: true });
    await store.put(KEY, chunks(content(10)));
    expect(readFileSync(join(dir.path, 'blobs', KEY))).toHaveLength(42);
  });

  it('does not become one where a file is in the way', async () => {
    writeFileSync(join(dir.path, 'blobs'), '');
    const store = new FolderBlobs(join(dir.path, 'blobs'), systemClock);
    await expect(store.put(KEY, chunks(content(10)))).rejects.toMatchObject({
      name: 'BlobStoreError',
      isTemporary: false,
    });
  });
});

(canMount() ? describe : describe.skip)('a full disk', () => {
  it('is told, leaves nothing behind, and is no reason to give up', async () => {
    const disk = await SmallDisk.mount(2);
    try {
      const store = new FolderBlobs(join(disk.path, 'blobs'), systemClock);
      await store.put('acme/ctx_1/small', chunks(content(10)));
      await expect(store.put(KEY, chunks(content(3 * MIB)))).rejects.toMatchObject({
        name: 'BlobStoreError',
        message: 'the disk of the blobs is full',
        isTemporary: true,
      });
      expect(filesBelow(disk.path)).toEqual([join(disk.path, 'blobs/acme/ctx_1/small')]);
      await store.put(KEY, chunks(content(MIB)));
    } finally {
      await disk.remove();
    }
  });
});

describe('an S3-compatible store', () => {
  it('that refuses the key of this installation fails for good', async () => {
    const server = await S3Server.start();
    const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'another' };
    const store = openBlobs({ storage: server.storage({ credentials }) }, systemClock);
    await expect(store.put(KEY, chunks(content(10)))).rejects.toMatchObject({ isTemporary: false });
    await expect(store.get(KEY)).rejects.toMatchObject({ isTemporary: false });
    store.close();
    await server.stop();
  });

  it('that lacks the bucket is not one that lacks a blob', async () => {
    const server = await S3Server.start();
    const store = openBlobs({ storage: server.storage({ bucket: 'another' }) }, systemClock);
    await expect(store.get(KEY)).rejects.toThrow(BlobStoreError);
    await expect(store.put(KEY, chunks(content(10)))).rejects.toThrow(BlobStoreError);
    store.close();
    await server.stop();
  });

  it('that is not there fails for now, within bounds', async () => {
    const server = await S3Server.start();
    const storage = server.storage();
    await server.stop();
    const store = openBlobs({ storage }, systemClock);
    await expect(store.get(KEY)).rejects.toMatchObject({ name: 'BlobStoreError', isTemporary: true });
    await expect(store.delete(KEY)).rejects.toMatchObject({ name: 'BlobStoreError', isTemporary: true });
    store.close();
  });

  it('that falls silent is given up', async () => {
    const silent = await startSilentServer();
    const server = await S3Server.start();
    const storage = server.storage({ endpoint: `http://127.0.0.1:${silent.port}` });
    const store = new S3Blobs(storage, { silenceMs: 100 });
    await expect(store.get(KEY)).rejects.toMatchObject({ name: 'BlobStoreError', isTemporary: true });
    await expect(store.put(KEY, chunks(content(10)))).rejects.toMatchObject({ isTemporary: true });
    store.close();
    silent.close();
    await server.stop();
  });
});
