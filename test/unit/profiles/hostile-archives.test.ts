import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { BadArchiveError } from '../../../src/profiles/archive-errors';
import { archiveLimits, type ArchiveLimits } from '../../../src/profiles/archive-limits';
import { unpackProfile } from '../../../src/profiles/unpack-profile';
import { MANIFEST, paxHeader, rawArchive, rawEntry, tarOf, type RawEntry } from '../../support/archives';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

const LIMITS = archiveLimits(2 ** 26);
const COOKIES = 'profile/Default/Cookies';

let temp: TempDir;
let target: string;

beforeEach(async () => {
  temp = await makeTempDir();
  writeFileSync(join(temp.path, 'outside'), 'untouched');
  target = join(temp.path, 'target');
  mkdirSync(target);
});
afterEach(() => temp.remove());

const everything = (): string[] =>
  readdirSync(temp.path, { recursive: true, withFileTypes: true }).map(entry => {
    const path = join(entry.parentPath, entry.name);
    return `${path} ${entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : 'OTHER'}`;
  });
/** Nothing was written beside the folder, and only files and folders into it. */
const expectConfined = (): void => {
  const outside = everything().filter(line => !line.startsWith(`${target}/`));
  expect(outside.sort()).toEqual([`${join(temp.path, 'outside')} file`, `${target} folder`]);
  expect(everything().filter(line => line.endsWith('OTHER'))).toEqual([]);
};

const unpack = (bytes: Buffer, limits: ArchiveLimits = LIMITS): Promise<unknown> =>
  unpackProfile({ source: Readable.from(pieces(bytes)), dir: target, limits });
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 4_096) yield bytes.subarray(at, at + 4_096);
}
const reasonOf = async (bytes: Buffer, limits = LIMITS): Promise<string> => {
  const error = await unpack(bytes, limits).then(
    () => 'was unpacked',
    (thrown: unknown) => thrown,
  );
  expectConfined();
  return error instanceof BadArchiveError ? error.reason : String(error);
};

const good: RawEntry = { name: COOKIES, content: 'x' };
const inProfile = (path: string): RawEntry => ({ name: `profile/${path}`, content: 'x' });
const octal = (bytes: number): string => `${bytes.toString(8).padStart(11, '0')}\0`;
const base256 = (...bytes: number[]): Buffer =>
  Buffer.from([...bytes, ...new Array<number>(12).fill(0)].slice(0, 12));

it('takes the archive that the hostile ones are made of', async () => {
  await unpack(rawArchive([good]));
  expect(statSync(join(target, 'Default/Cookies')).size).toBe(1);
});

describe('an archive is refused', () => {
  it.each<[what: string, reason: string, entries: readonly RawEntry[]]>([
    ['an absolute path', 'not_allowed', [{ name: '/etc/cron.d/x' }]],
    ['an absolute path in the profile', 'bad_name', [inProfile('/etc/x')]],
    ['a path upwards', 'not_allowed', [{ name: '../outside' }]],
    ['a path upwards from the profile', 'bad_name', [inProfile('../../outside')]],
    ['a path upwards from a kept folder', 'bad_name', [inProfile('Default/IndexedDB/../../../outside')]],
    ['a path upwards at the end', 'bad_name', [inProfile('Default/IndexedDB/..')]],
    ['a path to itself', 'bad_name', [inProfile('Default/IndexedDB/./x')]],
    ['an empty name in a path', 'bad_name', [inProfile('Default/IndexedDB//x')]],
    ['an empty path', 'bad_name', [inProfile('')]],
    [
      'a path by the prefix field',
      'bad_name',
      [{ name: 'outside', prefix: 'profile/Default/IndexedDB/../../..' }],
    ],
    ['a backslash', 'bad_name', [inProfile('Default/IndexedDB/..\\..\\x')]],
    ['a line break', 'bad_name', [inProfile('Default/IndexedDB/a\nb')]],
    [
      'bytes that are no UTF-8',
      'bad_name',
      [{ name: Buffer.from('profile/Default/IndexedDB/\xff', 'latin1') }],
    ],
    ['a NUL in an extended name', 'bad_name', [paxHeader({ path: 'profile/Default/IndexedDB/a\0b' }), good]],
    ['a symbolic link', 'not_a_file', [{ name: COOKIES, typeflag: '2', linkname: '/etc/passwd' }]],
    ['a hard link', 'not_a_file', [{ name: COOKIES, typeflag: '1', linkname: '/etc/passwd' }]],
    [
      'a link and a file through it',
      'not_a_file',
      [
        { name: 'profile/Default/WebStorage', typeflag: '2', linkname: '/tmp' },
        inProfile('Default/WebStorage/x'),
      ],
    ],
    ['a character device', 'not_a_file', [{ name: COOKIES, typeflag: '3' }]],
    ['a block device', 'not_a_file', [{ name: COOKIES, typeflag: '4' }]],
    ['a pipe', 'not_a_file', [{ name: COOKIES, typeflag: '6' }]],
    ['a folder', 'not_a_file', [{ name: 'profile/Default/WebStorage/', typeflag: '5' }]],
    ['a folder that has content', 'bad_name', [{ name: 'profile/Default/WebStorage/', content: 'x' }]],
    ['a sparse file', 'not_a_file', [{ name: COOKIES, typeflag: 'S' }]],
    ['an unknown kind of entry', 'not_a_file', [{ name: COOKIES, typeflag: 'Z' }]],
    ['a long name of GNU', 'bad_header', [{ name: '././@LongLink', typeflag: 'L', content: '/etc/x' }, good]],
    ['a long link of GNU', 'bad_header', [{ name: '././@LongLink', typeflag: 'K', content: '/etc/x' }, good]],
    ['an extended path upwards', 'not_allowed', [paxHeader({ path: '../outside' }), good]],
    ['an extended size', 'bad_header', [paxHeader({ size: '0' }), good]],
    ['an extended size beside a path', 'bad_header', [paxHeader({ path: COOKIES, size: '1' }), good]],
    ['an extended link', 'bad_header', [paxHeader({ linkpath: '/etc/passwd' }), good]],
    ['another extended record', 'bad_header', [paxHeader({ path: COOKIES, mtime: '1' }), good]],
    ['an extended path that is empty', 'bad_header', [paxHeader({ path: '' }), good]],
    [
      'two extended headers',
      'bad_header',
      [paxHeader({ path: COOKIES }), paxHeader({ path: COOKIES }), good],
    ],
    ['an extended header for all', 'bad_header', [paxHeader({ path: COOKIES }, 'g'), good]],
    ['an extended header without a file', 'trailing_data', [paxHeader({ path: COOKIES })]],
    ['a huge extended header', 'bad_header', [{ name: 'x', typeflag: 'x', sizeField: octal(2 ** 30) }]],
    ['a name twice', 'duplicate_name', [good, good]],
    [
      'names that differ in case',
      'duplicate_name',
      [inProfile('Default/IndexedDB/A'), inProfile('Default/IndexedDB/a')],
    ],
    [
      'folders that differ in case of one file',
      'duplicate_name',
      [inProfile('Default/IndexedDB/A/x'), inProfile('Default/IndexedDB/a/X')],
    ],
    [
      'names that are one after normalisation',
      'duplicate_name',
      [inProfile('Default/IndexedDB/\u00e9'), inProfile('Default/IndexedDB/e\u0301')],
    ],
    [
      'a file that is a folder later',
      'duplicate_name',
      [inProfile('Default/IndexedDB/a'), inProfile('Default/IndexedDB/a/b')],
    ],
    [
      'a folder that is a file later',
      'duplicate_name',
      [inProfile('Default/IndexedDB/a/b'), inProfile('Default/IndexedDB/a')],
    ],
    ['an extension', 'not_allowed', [inProfile('Default/Extensions/a/manifest.json')]],
    ['a native host', 'not_allowed', [inProfile('NativeMessagingHosts/a.json')]],
    ['tabs of a former session', 'not_allowed', [inProfile('Default/Sessions/Session_1')]],
    ['secure preferences', 'not_allowed', [inProfile('Default/Secure Preferences')]],
    ['a kept folder as a file', 'not_allowed', [inProfile('Default/IndexedDB')]],
    ['a kept file in other case', 'not_allowed', [inProfile('default/cookies')]],
    ['a second manifest', 'not_allowed', [{ name: 'manifest.json', content: '{}' }]],
    [
      'a size of -1',
      'bad_header',
      [{ name: COOKIES, sizeField: base256(...new Array<number>(12).fill(255)) }],
    ],
    [
      'a size of -2^80',
      'bad_header',
      [{ name: COOKIES, sizeField: base256(255, 254, ...new Array<number>(10).fill(255)) }],
    ],
    ['a size that is no number', 'bad_header', [{ name: COOKIES, sizeField: 'zzzzzzzzzzz\0' }]],
    ['a size of 2^80', 'too_large', [{ name: COOKIES, sizeField: base256(0x80, 0, 1) }]],
    ['a file beyond the limit', 'too_large', [{ name: COOKIES, sizeField: octal(2 ** 27) }]],
    ['less content than stated', 'bad_header', [{ ...good, sizeField: octal(5_000) }]],
    [
      'more content than stated',
      'bad_header',
      [{ name: COOKIES, content: 'x'.repeat(2_000), sizeField: octal(3) }],
    ],
    ['a header of another format', 'bad_header', [{ ...good, magic: 'cpio\0\0\0\0' }]],
  ])('for %s', async (_, reason, entries) => {
    expect(await reasonOf(rawArchive(entries))).toBe(reason);
  });

  it.each<[what: string, reason: string, bytes: () => Buffer]>([
    ['nothing', 'truncated', () => Buffer.alloc(0)],
    ['text', 'not_gzip', () => Buffer.from('hello')],
    ['a zip file', 'not_gzip', () => Buffer.from('PK\x03\x04')],
    ['tar that is not compressed', 'not_gzip', () => gunzipSync(rawArchive([good]))],
    ['compressed text', 'bad_header', () => gzipSync('x'.repeat(2_000))],
    ['compressed nothing', 'truncated', () => gzipSync('')],
    ['zeros only', 'trailing_data', () => gzipSync(Buffer.alloc(10_240))],
    ['no end of tar', 'truncated', () => rawArchive([good], { ending: Buffer.alloc(0) })],
    ['half an end of tar', 'truncated', () => rawArchive([good], { ending: Buffer.alloc(512) })],
    ['zeros behind the end', 'trailing_data', () => rawArchive([good], { ending: Buffer.alloc(2_048) })],
    [
      'a file behind the end',
      'bad_header',
      () =>
        rawArchive([good], {
          ending: Buffer.concat([Buffer.alloc(1_024), rawEntry(inProfile('Default/WebStorage/x'))]),
        }),
    ],
    [
      'zeros behind the compressed data',
      'trailing_data',
      () => Buffer.concat([rawArchive([good]), Buffer.alloc(9_000)]),
    ],
    [
      'rubbish behind the compressed data',
      'not_gzip',
      () => Buffer.concat([rawArchive([good]), Buffer.from('rubbish')]),
    ],
    [
      'much rubbish behind the compressed data',
      'not_gzip',
      () => Buffer.concat([rawArchive([good]), Buffer.alloc(100_000, 'rubbish')]),
    ],
    ['a second archive', 'bad_header', () => Buffer.concat([rawArchive([good]), rawArchive([])])],
    ['a wrong checksum', 'not_gzip', () => changed(rawArchive([good]), -5)],
  ])('that is %s', async (_, reason, bytes) => {
    expect(await reasonOf(bytes())).toBe(reason);
  });

  it('wherever it is cut', async () => {
    const whole = rawArchive([good, { name: 'profile/Default/WebStorage/x', content: 'y'.repeat(5_000) }]);
    for (let length = 0; length < whole.length; length += 7) {
      expect(await reasonOf(whole.subarray(0, length))).toBe('truncated');
      for (const name of readdirSync(target)) rmSync(join(target, name), { recursive: true });
    }
  });

  it.each<[what: string, reason: string, files: readonly (readonly [string, string])[]]>([
    ['no manifest', 'bad_manifest', [['state.json', '{}']]],
    ['a manifest that is no JSON', 'bad_manifest', [['manifest.json', '{']]],
    ['a manifest without a format', 'bad_manifest', [['manifest.json', '{}']]],
    ['a manifest of a later format', 'unknown_format', [['manifest.json', '{"format":2}']]],
    [
      'a manifest with an unknown field',
      'bad_manifest',
      [['manifest.json', JSON.stringify({ ...MANIFEST, x: 1 })]],
    ],
    ['a long manifest', 'too_large', [['manifest.json', ' '.repeat(20_000)]]],
    ['no state', 'bad_state', [['manifest.json', JSON.stringify(MANIFEST)]]],
    [
      'a state of another shape',
      'bad_state',
      [
        ['manifest.json', JSON.stringify(MANIFEST)],
        ['state.json', '{"cookies":1}'],
      ],
    ],
    [
      'a file where the state should be',
      'bad_state',
      [
        ['manifest.json', JSON.stringify(MANIFEST)],
        [COOKIES, 'x'],
      ],
    ],
  ])('with %s', async (_, reason, files) => {
    expect(await reasonOf(await tarOf(files))).toBe(reason);
  });

  it('without telling what a broken state contains', async () => {
    const files = [
      ['manifest.json', JSON.stringify(MANIFEST)],
      ['state.json', 'hunter2'],
    ] as const;
    const error = await unpack(await tarOf(files)).catch((thrown: unknown) => thrown as Error);
    expect(JSON.stringify([(error as Error).message, String((error as Error).cause)])).not.toContain(
      'hunter2',
    );
  });
});

describe('a bomb', () => {
  it('of size is refused before all of it is written', async () => {
    const content = Buffer.alloc(40 * 2 ** 20);
    const bomb = rawArchive([{ name: 'profile/Default/WebStorage/x', content }]);
    expect(bomb.length).toBeLessThan(300_000);
    expect(await reasonOf(bomb)).toBe('too_large');
    expect(statSync(join(target, 'Default/WebStorage/x')).size).toBeLessThan(32 * 2 ** 20);
  });

  it('of count is refused at the limit', async () => {
    const entries = Array.from({ length: 60 }, (_, n) => inProfile(`Default/WebStorage/${n}`));
    expect(await reasonOf(rawArchive(entries), { ...LIMITS, maxFiles: 50 })).toBe('too_large');
    expect(readdirSync(join(target, 'Default/WebStorage'))).toHaveLength(48);
  });

  it('of levels is refused', async () => {
    expect(await reasonOf(rawArchive([inProfile(`Default/WebStorage/${'a/'.repeat(30)}x`)]))).toBe(
      'too_large',
    );
  });

  it('of empty blocks is refused', async () => {
    expect(await reasonOf(gzipSync(Buffer.alloc(100 * 2 ** 20), { level: 1 }))).toBe('too_large');
  });
});

it('is the fault of the archive if it is broken and the source has more to give', async () => {
  const source = Readable.from(
    (function* () {
      yield rawArchive([good]).subarray(0, 40);
      for (;;) yield Buffer.alloc(10_000, 'rubbish');
    })(),
  );
  const unpacking = unpackProfile({ source, dir: target, limits: LIMITS });
  await expect(unpacking).rejects.toMatchObject({ name: 'BadArchiveError', reason: 'not_gzip' });
  expect(source.destroyed).toBe(true);
});

it('is the fault of the source if the source fails', async () => {
  const failure = new Error('the network is gone');
  const source = Readable.from(
    (async function* () {
      yield rawArchive([good]).subarray(0, 100);
      await Promise.resolve();
      throw failure;
    })(),
  );
  await expect(unpackProfile({ source, dir: target, limits: LIMITS })).rejects.toBe(failure);
});

it('never writes outside, hangs, or fails otherwise, whatever was changed in an archive', async () => {
  const tar = gunzipSync(
    rawArchive([
      good,
      paxHeader({ path: `profile/Default/IndexedDB/${'a'.repeat(120)}` }),
      { name: 'x', content: 'y'.repeat(700) },
      inProfile('Default/WebStorage/QuotaManager'),
    ]),
  );
  const change = fc.record({ at: fc.nat(tar.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
  let unpacked = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      async (changes, isSumRight) => {
        const mutated = Buffer.from(tar);
        for (const { at, byte } of changes) mutated[at] = byte;
        const reason = await reasonOf(gzipSync(isSumRight ? withRightSums(mutated) : mutated, { level: 1 }));
        if (reason === 'was unpacked') unpacked += 1;
        else expect(reason).toMatch(/^[a-z_]+$/);
        for (const name of readdirSync(target)) rmSync(join(target, name), { recursive: true });
      },
    ),
    { numRuns: 150, seed: 1 },
  );
  expect(unpacked).toBeGreaterThan(5);
});

it('never writes outside, hangs, or fails otherwise, whatever was changed in its compressed form', async () => {
  const archive = rawArchive([good, inProfile('Default/WebStorage/QuotaManager')]);
  await fc.assert(
    fc.asyncProperty(fc.nat(archive.length - 1), fc.integer({ min: 1, max: 255 }), async (at, byte) => {
      expect(await reasonOf(changed(archive, at, byte))).toMatch(/^[a-z_]+$|^was unpacked$/);
      for (const name of readdirSync(target)) rmSync(join(target, name), { recursive: true });
    }),
    { numRuns: 50, seed: 2 },
  );
});

function changed(bytes: Buffer, at: number, byte = 1): Buffer {
  const result = Buffer.from(bytes);
  const index = at < 0 ? result.length + at : at;
  result[index] = (result[index] ?? 0) ^ byte;
  return result;
}

/** Every block that looks like a header gets the checksum that it needs to be read. */
function withRightSums(tar: Buffer): Buffer {
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    const block = tar.subarray(at, at + 512);
    if (block.toString('latin1', 257, 262) !== 'ustar') continue;
    block.write('        ', 148);
    block.write(
      `${block
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
  }
  return tar;
}
