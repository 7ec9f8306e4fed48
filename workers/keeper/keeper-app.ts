import { join } from 'node:path';
import { OPEN_EGRESS, type EgressConfig } from '../../src/config/egress';
import { NO_LIMITS, type BrowserLimits } from '../../src/config/browser-limits';
import type { Clock } from '../../src/core/clock';
import { Lifecycle } from '../../src/core/lifecycle';
import type { Logger } from '../../src/core/logger';
import type { ProcessTable } from '../../src/core/process-identity';
import {
  chromiumCommand,
  nullBrowserCommand,
  type ChromiumChoice,
  type CommandFactory,
} from './process/browser-command';
import type { BrowserRuntime } from './process/browser-facts';
import { CHROMIUM_ROOM_BYTES, FULL_BELOW_BYTES } from './books/disk-room';
import { KeeperGateway, type GatewayDeps } from './door/gateway';
import { LoadMeter } from './process/browser-load';
import { Keeper } from './keeper';
import { Leftovers } from './process/leftovers';
import { findLimits, type FoundLimits } from './limits/find-limits';
import { LIVENESS, type LivenessRhythm } from './process/liveness';
import { BREATHS, type BreathRhythm } from './sleep/breaths';
import { Records } from './books/records';
import { TenantDisk, type DiskTerms } from './books/tenant-disk';
import {
  browserUser,
  gatewaySocketPath,
  installScript,
  keeperSocketPath,
  prepareRunRoot,
  runRootFor,
} from './process/run-root';
import {
  AS_WELL_AS_POSSIBLE,
  findIsolation,
  type Isolation,
  type IsolationWish,
} from './isolation/isolation';
import type { Machine } from './admission/machine-stats';
import { MemoryGate } from './admission/memory-gate';
import { EgressTally } from './companions/egress-tally';
import { FORWARD_PROXY_PROGRAMS, type ForwardProxyRuntime } from './companions/forward-proxy-start';
import { requireApart } from './isolation/tenants';
import { SocketServer } from './door/socket-server';
import { openWorkerRegistry } from './door/open-registry';
import type { WorkerRegistry } from './door/worker-registry';

/** The program that a keeper starts as browser. */
export type BrowserChoice = (ChromiumChoice & { readonly kind: 'chromium' }) | { readonly kind: 'null' };

/** Options of {@link openKeeper}. */
export interface KeeperOptions {
  /** Must exist. */
  readonly dataDir: string;
  readonly slots: number;
  /** How many browsers are started ahead at most; left out: none. Null browsers never are. */
  readonly warmBrowsers?: number;
  /** How much disk space files of sessions may take. */
  readonly disk: DiskTerms;
  readonly browser: BrowserChoice;
  /** `host:port` for other machines; null: no gateway. */
  readonly listen: string | null;
  /** The gateway's address for other machines; null: the address it listens on. */
  readonly advertise: string | null;
  /** How browsers are kept apart; left out: as well as this machine can. */
  readonly isolation?: IsolationWish;
  /** What each browser may use; left out: as much as there is. */
  readonly limits?: BrowserLimits;
  /** How many tenants the installation has, as far as the keeper knows. */
  readonly tenants?: number;
  /** Whether several tenants may share a machine that does not keep them apart. */
  readonly allowsWeakIsolation?: boolean;
  /** What browsers may reach; left out: everything. */
  readonly egress?: EgressConfig;
  /** The PATH on which Xvfb is looked for. */
  readonly searchPath: string;
  /** For tests: how Node runs the forward proxies when there is no build. */
  readonly forwardProxyArgs?: ForwardProxyRuntime['forwardProxyArgs'];
  /** The same for the relay. */
  readonly relayArgs?: readonly string[];
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly log: Logger;
  /** See `WorkerRegistryDeps`. */
  readonly onAbandoned?: () => void;
  /** For tests: shorter patience than production's. */
  readonly rhythm?: {
    readonly silentAfterMs?: number;
    readonly adoptGraceMs?: number;
    readonly workerlessMaxMs?: number;
    readonly liveness?: LivenessRhythm;
    readonly breaths?: BreathRhythm;
  };
}

/** An open keeper. */
export interface KeeperApp {
  readonly keeper: Keeper;
  readonly socketPath: string;
  readonly isolation: Pick<Isolation, 'level' | 'whyNotMore' | 'sealedBy'>;
  readonly limits: Pick<FoundLimits, 'enforced' | 'whyNotMore' | 'whyNotFrozen'>;
  /** The gateway for other machines. */
  readonly gateway: KeeperGateway | null;
  readonly hasWorker: () => boolean;
  /** Stops serving; browsers are left as they are, for the next keeper. */
  close(): Promise<void>;
}

/**
 * Composition root of the keeper: run root, inherited browsers, gateway, socket. The socket comes last, so that every
 * worker that connects finds a keeper that knows its browsers.
 *
 * @throws KeeperRunningError if another keeper serves this data folder; IsolationError; any other error of the start.
 */
export async function openKeeper(options: KeeperOptions): Promise<KeeperApp> {
  const user = browserUser();
  const runRoot = await runRootFor(options.dataDir, user);
  await prepareRunRoot(runRoot);
  const socketPath = keeperSocketPath(runRoot);
  await SocketServer.refuseIfServed(socketPath);
  const confinement = await confinementFor(runRoot, options);

  const lifecycle = new Lifecycle();
  const parts: LateParts = { gateway: null, registry: null };
  try {
    const meter = new LoadMeter({ roots: () => keeper.rootPids() });
    const memory = new MemoryGate({ log: options.log });
    const keeper = await makeKeeper(runRoot, confinement, options, {
      gateway: () => parts.gateway,
      ...{ meter, memory },
    });
    lifecycle.defer('firewall', () => confinement.isolation.firewall?.close());
    lifecycle.defer('keeper', () => keeper.stop());
    const gatewayDeps: GatewayDeps = {
      browserOf: claimId => keeper.browserOf(claimId),
      secret: () => parts.registry?.secret ?? null,
      clock: options.clock,
      log: options.log,
    };
    parts.gateway = await openGateways(runRoot, options, gatewayDeps, lifecycle);
    await keeper.open();
    await meter.start();
    lifecycle.defer('load meter', () => meter.stop());
    await memory.start();
    lifecycle.defer('memory gate', () => memory.stop());
    const registry = await openWorkerRegistry(keeper, runRoot, options);
    parts.registry = registry;
    lifecycle.defer('worker registry', () => registry.close());
    const server = await SocketServer.listen(socketPath, registry);
    lifecycle.defer('socket', () => server.close());
    return {
      keeper,
      socketPath,
      ...confinement,
      gateway: parts.gateway,
      hasWorker: () => registry.hasWorker,
      close: () => lifecycle.close(),
    };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

/* On this machine over a socket; for other machines, if that is wanted, over a port: that one is answered. */
async function openGateways(
  runRoot: string,
  { listen }: KeeperOptions,
  deps: GatewayDeps,
  lifecycle: Lifecycle,
): Promise<KeeperGateway | null> {
  const local = await KeeperGateway.listenOn(gatewaySocketPath(runRoot), deps);
  lifecycle.defer('gateway socket', () => local.close());
  if (listen === null) return null;
  const gateway = await KeeperGateway.listen(listen, deps);
  lifecycle.defer('gateway', () => gateway.close());
  return gateway;
}

/** Parts that are made after others that refer to them. */
interface LateParts {
  gateway: KeeperGateway | null;
  registry: WorkerRegistry | null;
}

/** How browsers are kept apart, and how much each may use. */
interface Confinement {
  readonly isolation: Isolation;
  readonly limits: FoundLimits;
}

async function confinementFor(runRoot: string, options: KeeperOptions): Promise<Confinement> {
  const isolation = await isolationFor(runRoot, options);
  return { isolation, limits: await limitsFor(runRoot, options) };
}

async function isolationFor(runRoot: string, options: KeeperOptions): Promise<Isolation> {
  const { browser, processes, clock, log } = options;
  const isolation = await findIsolation({
    wish: options.isolation ?? AS_WELL_AS_POSSIBLE,
    runRoot,
    ...(browser.kind === 'chromium'
      ? { programs: Object.values(browser.programs), args: browser.args }
      : { programs: [] }),
    ...(options.relayArgs === undefined ? {} : { relayArgs: options.relayArgs }),
    processes,
    nowMs: () => clock.nowMs(),
    log,
  });
  if (browser.kind === 'chromium') requireApart(isolation, options, log);
  return isolation;
}

/* All processes of the service descend from its supervisor, the keeper's parent. */
function limitsFor(
  runRoot: string,
  { limits: wanted = NO_LIMITS, processes }: KeeperOptions,
): Promise<FoundLimits> {
  return findLimits({ wanted, runRoot, processes, ancestorPid: process.ppid });
}

async function makeKeeper(
  runRoot: string,
  { isolation, limits }: Confinement,
  options: KeeperOptions,
  { gateway, meter, memory }: Omit<Machine, 'gatewayConnections'> & { gateway: () => KeeperGateway | null },
): Promise<Keeper> {
  const { processes, clock, log, rhythm, slots } = options;
  const runtime: BrowserRuntime = {
    processes,
    leftovers: new Leftovers(processes),
    users: isolation.users,
    cage: isolation.cage,
    firewall: isolation.firewall,
    cgroups: limits.cgroups,
    shimScript: await installScript(runRoot, join(__dirname, 'process', 'shim.sh')),
    roomNeededBytes: options.browser.kind === 'chromium' ? CHROMIUM_ROOM_BYTES : FULL_BELOW_BYTES,
    forwardProxyArgs: options.forwardProxyArgs ?? FORWARD_PROXY_PROGRAMS,
    searchPath: options.searchPath,
    egress: options.egress ?? OPEN_EGRESS,
    egressTally: new EgressTally(log),
    log,
  };
  return new Keeper({
    runRoot,
    slots,
    warmBrowsers: options.browser.kind === 'chromium' ? (options.warmBrowsers ?? 0) : 0,
    records: new Records(runRoot, log),
    runtime,
    command: await commandFactory(options.browser, runtime, runRoot),
    bootId: await processes.bootId(),
    netns: await processes.networkNamespace(),
    gateway: () => advertised(options, gateway()),
    gatewaySocket: gatewaySocketPath(runRoot),
    machine: { gatewayConnections: () => gateway()?.connections ?? 0, meter, memory },
    liveness: rhythm?.liveness ?? LIVENESS,
    breathRhythm: rhythm?.breaths ?? BREATHS,
    disk: new TenantDisk(options.disk),
    clock,
    log,
  });
}

async function commandFactory(
  browser: BrowserChoice,
  runtime: BrowserRuntime,
  runRoot: string,
): Promise<CommandFactory> {
  if (browser.kind === 'chromium') return chromiumCommand(browser, runtime);
  return nullBrowserCommand(await installScript(runRoot, join(__dirname, 'process', 'null-browser.sh')));
}

function advertised({ listen, advertise }: KeeperOptions, gateway: KeeperGateway | null): string | null {
  if (listen === null || gateway === null) return null;
  // The port of `listen` may have been 0.
  return advertise ?? listen.replace(/:\d+$/, `:${gateway.port}`);
}
