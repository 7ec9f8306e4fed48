import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { ArchiveTooLargeError, ProfileChangedError } from '../../../src/profiles/archive-errors';
import { archiveLimits, type ArchiveLimits } from '../../../src/profiles/archive-limits';
import type { BrowserState } from '../../../src/core/browser-state';
import { packProfile } from '../../../src/profiles/pack-profile';
import { keptFiles } from '../../../src/profiles/profile-files';
import type { ArchiveHead } from '../../../src/profiles/archive-head';
import { unpackProfile } from '../../../src/profiles/unpack-profile';
import { MANIFEST, NO_STATE } from '../../support/archives';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

const LIMITS = archiveLimits(2 ** 25);
const STATE: BrowserState = {
  cookies: [
    {
      name: 'part',
      value: 'ü',
      domain: 'a.example',
      path: '/',
      expires: -1,
      httpOnly: true,
      secure: true,
      sameSite: 'None',
      priority: 'Medium',
      sourceScheme: 'Secure',
      sourcePort: 443,
      partitionKey: { topLevelSite: 'https://b.example', hasCrossSiteAncestor: true },
    },
  ],
  localStorage: [{ storageKey: 'https://a.example/', origin: 'https://a.example', items: [['k', 'v']] }],
};

let temp: TempDir;
let profile: string;
let target: string;

beforeEach(async () => {
  temp = await makeTempDir();
  [profile, target] = ['profile', 'target'].map(name => join(temp.path, name)) as [string, string];
  for (const dir of [profile, target]) mkdirSync(dir);
});
afterEach(() => temp.remove());

const put = (path: string, content: string | Buffer): string => {
  const file = join(profile, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  return file;
};
const pack = (changes: { limits?: ArchiveLimits; state?: BrowserState } = {}): Readable =>
  packProfile({ dir: profile, manifest: MANIFEST, state: NO_STATE, limits: LIMITS, ...changes });
const unpack = (source: Readable, limits = LIMITS): Promise<ArchiveHead> =>
  unpackProfile({ source, dir: target, limits });
const filesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();

const KEPT = [
  'Default/Cookies',
  'Default/Cookies-journal',
  'Default/File System/000/t/00/00000001',
  'Default/IndexedDB/http_localhost_1.indexeddb.blob/1/00/2',
  'Default/Local Storage/leveldb/000003.log',
  'Default/Service Worker/CacheStorage/0a/index.txt',
  'Default/Service Worker/Database/CURRENT',
  'Default/Service Worker/ScriptCache/index',
  'Default/WebStorage/2/CacheStorage/index.txt',
  'Default/WebStorage/QuotaManager',
];
const LEFT_OUT = [
  'Local State',
  'Variations',
  'Default/Cache/Cache_Data/index',
  'Default/Code Cache/js/index',
  'Default/Extensions/abc/manifest.json',
  'Default/History',
  'Default/Login Data',
  'Default/Secure Preferences',
  'Default/Service Worker/Other/x',
  'Default/Session Storage/CURRENT',
  'Default/Sessions/Session_1',
  'Default/Sessions_Encrypted/Tabs_1',
  'Default/Web Data',
  'NativeMessagingHosts/evil.json',
];

describe('an archive of a profile', () => {
  it('brings back what is kept, and nothing else', async () => {
    for (const path of [...KEPT, ...LEFT_OUT]) put(path, `content of ${path}`);
    const unpacked = await unpack(pack({ state: STATE }));
    expect(unpacked).toEqual({ manifest: MANIFEST, state: STATE });
    expect(filesIn(target)).toEqual([...KEPT, 'Default/Preferences'].sort());
    for (const path of KEPT) expect(readFileSync(join(target, path), 'utf8')).toBe(`content of ${path}`);
  });

  it('keeps only permissions of the preferences', async () => {
    const site = 'https://a.example:443,*';
    const written = {
      session: { startup_urls: ['http://evil.example'], restore_on_startup: 4 },
      proxy: { mode: 'fixed_servers' },
      profile: {
        name: 'x',
        content_settings: {
          exceptions: {
            notifications: { [site]: { setting: 1, last_modified: '1' }, '*,*': { setting: 1 } },
            geolocation: { [site]: { setting: 2 }, 'https://b.example:443,*': { setting: 'allow' } },
            ssl_cert_decisions: { [site]: { setting: 1 } },
            site_engagement: { [site]: { setting: { rawScore: 3 } } },
          },
        },
      },
    };
    put('Default/Preferences', JSON.stringify(written));
    await unpack(pack());
    expect(JSON.parse(readFileSync(join(target, 'Default/Preferences'), 'utf8'))).toEqual({
      profile: {
        content_settings: {
          exceptions: { notifications: { [site]: { setting: 1 } }, geolocation: { [site]: { setting: 2 } } },
        },
      },
    });
  });

  it.each(['', '{', '[]', 'null', '{"profile":{"content_settings":{"exceptions":[]}}}'])(
    'is made of a profile whose preferences are %j',
    async text => {
      put('Default/Preferences', text);
      await unpack(pack());
      expect(JSON.parse(readFileSync(join(target, 'Default/Preferences'), 'utf8'))).toEqual({
        profile: { content_settings: { exceptions: {} } },
      });
    },
  );

  it('is made of an empty profile, and of none', async () => {
    await unpack(pack());
    expect(filesIn(target)).toEqual(['Default/Preferences']);
  });

  it('gives files that only their owner reads', async () => {
    put('Default/Cookies', 'x');
    await unpack(pack());
    expect(statSync(join(target, 'Default/Cookies')).mode & 0o777).toBe(0o600);
    expect(statSync(join(target, 'Default')).mode & 0o777).toBe(0o700);
  });

  const isRoot = process.getuid?.() === 0;
  (isRoot ? it : it.skip)('gives files to the user of the browser', async () => {
    put('Default/WebStorage/2/x', 'x');
    await unpackProfile({ source: pack(), dir: target, limits: LIMITS, owner: { uid: 65_534, gid: 65_533 } });
    for (const name of readdirSync(target, { recursive: true, encoding: 'utf8' })) {
      const { uid, gid } = statSync(join(target, name));
      expect([name, uid, gid]).toEqual([name, 65_534, 65_533]);
    }
    expect.assertions(5);
  });

  it('is the same for the same profile', async () => {
    for (const path of KEPT) put(path, path);
    const [first, second] = await Promise.all([buffer(pack()), buffer(pack())]);
    expect(first.equals(second)).toBe(true);
  });

  it('keeps names that do not fit into a tar header', async () => {
    for (const length of [60, 61, 90, 150, 200]) {
      const path = `Default/IndexedDB/https_${'a'.repeat(length)}.example_0.indexeddb.leveldb/CURRENT`;
      put(path, 'x');
    }
    await unpack(pack());
    expect(filesIn(target)).toHaveLength(6);
  });

  it('keeps large files whole', async () => {
    const content = Buffer.from(Uint8Array.from({ length: 3_000_001 }, (_, i) => (i * 7) % 251));
    put('Default/WebStorage/1/blob', content);
    await unpack(pack());
    expect(readFileSync(join(target, 'Default/WebStorage/1/blob')).equals(content)).toBe(true);
  });

  it('is not unpacked into a folder that has something in it', async () => {
    writeFileSync(join(target, 'x'), '');
    await expect(unpack(pack())).rejects.toThrow('is not empty');
  });
});

describe('packing a profile that a browser has prepared', () => {
  const secret = 'the secret of another user';

  it('follows no link', async () => {
    writeFileSync(join(temp.path, 'secret'), secret);
    mkdirSync(join(temp.path, 'folder'));
    writeFileSync(join(temp.path, 'folder/secret'), secret);
    put('Default/IndexedDB/a/CURRENT', 'kept');
    symlinkSync(join(temp.path, 'secret'), join(profile, 'Default/Cookies'));
    symlinkSync(join(temp.path, 'folder'), join(profile, 'Default/WebStorage'));
    symlinkSync(join(temp.path, 'folder'), join(profile, 'Default/IndexedDB/b'));
    symlinkSync('a', join(profile, 'Default/IndexedDB/c'));
    linkSync(join(temp.path, 'secret'), join(profile, 'Default/IndexedDB/d'));
    const tar = gunzipSync(await buffer(pack())).toString('latin1');
    expect(tar).toContain('kept');
    expect(tar).not.toContain(secret);
  });

  it('does not enter a profile whose folder is a link', async () => {
    mkdirSync(join(temp.path, 'folder'));
    writeFileSync(join(temp.path, 'folder/Cookies'), secret);
    symlinkSync(join(temp.path, 'folder'), join(profile, 'Default'));
    expect(gunzipSync(await buffer(pack())).toString('latin1')).not.toContain(secret);
  });

  it('does not wait for a pipe', async () => {
    put('Default/Cookies', 'x');
    mkdirSync(join(profile, 'Default/IndexedDB'));
    execFileSync('mkfifo', [join(profile, 'Default/IndexedDB/pipe')]);
    await unpack(pack());
    expect(filesIn(target)).toEqual(['Default/Cookies', 'Default/Preferences']);
  });

  it('leaves out names that an archive may not have', async () => {
    for (const name of ['a\\b', 'a\nb', 'A', 'a']) put(`Default/IndexedDB/${name}`, 'x');
    await unpack(pack());
    expect(filesIn(target)).toEqual(['Default/IndexedDB/A', 'Default/Preferences']);
  });

  it('fails if a file becomes shorter while it is read', async () => {
    const file = put('Default/Cookies', 'x'.repeat(1_000));
    for await (const { read } of keptFiles(profile, LIMITS)) {
      truncateSync(file, 10);
      await expect(buffer(read())).rejects.toThrow(ProfileChangedError);
    }
    expect.assertions(1);
  });

  it('takes a file that grows, or is removed, as it was when it was opened', async () => {
    const file = put('Default/Cookies', 'x'.repeat(1_000));
    for await (const { bytes, read } of keptFiles(profile, LIMITS)) {
      appendFileSync(file, 'y'.repeat(1_000));
      rmSync(file);
      expect([bytes, (await buffer(read())).toString()]).toEqual([1_000, 'x'.repeat(1_000)]);
    }
    expect.assertions(1);
  });

  it.each<[keyof ArchiveLimits, number]>([
    ['maxBytes', 1_000],
    ['maxFileBytes', 500],
    ['maxFiles', 10],
    ['maxPathBytes', 40],
    ['maxDepth', 5],
    ['maxStateBytes', 5],
  ])('fails beyond %s', async (bound, limit) => {
    put('Default/Cookies', 'x'.repeat(900));
    put(`Default/IndexedDB/${'long'.repeat(10)}/a/b/c`, 'x'.repeat(900));
    for (let n = 0; n < 12; n += 1) put(`Default/WebStorage/${n}`, '');
    const error = await buffer(pack({ limits: { ...LIMITS, [bound]: limit } })).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ArchiveTooLargeError);
    expect(error).toMatchObject({ bound, limit });
  });

  it('fails for a file of zeros that would be a bomb', async () => {
    const file = put('Default/File System/000/t/00/00000000', '');
    truncateSync(file, 30 * 2 ** 20);
    await expect(buffer(pack())).rejects.toMatchObject({ bound: 'maxRatio' });
  });

  it('closes its files when the reader goes away', async () => {
    put('Default/WebStorage/blob', Buffer.alloc(8 * 2 ** 20, Math.random().toString()));
    const archive = pack();
    await new Promise(resolve => archive.once('readable', resolve));
    archive.destroy();
    await expect(buffer(archive)).rejects.toThrow();
  });
});
