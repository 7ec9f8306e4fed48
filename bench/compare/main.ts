import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/core/errors';
import { inOwnFolder } from '../own-folder';
import type { Contestant } from './contestant';
import { bareSpawn, playwrightServer, puppeteerLaunch } from './local';
import { compare, MEASURES, rowsOf, type Measure } from './measure';
import { renderChart, renderTable } from './render';
import { cdpServer, holdfastCold, holdfastWarm, sessionServer } from './served';

/*
 * npm run bench:compare [-- [--rounds N] [--server NAME=URL]… [--out FOLDER]]
 *
 * Compares what gives browsers to programs, in one run: what this machine has, and servers by their URL. `ws:` is a
 * server that gives a browser to each connection over CDP, `http:` one with Steel's calls. Exit code: 0, 1 if any
 * round of any contestant failed, 2 usage.
 */

class UsageError extends Error {
  override readonly name = 'Usage';
}

interface Options {
  readonly rounds: number;
  readonly servers: readonly Contestant[];
  /** For result.json, result.md and the charts; null: the table is printed, and nothing is written. */
  readonly out: string | null;
}

function optionsOf(args: string[]): Options {
  const options = {
    rounds: { type: 'string', default: '30' },
    server: { type: 'string', multiple: true },
    out: { type: 'string' },
  } as const;
  const { values } = parsed(() => parseArgs({ args, options }));
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError('--rounds needs a whole number above 0');
  return { rounds, servers: (values.server ?? []).map(serverOf), out: values.out ?? null };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function serverOf(text: string): Contestant {
  const [, name, address] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || address === undefined || !URL.canParse(address))
    throw new UsageError(`--server ${text}: must be NAME=URL`);
  if (/^wss?:/.test(address)) return cdpServer(name, address);
  if (/^https?:/.test(address)) return sessionServer(name, address);
  throw new UsageError(`--server ${text}: must begin with ws:, wss:, http: or https:`);
}

/* The first one is what the others are compared with. */
const HERE = [puppeteerLaunch, bareSpawn, playwrightServer, holdfastCold, holdfastWarm];

async function run({ rounds, servers, out }: Options): Promise<number> {
  const contestants: Contestant[] = [];
  try {
    for (const open of HERE) contestants.push(await open());
    contestants.push(...servers);
    const startedAt = new Date().toISOString();
    const loadBefore = loadavg()[0] ?? Number.NaN;
    const rows = rowsOf(await compare(contestants, rounds));
    const machine = `${availableParallelism()} cores, Node ${process.version}, load before ${loadBefore.toFixed(1)}`;
    const table = `${renderTable(rows)}\n${rounds} rounds, one browser at a time; ${machine}.\n`;
    process.stdout.write(table);
    if (out !== null) {
      await mkdir(out, { recursive: true });
      const result = { startedAt, machine, rounds, measures: MEASURES, rows };
      await writeFile(join(out, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
      await writeFile(join(out, 'result.md'), table);
      // SAFETY: these are the keys of the record.
      for (const measure of Object.keys(MEASURES) as Measure[])
        await writeFile(join(out, `${measure}.svg`), renderChart(rows, measure));
    }
    return rows.every(({ failures }) => failures.length === 0) ? 0 : 1;
  } finally {
    for (const contestant of contestants) await contestant.close();
  }
}

inOwnFolder(() => run(optionsOf(process.argv.slice(2)))).then(
  code => process.exit(code),
  (error: unknown) => {
    const usage = error instanceof UsageError;
    process.stderr.write(`${usage || !(error instanceof Error) ? String(error) : (error.stack ?? '')}\n`);
    process.exit(usage ? 2 : 1);
  },
);
