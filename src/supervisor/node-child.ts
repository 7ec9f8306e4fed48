import { spawn, type ChildProcess } from 'node:child_process';
import { z } from 'zod';
import type { ProcessIdentity } from '../core/process-identity';
import type { ProcessPlan, ReadyInfo } from './kept-process';
import type { NodeRole } from './roles';
import type { SignsListener } from './vital-signs';

const readySchema = z.object({ ready: z.literal(true), url: z.string().optional() });

/** How to start a Node program of Holdfast. */
export interface NodeChildOptions {
  /**
   * Absolute path of the program: with it argv is long enough for the process title, which cannot be longer than argv.
   */
  readonly entry: string;
  /** Called at every start, because a restarted API must get the same port. */
  readonly environment: () => NodeJS.ProcessEnv;
}

/**
 * A Node program of Holdfast. It sends `{ beat: true }` over IPC every second and `{ ready: true }` once it serves, and
 * learns of the supervisor's death by IPC's `disconnect`. It inherits the supervisor's output: with a pipe it would die
 * of EPIPE after the supervisor. It leads its own session, so that Ctrl-C, Ctrl-Z and the end of the terminal reach
 * only the supervisor.
 */
export class NodeChild implements ProcessPlan {
  readonly endsOthers: boolean;

  constructor(
    readonly role: NodeRole,
    private readonly options: NodeChildOptions,
  ) {
    this.endsOthers = role !== 'api';
  }

  /** API and worker end with their supervisor: there is no process to take over. */
  find(): Promise<ProcessIdentity | null> {
    return Promise.resolve(null);
  }

  spawn(): ChildProcess {
    return spawn(process.execPath, [this.options.entry], {
      env: this.options.environment(),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    });
  }

  /* One listener for all: messages that arrive together are emitted one after the other, before any promise goes on. */
  ready(child: ChildProcess | null, ended: AbortSignal): Promise<ReadyInfo> {
    if (child === null) return Promise.resolve({});
    return new Promise((resolve, reject) => {
      const listen = (message: unknown): void => {
        const { success, data } = readySchema.safeParse(message);
        if (!success) return;
        child.off('message', listen);
        resolve({ url: data.url });
      };
      child.on('message', listen);
      ended.addEventListener('abort', () => {
        child.off('message', listen);
        reject(new Error('the process has ended'));
      });
    });
  }

  /** Any message is a sign of life. */
  listen(child: ChildProcess | null, { heard }: SignsListener): void {
    child?.on('message', heard);
  }
}
