import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { UnsealError } from '../../../src/core/sealed';
import { sealStream, TenantKey, unsealStream } from '../../../src/core/sealed-stream';

const SECRET = 'the secret of an installation';
const KEY = new TenantKey(SECRET, 'acme');
const NAME = 'acme/ctx_1/1';
const HEADER_BYTES = 36;
const CHUNK_BYTES = 64 * 2 ** 10;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + 16;

/** Bytes that differ from chunk to chunk. */
const content = (bytes: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i + (i >> 8) + (i >> 16)) & 255));

/** As a network delivers it: in pieces of any size. */
function* pieces(bytes: Buffer, size = 10_007): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const through = async (bytes: Buffer, transform: ReturnType<typeof sealStream>): Promise<Buffer> => {
  const source = Readable.from(pieces(bytes));
  return buffer(source.pipe(transform));
};
const sealed = (bytes: Buffer, key = KEY, name = NAME): Promise<Buffer> =>
  through(bytes, sealStream(key, name));
const unsealed = (bytes: Buffer, key = KEY, name = NAME): Promise<Buffer> =>
  through(bytes, unsealStream(key, name));

describe('a sealed stream', () => {
  it.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 300_000])(
    'of %i bytes comes out as it went in',
    async bytes => {
      expect((await unsealed(await sealed(content(bytes)))).equals(content(bytes))).toBe(true);
    },
  );

  it('looks different each time, and does not contain what was sealed', async () => {
    const text = Buffer.from('hunter2'.repeat(10));
    const [first, second] = await Promise.all([sealed(text), sealed(text)]);
    expect(first.equals(second)).toBe(false);
    expect(first.includes('hunter2')).toBe(false);
  });

  it.each([
    ['for another tenant', new TenantKey(SECRET, 'other'), NAME],
    ['with another secret', new TenantKey('another secret', 'acme'), NAME],
    ['for another blob', KEY, 'acme/ctx_1/2'],
  ])('gives nothing to a reader %s', async (_, key, name) => {
    const transform = unsealStream(key, name);
    const given: Buffer[] = [];
    transform.on('data', (chunk: Buffer) => given.push(chunk));
    await expect(buffer(Readable.from([await sealed(content(200_000))]).pipe(transform))).rejects.toThrow(
      UnsealError,
    );
    expect(given).toEqual([]);
  });

  it('cannot be cut anywhere, at a chunk least of all', async () => {
    const whole = await sealed(content(2 * CHUNK_BYTES));
    const chunkEnds = [0, 1].map(chunks => HEADER_BYTES + chunks * SEALED_CHUNK_BYTES);
    for (const length of [0, 1, 4, 35, ...chunkEnds, HEADER_BYTES + 16, 100_000, whole.length - 1]) {
      await expect(unsealed(whole.subarray(0, length))).rejects.toThrow(UnsealError);
    }
  });

  it('cannot be changed in any of its parts', async () => {
    const whole = await sealed(content(CHUNK_BYTES + 100));
    const places = [
      0,
      3,
      4,
      35,
      36,
      1_000,
      HEADER_BYTES + CHUNK_BYTES,
      36 + SEALED_CHUNK_BYTES,
      whole.length - 1,
    ];
    for (const place of places) {
      const changed = Buffer.from(whole);
      changed[place] = (changed[place] ?? 0) ^ 1;
      await expect(unsealed(changed)).rejects.toThrow(UnsealError);
    }
  });

  it('cannot be reordered, repeated, extended or joined with another', async () => {
    const whole = await sealed(content(3 * CHUNK_BYTES));
    const other = await sealed(content(3 * CHUNK_BYTES));
    const header = whole.subarray(0, HEADER_BYTES);
    const chunk = (from: Buffer, index: number): Buffer =>
      from.subarray(
        HEADER_BYTES + index * SEALED_CHUNK_BYTES,
        HEADER_BYTES + (index + 1) * SEALED_CHUNK_BYTES,
      );
    const [first, second, last] = [0, 1, 2].map(index => chunk(whole, index)) as [Buffer, Buffer, Buffer];
    const forged = [
      [header, second, first, last],
      [header, first, first, second, last],
      [header, first, last],
      [header, first, second, last, last],
      [header, first, second, last, Buffer.from('x')],
      [header, first, second, chunk(other, 2)],
      [other.subarray(0, HEADER_BYTES), first, second, last],
    ];
    for (const parts of forged) await expect(unsealed(Buffer.concat(parts))).rejects.toThrow(UnsealError);
  });

  it('shows its key to no one who prints it', () => {
    expect(JSON.stringify(KEY)).toBe('{}');
  });
});
