import { startDisplay, type Display, type DisplaySurroundings } from './display';
import {
  ForwardProxyProcess,
  type ForwardProxyFacts,
  type ForwardProxySurroundings,
} from './forward-proxy-process';
import type { LaunchOptions } from '../door/protocol';
import type { RunDirectory } from '../process/run-directory';

/** What companions need from the machine. */
export type CompanionSurroundings = DisplaySurroundings & ForwardProxySurroundings;

/** What another keeper needs to go on with them; a display needs nobody. */
export interface CompanionFacts {
  readonly forwardProxy: ForwardProxyFacts | null;
}

/**
 * The processes of ours beside one browser: started before it, named after its run directory, and ended with whatever else
 * names that ({@link Leftovers}), so that nobody has to remember them.
 */
export class Companions {
  /** Of a browser that needs nobody. */
  static readonly NONE = new Companions(null, null);

  private constructor(
    private readonly display: Display | null,
    private readonly forwardProxy: ForwardProxyProcess | null,
  ) {}

  /**
   * Starts what the options ask for. Only a proxy with credentials needs a process: all others Chromium can talk to itself.
   *
   * @throws if one does not start; the others are then nobody's and go with the directory.
   */
  static async start(
    directory: RunDirectory,
    options: LaunchOptions,
    around: CompanionSurroundings,
    signal: AbortSignal,
  ): Promise<Companions> {
    const { headless, proxy } = options;
    const hasCredentials = proxy !== null && (proxy.username !== null || proxy.password !== null);
    // All are waited for: the directory must not be removed while one is still on its way.
    const display = headless ? Promise.resolve(null) : startDisplay(directory, options, around, signal);
    const forwardProxy = hasCredentials
      ? ForwardProxyProcess.start(directory, proxy, around, signal)
      : Promise.resolve(null);
    await Promise.allSettled([display, forwardProxy]);
    try {
      return new Companions(await display, await forwardProxy);
    } catch (error) {
      (await forwardProxy.catch(() => null))?.stop(); // its own error is the one that is thrown
      throw error;
    }
  }

  /** Goes on with those of a browser that another keeper started. */
  static adopt(
    directory: RunDirectory,
    { forwardProxy }: CompanionFacts,
    around: ForwardProxySurroundings,
  ): Companions {
    if (forwardProxy === null) return Companions.NONE;
    return new Companions(null, ForwardProxyProcess.adopt(directory, forwardProxy, around));
  }

  get facts(): CompanionFacts {
    return { forwardProxy: this.forwardProxy?.facts ?? null };
  }

  /** Flags for the browser. */
  get args(): readonly string[] {
    return this.display?.args ?? [];
  }

  /** For the browser's environment. */
  get env(): Readonly<Record<string, string>> {
    return this.display?.env ?? {};
  }

  /** Where the browser finds its proxy; null: nobody stands in between. */
  get proxyServer(): string | null {
    return this.forwardProxy?.server ?? null;
  }

  /** Nothing is started again: the browser is ending, or the keeper is. */
  stop(): void {
    this.forwardProxy?.stop();
  }
}
