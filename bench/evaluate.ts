import { readFile } from 'node:fs/promises';
import { Installation } from '../test/support/installation';
import { CdpClient } from './cdp-client';
import { p50, ratioOfMedians, sampleCount, timed, type Benchmark, type Series } from './harness';
import { devToolsUrlOf } from './session-browser';

/** Evaluations in a row on one path before the other has its turn. */
const BLOCK = 50;

const FLOOD_TOTAL = 5_000;
const FLOOD_IN_FLIGHT = 100;

/** Clock ticks in a second as proc(5) counts them; 100 on every Linux. */
const TICKS_PER_SECOND = 100;

/** What the way through the API costs: the same evaluation in the same page, through `websocketUrl` and past it. */
export const evaluate: Benchmark = {
  name: 'evaluate',
  title: 'CDP through the API × straight to the same Chromium',
  run: async plan => {
    const installation = await Installation.start({ browser: 'chromium' });
    try {
      const session = await installation.create();
      const paths = {
        direct: await CdpClient.open(await devToolsUrlOf(installation)),
        through: await CdpClient.open(session.websocketUrl ?? ''),
      };
      const api = await installation.find('api');
      const roundTrips = await measureRoundTrips(paths, sampleCount(plan, 4_000, 1_000), api.pid);
      const floods = await measureFloods(paths, sampleCount(plan, 20, 6), api.pid);
      paths.direct.close();
      paths.through.close();
      return {
        series: [...roundTrips.series, ...floods.series],
        claims: [
          {
            text: 'round trip × direct, p50',
            unit: '×',
            ...ratioOfMedians(roundTrips.through, roundTrips.direct),
            pass: { atMost: 1.25 },
          },
          {
            text: 'flood rate × direct, p50',
            unit: '×',
            ...ratioOfMedians(floods.through, floods.direct),
            pass: { atLeast: 0.74 },
          },
          {
            text: 'CPU of the API per round trip, flood',
            unit: 'µs',
            value: p50(floods.cpu),
            pass: { atMost: 9 },
          },
          { text: 'CPU of the API per round trip, one at a time', unit: 'µs', value: roundTrips.cpuUs },
        ],
        notes: [`flood: ${FLOOD_TOTAL} evaluations, ${FLOOD_IN_FLIGHT} in flight`],
      };
    } finally {
      await installation.stop();
    }
  },
};

interface Paths {
  readonly direct: CdpClient;
  readonly through: CdpClient;
}

interface Both {
  readonly direct: number[];
  readonly through: number[];
  readonly series: readonly Series[];
}

async function measureRoundTrips(
  paths: Paths,
  samples: number,
  apiPid: number,
): Promise<Both & { readonly cpuUs: number }> {
  const tookMs: Record<keyof Paths, number[]> = { direct: [], through: [] };
  await paths.direct.flood(BLOCK, 1);
  await paths.through.flood(BLOCK, 1);
  const cpuBeforeUs = await cpuUsOf(apiPid);
  for (let block = 0; block * BLOCK < samples; block += 1) {
    const order = block % 2 === 0 ? (['direct', 'through'] as const) : (['through', 'direct'] as const);
    for (const path of order) {
      for (let i = 0; i < BLOCK; i += 1)
        tookMs[path].push((await timed(() => paths[path].evaluate())).tookMs);
    }
  }
  const cpuUs = ((await cpuUsOf(apiPid)) - cpuBeforeUs) / tookMs.through.length;
  const series: Series[] = [
    { name: 'evaluate, through the API', unit: 'ms', values: tookMs.through },
    { name: 'evaluate, direct', unit: 'ms', values: tookMs.direct },
  ];
  return { ...tookMs, cpuUs, series };
}

async function measureFloods(
  paths: Paths,
  rounds: number,
  apiPid: number,
): Promise<Both & { readonly cpu: number[] }> {
  const rates: Record<keyof Paths, number[]> = { direct: [], through: [] };
  const cpu: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    for (const path of round % 2 === 0
      ? (['direct', 'through'] as const)
      : (['through', 'direct'] as const)) {
      const cpuBeforeUs = await cpuUsOf(apiPid);
      const { tookMs } = await timed(() => paths[path].flood(FLOOD_TOTAL, FLOOD_IN_FLIGHT));
      if (round === 0) continue; // warms up
      rates[path].push(FLOOD_TOTAL / (tookMs / 1_000));
      if (path === 'through') cpu.push(((await cpuUsOf(apiPid)) - cpuBeforeUs) / FLOOD_TOTAL);
    }
  }
  const series: Series[] = [
    { name: 'flood, through the API', unit: '/s', values: rates.through },
    { name: 'flood, direct', unit: '/s', values: rates.direct },
    { name: 'CPU of the API per round trip, flood', unit: 'µs', values: cpu },
  ];
  return { ...rates, cpu, series };
}

/* utime + stime of a process: fields 14 and 15 of proc(5), counted behind the name, which may contain blanks. */
async function cpuUsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000_000;
}
