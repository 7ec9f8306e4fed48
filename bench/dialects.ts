import { freePort } from '../test/support/free-port';
import { AgentBayWire } from '../test/support/agentbay';
import { Installation } from '../test/support/installation';
import {
  differences,
  interleave,
  p50,
  sampleCount,
  timed,
  type Benchmark,
  type Claim,
  type Result,
} from './harness';

/** What a dialect may add to a call. */
const LONGER_AT_MOST_MS = 0.3;

/**
 * How much longer the same call takes in another system's words: a read and a create. The baseline is the native call,
 * in the same round. AgentBay's calls come over TLS on a connection of their own, as its clients make them; so they are
 * beside a call of that listener that asks nobody.
 */
export const dialects: Benchmark = {
  name: 'dialects',
  title: 'a call in another system’s words, beside the native one',
  run: async plan => {
    const tlsPort = await freePort();
    const installation = await Installation.start({ env: { HOLDFAST_TLS_PORT: String(tlsPort) } });
    try {
      const agentBay = await AgentBayWire.of(`https://127.0.0.1:${tlsPort}`, installation.dir.path);
      const { id } = await installation.create({ timeout: 3_600_000 });
      const call = (method: string, path: string, body?: object) => async (): Promise<number> =>
        (await timed(async () => expectSuccess(await installation.call(method, path, body)))).tookMs;
      const reads = await interleave(sampleCount(plan, 500, 50), {
        native: call('GET', `/v1/sessions/${id}`),
        steel: call('GET', `/steel/v1/sessions/${id}`),
        notte: call('GET', `/notte/sessions/${id}`),
        tls: async () => (await timed(async () => agentBay.raw({ method: 'GET', path: '/livez' }))).tookMs,
        agentBay: async () =>
          (await timed(async () => agentBay.call('GetSession', { SessionId: id }))).tookMs,
        livez: call('GET', '/livez'),
      });
      const creates = await interleave(sampleCount(plan, 200, 20), {
        native: creating(installation, '/v1/sessions', {}),
        steel: creating(installation, '/steel/v1/sessions', {}),
        notte: creating(installation, '/notte/sessions/start', {}),
      });
      const agentBayExtra = differences(
        differences(reads.agentBay, reads.tls),
        differences(reads.native, reads.livez),
      );
      return {
        series: [...series('read', reads), ...series('create → live, null browser', creates)],
        claims: [
          claim('read, Steel, longer by, p50', differences(reads.steel, reads.native)),
          claim('read, Notte, longer by, p50', differences(reads.notte, reads.native)),
          claim('read, AgentBay, longer by, beyond TLS, p50', agentBayExtra),
          claim('create, Steel, longer by, p50', differences(creates.steel, creates.native)),
          claim('create, Notte, longer by, p50', differences(creates.notte, creates.native)),
        ],
        notes: ['one call at a time; the differences are those of each round'],
      };
    } finally {
      await installation.stop();
    }
  },
};

const series = (what: string, values: Readonly<Record<string, readonly number[]>>): Result['series'] =>
  Object.entries(values).map(([name, own]) => ({ name: `${what}, ${name}`, unit: 'ms', values: own }));

const claim = (text: string, values: readonly number[]): Claim => ({
  text,
  unit: 'ms',
  value: p50(values),
  pass: { atMost: LONGER_AT_MOST_MS },
});

/* Creates a session and, outside of the measured time, releases it. */
function creating(installation: Installation, path: string, body: object): () => Promise<number> {
  return async () => {
    const { tookMs, result } = await timed(async () =>
      expectSuccess(await installation.call<{ id?: string; session_id?: string }>('POST', path, body)),
    );
    await installation.call('POST', `/v1/sessions/${result.id ?? result.session_id ?? ''}/release`);
    return tookMs;
  };
}

function expectSuccess<T>({ status, body }: { readonly status: number; readonly body: T }): T {
  if (status >= 300) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  return body;
}
