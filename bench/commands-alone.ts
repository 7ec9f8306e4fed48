import { makeService } from '../src/api/make-service';
import { findHostIdentity } from '../src/browser/dial';
import { envToConfig } from '../src/config/config';
import type { Service } from '../src/contract/service';
import { createBodyParser } from '../src/contract/schemas';
import { createLogger } from '../src/core/logger';
import { systemProcesses } from '../src/core/process-identity';
import { openDeps, type Deps } from '../src/deps';
import { KeyRing } from '../src/engine/key-ring';
import { createLive, LIVE_WAIT_MS } from '../src/http/live-creation';

/** The commands of an API in this process, without its HTTP: what the rest of a call costs. */
export class CommandsAlone {
  readonly #parse = createBodyParser(envToConfig({}));
  readonly #createLive: ReturnType<typeof createLive>;

  private constructor(
    private readonly deps: Deps,
    private readonly keyRing: KeyRing,
    private readonly service: Service,
  ) {
    this.#createLive = createLive(service);
  }

  static async open(redisUrl: string): Promise<CommandsAlone> {
    const deps = await openDeps(envToConfig({}), redisUrl, createLogger('api', 'silent'));
    await deps.notices.start();
    const keyRing = new KeyRing(deps);
    await keyRing.start();
    const localHost = await findHostIdentity(systemProcesses);
    return new CommandsAlone(deps, keyRing, makeService(deps, localHost, 'http://127.0.0.1', keyRing));
  }

  /** Creates a session, waits until it is live, releases it, and waits until nothing of it is left. */
  async lifecycle(): Promise<void> {
    const { accepted, ended } = await this.#createLive({
      ...{ tenant: 'default', session: this.#parse({}), idempotencyKey: null, actor: 'bench' },
      ...{ waitMs: LIVE_WAIT_MS, stopWaiting: new AbortController().signal },
    });
    if (ended !== null) throw ended;
    const { ref } = accepted;
    const released = await this.service.releaseSession({
      ...{ ref, reason: 'released_by_client', actor: 'bench', requestKey: null },
    });
    await released.closed();
  }

  async close(): Promise<void> {
    this.keyRing.stop();
    await this.deps.lifecycle.close();
  }
}
