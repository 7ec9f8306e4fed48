import { createGzip, gzipSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import type { BrowserState } from '../../src/core/browser-state';

/** A manifest, as far as it is given, and a right one for the rest. */
export const MANIFEST = {
  format: 1,
  chromiumVersion: '156.0.8078.108',
  endedCleanly: true,
  stateWasRead: true,
  savedAtMs: 1_700_000_000_000,
} as const;

export const NO_STATE: BrowserState = { cookies: [], localStorage: [] };

/** One header of a tar archive, and what follows it. Every field may be what no packer writes. */
export interface RawEntry {
  readonly name: string | Buffer;
  readonly prefix?: string;
  /** Default: a file. */
  readonly typeflag?: string;
  readonly linkname?: string;
  readonly content?: string | Buffer;
  /** The field as it stands in the header; default: the size of the content. */
  readonly sizeField?: Buffer | string;
  readonly magic?: string;
}

const BLOCK_BYTES = 512;

/** The blocks of an entry, with a right checksum. */
export function rawEntry(entry: RawEntry): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const content = Buffer.from(entry.content ?? '');
  Buffer.from(entry.name).copy(header, 0, 0, 100);
  header.write('0000600\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  const size = entry.sizeField ?? `${content.length.toString(8).padStart(11, '0')}\0`;
  Buffer.from(size).copy(header, 124, 0, 12);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(entry.typeflag ?? '0', 156);
  header.write(entry.linkname ?? '', 157);
  header.write(entry.magic ?? 'ustar\x0000', 257, 'latin1');
  header.write(entry.prefix ?? '', 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return Buffer.concat([header, content, padding]);
}

/** Entries as a compressed archive that begins as ours do. */
export function rawArchive(entries: readonly RawEntry[], { ending = Buffer.alloc(1024) } = {}): Buffer {
  const head = [
    rawEntry({ name: 'manifest.json', content: JSON.stringify(MANIFEST) }),
    rawEntry({ name: 'state.json', content: JSON.stringify(NO_STATE) }),
  ];
  return gzipSync(Buffer.concat([...head, ...entries.map(rawEntry), ending]), { level: 1 });
}

/** An archive of files that tar-stream itself has written. */
export async function tarOf(files: readonly (readonly [name: string, content: string])[]): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of files) tar.entry({ name }, content);
  tar.finalize();
  return buffer(tar.pipe(createGzip()));
}

/** An extended header (PAX) with these records. */
export function paxHeader(records: Readonly<Record<string, string>>, typeflag = 'x'): RawEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(rest);
    while (Buffer.byteLength(`${length}${rest}`) !== length) length = Buffer.byteLength(`${length}${rest}`);
    return `${length}${rest}`;
  });
  return { name: 'PaxHeader', typeflag, content: lines.join('') };
}
