import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/core/errors';
import { adoption } from './adoption';
import { apiCalls } from './api-calls';
import { browserCrash } from './browser-crash';
import { browsers } from './browsers';
import { churn } from './churn';
import { coldCreate } from './cold-create';
import { contextLogins } from './context-logins';
import { contextMount } from './context-mount';
import { contextSave } from './context-save';
import { deadMachine } from './dead-machine';
import { density } from './density';
import { dialects } from './dialects';
import { evaluate } from './evaluate';
import { ingress } from './ingress';
import { isolation } from './isolation';
import { latenessLoaded } from './lateness-loaded';
import { latenessOutage } from './lateness-outage';
import { latenessUnloaded } from './lateness-unloaded';
import { leftovers } from './leftovers';
import { lifecycles } from './lifecycles';
import { listPage } from './list-page';
import { inOwnFolder } from './own-folder';
import { proxiedCreate } from './proxied-create';
import { release } from './release';
import { scaleLive } from './scale-live';
import { scaleRetained } from './scale-retained';
import { silentReaders } from './silent-readers';
import { sleep, sleepHour } from './sleep';
import { warmBurst } from './warm-burst';
import { warmCreate } from './warm-create';
import type { Benchmark, Plan } from './harness';
import { renderBenchmark, summarise, type Reported } from './report';

/*
 * npm run bench [-- [--quick] [--samples N] [--rounds N] [--json FILE] [name…]]
 *
 * Runs the benchmarks one after another and prints their results. Exit code: 0 all limits were kept, 1 one was not,
 * 2 usage.
 */

const BENCHMARKS: readonly Benchmark[] = [
  coldCreate,
  browsers,
  warmCreate,
  proxiedCreate,
  warmBurst,
  release,
  evaluate,
  isolation,
  browserCrash,
  adoption,
  deadMachine,
  latenessUnloaded,
  latenessLoaded,
  latenessOutage,
  leftovers,
  lifecycles,
  apiCalls,
  dialects,
  listPage,
  silentReaders,
  ingress,
  contextMount,
  contextSave,
  contextLogins,
];

/** They take up to an hour, and run only by name. */
const BY_NAME: readonly Benchmark[] = [churn, density, scaleLive, scaleRetained, sleep, sleepHour];

interface Options {
  readonly plan: Plan;
  readonly json: string | null;
  readonly chosen: readonly Benchmark[];
}

class UsageError extends Error {
  override readonly name = 'Usage';
}

function parse(argv: string[]) {
  const options = {
    quick: { type: 'boolean', default: false },
    samples: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'string' },
  } as const;
  try {
    return parseArgs({ args: argv, allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function optionsOf(argv: string[]): Options {
  const { values, positionals } = parse(argv);
  const all = [...BENCHMARKS, ...BY_NAME];
  const unknown = positionals.filter(name => all.every(benchmark => benchmark.name !== name));
  if (unknown.length > 0) {
    const names = all.map(({ name }) => name).join(', ');
    throw new UsageError(`no benchmark is called ${unknown.join(', ')}; there are ${names}`);
  }
  return {
    plan: {
      quick: values.quick,
      samples: countOf('samples', values.samples),
      rounds: countOf('rounds', values.rounds),
    },
    json: values.json ?? null,
    chosen: positionals.length === 0 ? BENCHMARKS : all.filter(({ name }) => positionals.includes(name)),
  };
}

function countOf(option: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new UsageError(`--${option} needs a whole number above 0`);
  return Number(value);
}

const load = (): string => loadavg()[0]?.toFixed(2) ?? '?';

async function runAll({ plan, chosen }: Options): Promise<Reported[]> {
  const reported: Reported[] = [];
  for (const benchmark of chosen) {
    const loadBefore = load();
    const startedMs = performance.now();
    const result = await benchmark.run(plan);
    const notes = [...(result.notes ?? []), `load of the machine before ${loadBefore}, after ${load()}`];
    const found = summarise(benchmark, { ...result, notes }, (performance.now() - startedMs) / 1_000);
    process.stdout.write(`${renderBenchmark(found)}\n`);
    reported.push(found);
  }
  return reported;
}

async function main(argv: string[]): Promise<number> {
  const options = optionsOf(argv);
  return inOwnFolder(async () => {
    const cpu = /model name\s*: (.*)/.exec(await readFile('/proc/cpuinfo', 'utf8').catch(() => ''))?.[1];
    const machine = `${availableParallelism()} cores${cpu === undefined ? '' : ` (${cpu})`}, Node ${process.version}`;
    process.stdout.write(`${machine}; load ${load()}\n\n`);
    const startedAt = new Date().toISOString();
    const reported = await runAll(options);
    if (options.json !== null) {
      await writeFile(
        options.json,
        `${JSON.stringify({ startedAt, machine, benchmarks: reported }, null, 2)}\n`,
      );
    }
    const missed = reported.flatMap(({ claims }) => claims.filter(({ passed }) => !passed));
    process.stdout.write(missed.length === 0 ? 'every mark passed\n' : `${missed.length} marks missed\n`);
    return missed.length === 0 ? 0 : 1;
  });
}

main(process.argv.slice(2)).then(
  code => process.exit(code),
  (error: unknown) => {
    const usage = error instanceof UsageError;
    const text = usage || !(error instanceof Error) ? String(error) : (error.stack ?? error.message);
    process.stderr.write(`${text}\n`);
    process.exit(usage ? 2 : 1);
  },
);
