import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Installation } from '../test/support/installation';
import { CdpClient } from './cdp-client';
import { p50, ratioOfMedians, sampleCount, timed, type Benchmark, type Claim } from './harness';
import { cpuUsOf } from './process-cpu';
import { devToolsUrlOf } from './session-browser';

/** Evaluations in a row on one path, before the other path is measured. */
const BLOCK = 50;

const FLOOD_TOTAL = 5_000;
const FLOOD_IN_FLIGHT = 100;

/** What the way through the API costs: the same evaluation in the same page, through `websocketUrl` and without it. */
export const evaluate: Benchmark = {
  name: 'evaluate',
  title: 'CDP through the API × straight to the same Chromium',
  run: async plan => {
    const installation = await Installation.start({ browser: 'chromium' });
    let hop: Hop | null = null;
    try {
      const session = await installation.create();
      const browserUrl = await devToolsUrlOf(installation);
      hop = await startHop(browserUrl);
      const paths: Paths = {
        direct: await CdpClient.open(browserUrl),
        hop: await CdpClient.open(hop.url),
        through: await CdpClient.open(session.websocketUrl ?? ''),
      };
      const api = await installation.find('api');
      const roundTrips = await measureRoundTrips(paths, sampleCount(plan, 4_000, 1_000), api.pid);
      const floods = await measureFloods(paths, sampleCount(plan, 20, 6), api.pid);
      for (const client of Object.values(paths)) client.close();
      return {
        series: [
          { name: 'evaluate, through the API', unit: 'ms', values: roundTrips.through },
          { name: 'evaluate, through a bare Node hop', unit: 'ms', values: roundTrips.hop },
          { name: 'evaluate, direct', unit: 'ms', values: roundTrips.direct },
          { name: 'flood, through the API', unit: '/s', values: floods.through },
          { name: 'flood, through a bare Node hop', unit: '/s', values: floods.hop },
          { name: 'flood, direct', unit: '/s', values: floods.direct },
          { name: 'CPU of the API per round trip, flood', unit: 'µs', values: floods.cpuUs },
        ],
        claims: claimsOf(roundTrips, floods),
        notes: [
          `flood: ${FLOOD_TOTAL} evaluations, ${FLOOD_IN_FLIGHT} in flight`,
          'bare Node hop: a process that accepts, connects and pipes',
        ],
      };
    } finally {
      hop?.process.disconnect();
      await installation.stop();
    }
  },
};

/** The ways to the browser. */
type Path = 'direct' | 'hop' | 'through';
type Paths = Readonly<Record<Path, CdpClient>>;
type Samples = Record<Path, number[]>;

interface Hop {
  readonly process: ChildProcess;
  readonly url: string;
}

function claimsOf(
  roundTrips: Samples & { readonly cpuUs: number },
  floods: Samples & { readonly cpuUs: number[] },
): Claim[] {
  const { through, direct, hop, cpuUs } = roundTrips;
  return [
    { text: 'round trip × direct', unit: '×', ...ratioOfMedians(through, direct), pass: { atMost: 1.25 } },
    { text: 'round trip × bare Node hop', unit: '×', ...ratioOfMedians(through, hop) },
    {
      text: 'flood rate × direct',
      unit: '×',
      ...ratioOfMedians(floods.through, floods.direct),
      pass: { atLeast: 0.74 },
    },
    {
      text: 'CPU of the API per round trip, flood',
      unit: 'µs',
      value: p50(floods.cpuUs),
      pass: { atMost: 9 },
    },
    { text: 'CPU of the API per round trip, one at a time', unit: 'µs', value: cpuUs },
  ];
}

async function startHop(browserUrl: string): Promise<Hop> {
  const port = new URL(browserUrl).port;
  const child = fork(join(__dirname, 'bare-hop.js'), [port]);
  const [hopPort] = await once(child, 'message');
  return { process: child, url: browserUrl.replace(`:${port}/`, `:${String(hopPort)}/`) };
}

async function measureRoundTrips(
  paths: Paths,
  samples: number,
  apiPid: number,
): Promise<Samples & { readonly cpuUs: number }> {
  const tookMs: Samples = { direct: [], hop: [], through: [] };
  for (const client of Object.values(paths)) await client.flood(BLOCK, 1); // warms up
  const cpuBeforeUs = await cpuUsOf(apiPid);
  for (let block = 0; block * BLOCK < samples; block += 1) {
    for (const path of inTurn(block)) {
      for (let i = 0; i < BLOCK; i += 1)
        tookMs[path].push((await timed(() => paths[path].evaluate())).tookMs);
    }
  }
  return { ...tookMs, cpuUs: ((await cpuUsOf(apiPid)) - cpuBeforeUs) / tookMs.through.length };
}

async function measureFloods(
  paths: Paths,
  rounds: number,
  apiPid: number,
): Promise<Samples & { readonly cpuUs: number[] }> {
  const rates: Samples = { direct: [], hop: [], through: [] };
  const cpuUs: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    for (const path of inTurn(round)) {
      const cpuBeforeUs = await cpuUsOf(apiPid);
      const { tookMs } = await timed(() => paths[path].flood(FLOOD_TOTAL, FLOOD_IN_FLIGHT));
      if (round === 0) continue; // warms up
      rates[path].push(FLOOD_TOTAL / (tookMs / 1_000));
      if (path === 'through') cpuUs.push(((await cpuUsOf(apiPid)) - cpuBeforeUs) / FLOOD_TOTAL);
    }
  }
  return { ...rates, cpuUs };
}

function inTurn(round: number): Path[] {
  return round % 2 === 0 ? ['direct', 'hop', 'through'] : ['through', 'hop', 'direct'];
}
