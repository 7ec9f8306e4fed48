import type { ChildProcess } from 'node:child_process';
import { z } from 'zod';
import { isAlive, type ProcessIdentity, type ProcessTable } from '../core/process-identity';
import type { KeeperOperations, KeeperRequest } from '../../workers/keeper/door/protocol';
import { askSocket } from './ask-socket';
import { NodeChild, type NodeChildOptions } from './node-child';
import { askForSigns, type SignsListener } from './vital-signs';

/** How to start and find the keeper of a data folder. */
export interface KeeperChildOptions extends NodeChildOptions {
  readonly socketPath: string;
  /** The keeper process of an earlier supervisor, if any. */
  readonly last: ProcessIdentity | null;
  readonly table: ProcessTable;
}

type Attendance = KeeperOperations['attend']['reply'];

const answerSchema: z.ZodType<{ ok: Attendance }> = z.object({
  ok: z.object({ hostId: z.string(), keeperPid: z.number(), keeperStartedAt: z.string() }),
});

const ATTEND = `${JSON.stringify({ id: 1, op: 'attend', args: {} } satisfies KeeperRequest)}\n`;

/** An idle keeper answers within milliseconds; one that hangs must not delay a start. */
const FIND_TIMEOUT_MS = 1_000;

/**
 * The keeper: the only Node program that outlives its supervisor. It is found, and asked for signs of life, on its
 * socket, whichever supervisor started it. The request (`attend` in the keeper's protocol) also tells the keeper that
 * its supervisor is alive, so that it keeps its browsers while there is no worker.
 */
export class KeeperChild extends NodeChild {
  readonly #keeper: KeeperChildOptions;
  #hostId: string | null = null;

  constructor(options: KeeperChildOptions) {
    super('keeper', options);
    this.#keeper = options;
  }

  /** The id under which this machine's worker has its lease; null until a keeper has answered. */
  get hostId(): string | null {
    return this.#hostId;
  }

  /** The process that answers on the socket, else the recorded one, which may be frozen. */
  override async find(): Promise<ProcessIdentity | null> {
    const { table, last } = this.#keeper;
    const answer = parse(await this.#ask(FIND_TIMEOUT_MS));
    const known = answer === null ? last : { pid: answer.keeperPid, startedAt: answer.keeperStartedAt };
    return known !== null && (await isAlive(table, known)) ? known : null;
  }

  override listen(_child: ChildProcess | null, listener: SignsListener): void {
    const ask = async (): Promise<boolean> => {
      const text = await this.#ask(listener.silentMs);
      this.#hostId = parse(text)?.hostId ?? this.#hostId;
      // A keeper of an earlier version does not know the request, but answers with an error.
      return text !== '';
    };
    void askForSigns(ask, listener);
  }

  async #ask(timeoutMs: number): Promise<string> {
    const isEnough = (answer: string): boolean => answer.includes('\n');
    return askSocket(this.#keeper.socketPath, ATTEND, { timeoutMs, isEnough });
  }
}

function parse(answer: string): Attendance | null {
  try {
    return answerSchema.parse(JSON.parse(answer)).ok;
  } catch {
    return null; // no answer, or a keeper of an earlier version
  }
}
