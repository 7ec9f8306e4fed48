import { startDisplay, type Display, type DisplayRuntime } from './display';
import { ForwardProxyProcess } from './forward-proxy-process';
import type { ForwardProxyFacts, ForwardProxyRuntime } from './forward-proxy-start';
import type { EgressConfig } from '../../../src/config/egress';
import type { Reach } from '../firewall/ruleset';
import type { UpstreamProxy } from '../door/protocol';
import { rulesFor } from '../egress/egress-policy';
import type { RunDirectory } from '../process/run-directory';
import type { StartOptions } from '../process/start-options';

/** Dependencies of companions on the machine. */
export type CompanionRuntime = DisplayRuntime &
  ForwardProxyRuntime & {
    /** What browsers may reach, as the operator says. */
    readonly egress: EgressConfig;
  };

/** What another keeper needs to take them over; a display needs nothing. */
export interface CompanionFacts {
  /** Null: there is none, or the session's proxy is not known yet. */
  readonly forwardProxy: ForwardProxyFacts | null;
}

/**
 * The helper processes of one browser: started before it, with its run directory in an argument, and ended like all
 * processes that name it ({@link Leftovers}), so that they need no record.
 */
export class Companions {
  /** For a browser without companions. */
  static readonly NONE = new Companions(null, null);

  private constructor(
    private readonly display: Display | null,
    private readonly forwardProxy: ForwardProxyProcess | null,
  ) {}

  /**
   * Starts the companions that the options need; they are complete when {@link ready} has resolved. A session's proxy
   * is used by a forward proxy alone, so that browsers with one are all started alike, also before it is known.
   *
   * @throws if one does not start; the others are removed with the directory.
   */
  static async start(
    directory: RunDirectory,
    options: StartOptions,
    runtime: CompanionRuntime,
    signal: AbortSignal,
  ): Promise<Companions> {
    const { headless, proxy: upstream } = options;
    // It has no other way out.
    const hasOwnNetwork = (runtime.cage?.proxyDoor ?? null) !== null;
    const egress = rulesFor(runtime.egress, options.tenantEgress, options.egress);
    // Waits for all: the directory must not be removed while one is still starting.
    const display = headless ? Promise.resolve(null) : startDisplay(directory, options, runtime, signal);
    const forwardProxy =
      upstream !== null || egress !== null || hasOwnNetwork
        ? ForwardProxyProcess.start(directory, { upstream, egress }, runtime, signal)
        : Promise.resolve(null);
    await Promise.allSettled([display, forwardProxy]);
    try {
      return new Companions(await display, await forwardProxy);
    } catch (error) {
      (await forwardProxy.catch(() => null))?.stop(); // an error of its own is the one that is thrown
      throw error;
    }
  }

  /** Takes over the companions of a browser that another keeper started. */
  static adopt(
    directory: RunDirectory,
    { forwardProxy }: CompanionFacts,
    runtime: ForwardProxyRuntime,
  ): Companions {
    if (forwardProxy === null) return Companions.NONE;
    return new Companions(null, ForwardProxyProcess.adopt(directory, forwardProxy, runtime));
  }

  get facts(): CompanionFacts {
    return { forwardProxy: this.forwardProxy?.facts ?? null };
  }

  /** Rejects if one of them does not start. The browser may be started before. */
  get ready(): Promise<void> {
    return this.forwardProxy?.ready ?? Promise.resolve();
  }

  /** Resolves when one has ended that cannot be replaced, because it had no session yet. Never rejects. */
  get lost(): Promise<void> {
    return this.forwardProxy?.lost ?? new Promise(() => undefined);
  }

  /** Flags for the browser. */
  get args(): readonly string[] {
    return this.display?.args ?? [];
  }

  /** For the browser's environment. */
  get env(): Readonly<Record<string, string>> {
    return this.display?.env ?? {};
  }

  /** Address of the forward proxy for the browser; null: there is none. */
  get proxyServer(): string | null {
    return this.forwardProxy?.server ?? null;
  }

  /**
   * Names the session's proxy to companions that were started ahead; null: it has none.
   *
   * @throws if that is not acknowledged within `timeoutMs`.
   */
  async assign(upstream: UpstreamProxy | null, timeoutMs: number): Promise<void> {
    if (upstream === null) return;
    if (this.forwardProxy === null) throw new Error('the browser was started without a forward proxy');
    await this.forwardProxy.assign(upstream, timeoutMs);
  }

  /** What the browser may send to: nothing but its forward proxy, so that a client cannot go round it. */
  get reach(): Reach {
    if (this.forwardProxy === null) return 'everything';
    const { host, port } = this.forwardProxy.place;
    return [{ host, port }];
  }

  /** Stops restarts, because the keeper ends. */
  stop(): void {
    this.forwardProxy?.stop();
  }

  /** The browser has ended: what has gone through its forward proxy is written down. */
  async end(): Promise<void> {
    await this.forwardProxy?.end();
  }
}
