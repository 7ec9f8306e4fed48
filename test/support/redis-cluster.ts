import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { freePort } from './free-port';
import { pollUntil } from './poll-until';
import { startRedis, type TestRedis } from './redis';

const run = promisify(execFile);

/** A node that is silent for so long is taken for lost, and a replica takes its place. */
export const NODE_TIMEOUT_MS = 1_000;

/** The bus of a node is at its port plus this, unless the port is too high for it. */
const BUS_OFFSET = 10_000;
const PORT_MAX = 65_535;

/** A node of a {@link RedisCluster}. */
export interface ClusterServer extends TestRedis {
  readonly port: number;
}

/** Three primaries with a third of the slots each, and a replica of each of them unless there are none. */
export interface RedisCluster {
  /** For `REDIS_URL`: names two of the nodes. */
  readonly url: string;
  readonly servers: readonly ClusterServer[];
  /** The primary that has the slot of a key, as the other nodes know it. */
  primaryOf(key: string): Promise<ClusterServer>;
  /** Moves the slot of a key, and all that is in it, to another primary. */
  moveSlot(key: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one; resolves when all of its nodes agree who has what. */
export async function startRedisCluster({ replicas = true } = {}): Promise<RedisCluster> {
  const servers = await Promise.all(Array.from({ length: replicas ? 6 : 3 }, startNode));
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', [
    ...['--cluster', 'create', ...addresses],
    ...['--cluster-replicas', replicas ? '1' : '0', '--cluster-yes'],
  ]);
  await pollUntil('the nodes to agree', { timeoutMs: 20_000, everyMs: 50 }, async () => {
    const infos = await Promise.all(servers.map(server => server.cli('cluster', 'info')));
    const roles = await Promise.all(servers.map(server => server.cli('info', 'replication')));
    const linked = roles.filter(role => role.includes('master_link_status:up')).length;
    const isComplete = linked === (replicas ? 3 : 0);
    return isComplete && infos.every(info => info.includes('cluster_state:ok')) ? true : undefined;
  });
  const cluster = new Nodes(servers);
  return {
    url: `redis+cluster://${addresses.slice(0, 2).join(',')}`,
    servers,
    primaryOf: key => cluster.primaryOf(key),
    moveSlot: key => cluster.moveSlot(key),
    async stop() {
      await Promise.all(servers.map(server => server.stop()));
    },
  };
}

class Nodes {
  constructor(private readonly servers: readonly ClusterServer[]) {}

  async primaryOf(key: string): Promise<ClusterServer> {
    const slot = Number(await this.#ask('cluster', 'keyslot', key));
    const { port } = (await this.#primaries()).find(({ ranges }) =>
      ranges.some(([from, to]) => from <= slot && slot <= to),
    ) ?? { port: 0 };
    return this.#at(port);
  }

  async moveSlot(key: string): Promise<void> {
    const slot = await this.#ask('cluster', 'keyslot', key);
    const source = await this.primaryOf(key);
    const primaries = await this.#primaries();
    const [from, to] = [
      primaries.find(({ port }) => port === source.port),
      primaries.find(({ port }) => port !== source.port),
    ];
    if (from === undefined || to === undefined) throw new Error('there is no other primary');
    const target = this.#at(to.port);
    await target.cli('cluster', 'setslot', slot, 'importing', from.id);
    await source.cli('cluster', 'setslot', slot, 'migrating', to.id);
    for (;;) {
      const keys = await source.cli('cluster', 'getkeysinslot', slot, '10');
      if (keys === '') break;
      const moved = ['migrate', '127.0.0.1', String(to.port), '', '0', '5000', 'keys', ...keys.split('\n')];
      const reply = await source.cli(...moved);
      // A key may be gone since it was listed.
      if (!/^(OK|NOKEY)/.test(reply)) throw new Error(reply);
    }
    for (const server of [target, source]) await server.cli('cluster', 'setslot', slot, 'node', to.id);
  }

  async #primaries(): Promise<
    { readonly id: string; readonly port: number; readonly ranges: (readonly [number, number])[] }[]
  > {
    const lines = (await this.#ask('cluster', 'nodes')).split('\n').map(line => line.split(' '));
    const primaries = lines.filter(([, , flags = '']) => flags.includes('master') && !flags.includes('fail'));
    return primaries.map(([id = '', address = '', , , , , , , ...slots]) => ({
      id,
      port: Number(/:(\d+)@/.exec(address)?.[1]),
      ranges: slots
        .filter(slot => !slot.startsWith('['))
        .map(slot => slot.split('-').map(Number))
        .map(([low = -1, high = low]) => [low, high] as const),
    }));
  }

  /* Of any node that answers: some may be dead or frozen. */
  async #ask(...args: string[]): Promise<string> {
    const answers = this.servers.map(async ({ port }) => {
      const { stdout } = await run('redis-cli', ['-p', String(port), ...args], { timeout: 500 });
      return stdout.trimEnd();
    });
    return Promise.any(answers);
  }

  #at(port: number): ClusterServer {
    const found = this.servers.find(server => server.port === port);
    if (found === undefined) throw new Error(`no node at port ${port}`);
    return found;
  }
}

async function startNode(): Promise<ClusterServer> {
  const port = await freePort();
  const busPort = port + BUS_OFFSET > PORT_MAX ? await freePort() : port + BUS_OFFSET;
  const server = await startRedis({
    appendonly: true,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--cluster-enabled', 'yes'],
      ...['--cluster-config-file', 'nodes.conf', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
      ...['--cluster-port', String(busPort), '--repl-diskless-sync-delay', '0'],
    ],
  });
  return {
    ...server,
    get pid() {
      return server.pid;
    },
    port,
  };
}
