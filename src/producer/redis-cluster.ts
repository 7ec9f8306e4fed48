import { Cluster, Command, type ClusterNode, type Redis, type RedisOptions } from 'ioredis';

/** How often a client asks which node has which slots: a node that is frozen does not say that it was replaced. */
const REFRESH_EVERY_MS = 1_000;

/** How often a command is sent again, mostly 100 ms later; then it fails as one that met an outage. */
const REDIRECTIONS_MAX = 16;

/** While a node is replaced, two may each name the other one. */
const RETRY_MOVED_MS = 10;

/** How a client of a cluster is opened: the options of a connection to one server, and the nodes to ask first. */
export type ClusterClientOptions = RedisOptions & { readonly clusterNodes: readonly ClusterNode[] };

/** Those of ioredis' default form of replies. */
type LegacyClusterOptions = NonNullable<ConstructorParameters<typeof Cluster<'legacy'>>[1]>;

/**
 * A client of a cluster that has a home: the node with the slot of one key. Commands without a key (`TIME`, `INFO`,
 * `PING`) go there and nowhere else, since the clocks of two nodes may differ. All others go where their keys are, and
 * follow them (`MOVED`, `ASK`).
 */
export class ClusterClient extends Cluster {
  readonly #homeSlot: number;
  #refreshing: NodeJS.Timeout | undefined;

  constructor(nodes: readonly ClusterNode[], homeKey: string, options: LegacyClusterOptions) {
    super([...nodes], options);
    this.#homeSlot = new Command('get', [homeKey]).getSlot();
    this.on('ready', () => this.#keepFresh());
    // ioredis' own `slotsRefreshInterval` goes on after a disconnect that meets a refresh, and keeps the process alive.
    this.on('close', () => clearInterval(this.#refreshing));
    // BullMQ duplicates a client for its blocking reads, and uses it at once.
    const duplicate = (
      others: readonly ClusterNode[] = nodes,
      changed?: LegacyClusterOptions,
    ): ClusterClient => new ClusterClient(others, homeKey, { ...options, ...changed, lazyConnect: false });
    // SAFETY: the type differs in the form of replies alone (RESP3), which is asked for nowhere.
    this.duplicate = duplicate as Cluster['duplicate'];
  }

  /** Opens a client with the options of a connection to one server. */
  static open({ clusterNodes, ...options }: ClusterClientOptions, homeKey: string): ClusterClient {
    return new this(clusterNodes, homeKey, clusterOptions(options));
  }

  /** The connection to the home; undefined while its node is not known or was lost. */
  get home(): Redis | undefined {
    const address = this.slots[this.#homeSlot]?.[0];
    return this.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === address);
  }

  override sendCommand(...[command, stream, node]: Parameters<Cluster['sendCommand']>): unknown {
    const isElsewhere = node !== undefined || this.status !== 'ready' || command.getSlot() !== null;
    if (isElsewhere) return super.sendCommand(command, stream, node);
    const { home } = this;
    if (home !== undefined) return super.sendCommand(command, stream, { slot: this.#homeSlot, redis: home });
    command.reject(new Error('Connection is closed.'));
    return command.promise;
  }

  #keepFresh(): void {
    clearInterval(this.#refreshing);
    this.#refreshing = setInterval(() => {
      if (this.status === 'ready') this.refreshSlotsCache(() => undefined);
    }, REFRESH_EVERY_MS).unref();
  }
}

/* `reconnectOnError` is left out: where a server answers READONLY, a node answers MOVED. */
function clusterOptions(options: RedisOptions): LegacyClusterOptions {
  const { lazyConnect, enableOfflineQueue, retryStrategy, reconnectOnError: _, ...ofNodes } = options;
  return {
    // ioredis waits this long for the close of a socket that was never open, and delays the end of the process.
    redisOptions: { disconnectTimeout: 100, ...ofNodes, replyMapping: 'legacy' },
    enableOfflineQueue: enableOfflineQueue ?? true,
    lazyConnect: lazyConnect ?? false,
    clusterRetryStrategy: retryStrategy ?? null,
    // What may wait for a server may wait for a node to be replaced, too.
    maxRedirections: options.maxRetriesPerRequest === null ? Infinity : REDIRECTIONS_MAX,
    retryDelayOnMoved: RETRY_MOVED_MS,
    // What a cluster in trouble answers to a command says more.
    enableReadyCheck: false,
    // Names stay names: certificates are made out to them.
    dnsLookup: (host, done) => done(null, host),
  };
}
