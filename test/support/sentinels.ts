import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port';
import { pollUntil } from './poll-until';
import { startRedis, type TestRedis } from './redis';
import { makeTempDir } from './temp-dir';

const run = promisify(execFile);

const COUNT = 3;
const QUORUM = 2;
const NAME = 'main';

/** A primary that does not answer for so long is replaced. */
export const DOWN_AFTER_MS = 1_000;

/** Two servers, one of them the primary, and sentinels that put the other in its place. */
export interface Sentinels {
  /** For `REDIS_URL`. */
  readonly url: string;
  /** In the order of their start: the first one is the primary at the beginning. */
  readonly servers: readonly [TestRedis, TestRedis];
  /** The port of the primary, as the sentinels know it. */
  primaryPort(): Promise<number>;
  /** Ports of the servers, in their order. */
  readonly ports: readonly [number, number];
  stop(): Promise<void>;
}

/** Starts them; resolves when every sentinel knows the replica and the others. */
export async function startSentinels(): Promise<Sentinels> {
  const dir = await makeTempDir();
  const ports = [await freePort(), await freePort()] as const;
  const serverAt = (port: number, ...args: string[]): Promise<TestRedis> =>
    startRedis({ appendonly: true, args: ['--port', String(port), '--bind', '127.0.0.1', ...args] });
  const primary = await serverAt(ports[0]);
  const replica = await serverAt(ports[1], '--replicaof', '127.0.0.1', String(ports[0]));
  const sentinels: ChildProcess[] = [];
  const sentinelPorts: number[] = [];
  for (let n = 0; n < COUNT; n += 1) {
    const port = await freePort();
    sentinelPorts.push(port);
    sentinels.push(await spawnSentinel(join(dir.path, `s${n}`), port, ports[0]));
  }
  const ask = async (port: number, ...args: string[]): Promise<string> =>
    (await run('redis-cli', ['-p', String(port), 'sentinel', ...args])).stdout;
  await pollUntil('the sentinels to know each other', { timeoutMs: 20_000, everyMs: 50 }, async () => {
    const known = await Promise.all(sentinelPorts.map(port => ask(port, 'master', NAME).catch(() => '')));
    const isComplete = (text: string): boolean =>
      text.includes(`num-other-sentinels\n${COUNT - 1}\n`) && text.includes('num-slaves\n1\n');
    return known.every(isComplete) ? true : undefined;
  });
  return {
    url: `redis+sentinel://${sentinelPorts.map(port => `127.0.0.1:${port}`).join(',')}/${NAME}`,
    servers: [primary, replica],
    ports,
    primaryPort: async () =>
      Number((await ask(sentinelPorts[0] ?? 0, 'get-master-addr-by-name', NAME)).split('\n')[1]),
    async stop() {
      for (const sentinel of sentinels) {
        sentinel.kill('SIGKILL');
        if (sentinel.exitCode === null && sentinel.signalCode === null) await once(sentinel, 'exit');
      }
      await primary.stop();
      await replica.stop();
      await dir.remove();
    },
  };
}

/* A sentinel keeps what it knows in its configuration file. */
async function spawnSentinel(dir: string, port: number, primaryPort: number): Promise<ChildProcess> {
  await mkdir(dir);
  const file = join(dir, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    `logfile ${join(dir, 'sentinel.log')}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${primaryPort} ${QUORUM}`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} 5000`,
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  await once(child, 'spawn');
  return child;
}
