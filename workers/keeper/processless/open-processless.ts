import { Lifecycle } from '../../../src/core/lifecycle';
import { openWorkerRegistry, type RegistryOptions } from '../door/open-registry';
import { SocketServer } from '../door/socket-server';
import { browserUser, keeperSocketPath, prepareRunRoot, runRootFor } from '../process/run-root';
import { ProcesslessKeeper } from './processless-keeper';

/** Options of {@link openProcessless}. */
export interface ProcesslessOptions extends RegistryOptions {
  /** Must exist. */
  readonly dataDir: string;
  readonly slots: number;
}

/** An open keeper without processes. */
export interface ProcesslessApp {
  readonly keeper: ProcesslessKeeper;
  readonly socketPath: string;
  close(): Promise<void>;
}

/**
 * Composition root of a keeper that starts nothing: run root, books, socket.
 *
 * @throws KeeperRunningError if another keeper serves this data folder; any other error of the start.
 */
export async function openProcessless(options: ProcesslessOptions): Promise<ProcesslessApp> {
  const { dataDir, slots, processes } = options;
  const runRoot = await runRootFor(dataDir, browserUser());
  await prepareRunRoot(runRoot);
  const keeper = new ProcesslessKeeper({
    slots,
    bootId: await processes.bootId(),
    netns: await processes.networkNamespace(),
  });
  const registry = await openWorkerRegistry(keeper, runRoot, options);
  const lifecycle = new Lifecycle();
  lifecycle.defer('worker registry', () => registry.close());
  const socketPath = keeperSocketPath(runRoot);
  try {
    const server = await SocketServer.listen(socketPath, registry);
    lifecycle.defer('socket', () => server.close());
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
  return { keeper, socketPath, close: () => lifecycle.close() };
}
