import { constants } from 'node:fs';
import { open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readUntrustedFile } from '../../../src/core/read-untrusted-file';
import { REFUSED_HOSTS_MAX, type Traffic } from '../../../src/core/traffic';
import type { RunDirectory } from '../process/run-directory';
import { recordsFolder } from '../process/run-root';
import { TRAFFIC_BYTES } from './forward-proxy/traffic-report';

/* What has gone through the forward proxy of a browser, in a file beside its record: until the worker forgets it. */

const SUFFIX = '.traffic';

/** Of whose browser. */
type TrafficPlace = Pick<RunDirectory, 'root' | 'name'>;

/** More than a browser can send (a petabyte); sums of it stay whole numbers in Redis. */
const COUNT_MAX = 1e15;

const count = z.number().int().min(0).max(COUNT_MAX);

/* Who writes it reads what pages have sent, so it is checked. */
const report = z.object({
  sentBytes: count,
  receivedBytes: count,
  refused: count,
  refusedHosts: z.array(z.string().regex(/^[\x21-\x7e]{1,253}$/)).max(REFUSED_HOSTS_MAX),
  beat: count.optional(),
});

/**
 * Opens the file of a browser for its forward proxy. It is the keeper's, and the process inherits it open: so the
 * counts outlive both.
 *
 * @throws what the file system throws.
 */
export async function openTrafficFile(directory: RunDirectory): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  const file = await open(pathFor(directory), O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  // On a full disk bytes can only be replaced.
  if ((await file.stat()).size < TRAFFIC_BYTES) await file.write(' '.repeat(TRAFFIC_BYTES), 0);
  return file;
}

/** What has gone through the forward proxy of a browser; null: it has none, or nothing is written yet. */
export async function readTraffic(directory: TrafficPlace): Promise<Traffic | null> {
  const found = await readReport(directory);
  if (found === null) return null;
  const { sentBytes, receivedBytes, refused, refusedHosts } = found;
  return { sentBytes, receivedBytes, refused, refusedHosts };
}

/**
 * A number that changes with each report; null: there is none, or it is of an earlier version, which gave no number.
 */
export async function readBeat(directory: TrafficPlace): Promise<number | null> {
  return (await readReport(directory))?.beat ?? null;
}

async function readReport(directory: TrafficPlace): Promise<z.output<typeof report> | null> {
  try {
    return report.parse(JSON.parse((await readUntrustedFile(pathFor(directory), TRAFFIC_BYTES)) ?? ''));
  } catch {
    return null; // not written yet, or not by our program
  }
}

/** Removes the file of a browser, if there is one. */
export async function dropTraffic(directory: RunDirectory): Promise<void> {
  await rm(pathFor(directory), { force: true });
}

/** Removes the files of browsers that are not known. */
export async function removeUnknownTraffic(runRoot: string, known: ReadonlySet<string>): Promise<void> {
  const folder = recordsFolder(runRoot);
  const files = (await readdir(folder)).filter(
    file => file.endsWith(SUFFIX) && !known.has(file.slice(0, -SUFFIX.length)),
  );
  await Promise.all(files.map(file => rm(join(folder, file), { force: true })));
}

const pathFor = ({ root, name }: TrafficPlace): string => join(recordsFolder(root), name + SUFFIX);
