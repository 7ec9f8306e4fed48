import { basename } from 'node:path';
import { z } from 'zod';
import { pause } from '../../../src/core/abort';
import { DOWNLOADS_FOLDER } from '../../../src/core/downloads-folder';
import { openDevTools, type DevToolsAddress } from '../process/devtools';

/** The delay before a reconnect to a browser that has closed the connection; it may be busy, or ending. */
const RECONNECT_MS = 500;

/** How many pages and current downloads are remembered; a browser that reports more costs no more memory. */
const REMEMBERED_MAX = 10_000;

/** The product of the headless shell in CDP. The whole Chromium is `Chrome/…`, headless too. */
const HEADLESS_SHELL = 'HeadlessChrome/';

/** Messages contain titles and URLs of pages. */
const MESSAGE_MAX_BYTES = 16 * 2 ** 20;

/** A complete download. */
export interface FinishedDownload {
  /** Its id in CDP. */
  readonly guid: string;
  /** The name that the server or page suggests. */
  readonly suggestedName: string;
  /** The current name of its file. */
  readonly fileName: string;
}

const target = z.object({
  targetId: z.string(),
  type: z.string(),
  attached: z.boolean(),
  browserContextId: z.string().optional(),
});

const message = z.union([
  z.object({ id: z.literal(1), result: z.object({ product: z.string() }) }),
  z.object({
    id: z.literal(2),
    result: z.object({
      browserContextIds: z.array(z.string()),
      defaultBrowserContextId: z.string().optional(),
    }),
  }),
  z.object({
    method: z.enum(['Target.targetCreated', 'Target.targetInfoChanged']),
    params: z.object({ targetInfo: target }),
  }),
  z.object({ method: z.literal('Target.targetDestroyed'), params: z.object({ targetId: z.string() }) }),
  z.object({
    method: z.literal('Browser.downloadWillBegin'),
    params: z.object({ guid: z.string(), suggestedFilename: z.string() }),
  }),
  z.object({
    method: z.literal('Browser.downloadProgress'),
    params: z.object({ guid: z.string(), state: z.string(), filePath: z.string().optional() }),
  }),
]);

type Message = z.output<typeof message>;
type Event = Exclude<Message, { id: number }>;

/**
 * Stays connected to a browser and keeps the downloads of every browser context in its folder, until `signal` is
 * aborted. The own context of the whole Chromium needs no connection for that (its profile sets the folder). In other
 * contexts, and in every one of the headless shell, which reads no such preference, nothing is kept unless CDP has set
 * a folder for that context, which lasts only as long as the connection that set it.
 *
 * The connection attaches to no target and makes none wait, so that clients do not notice it.
 *
 * @param onFinished - called once for each download that is complete
 */
export async function watchDownloads(
  devTools: DevToolsAddress,
  signal: AbortSignal,
  onFinished: (download: FinishedDownload) => void,
): Promise<void> {
  while (!signal.aborted) {
    await followOnce(devTools, signal, onFinished);
    await pause(RECONNECT_MS, signal);
  }
}

/* Runs one connection until it breaks. */
async function followOnce(
  devTools: DevToolsAddress,
  signal: AbortSignal,
  onFinished: (download: FinishedDownload) => void,
): Promise<void> {
  const socket = openDevTools(devTools, MESSAGE_MAX_BYTES);
  const follower = new Follower(command => socket.send(JSON.stringify(command)), onFinished);
  const disconnect = (): void => socket.terminate();
  signal.addEventListener('abort', disconnect, { once: true });
  socket.on('open', () => follower.begin());
  // SAFETY: with the default binaryType every message is one Buffer.
  socket.on('message', data => follower.handle((data as Buffer).toString()));
  // The reason does not matter: `close` follows, and the connection is retried as long as the browser runs.
  socket.on('error', () => undefined);
  await new Promise<void>(resolve => socket.once('close', () => resolve()));
  signal.removeEventListener('abort', disconnect);
}

/** The state of one connection. */
class Follower {
  #lastId = 0;
  /** Whether its own context obeys its profile. */
  #isWhole = true;
  #ownContext: string | null = null;
  /** Whether a client is attached, by target. */
  readonly #attached = new Map<string, boolean>();
  /** Suggested names of current downloads, by guid. */
  readonly #names = new Map<string, string>();

  constructor(
    private readonly send: (command: object) => void,
    private readonly onFinished: (download: FinishedDownload) => void,
  ) {}

  begin(): void {
    this.#call('Browser.getVersion', {}); // the id 1
    this.#call('Target.getBrowserContexts', {}); // the id 2
    // Switches on the events of all contexts; the behaviour is the default one of the browser's own context.
    this.#call('Browser.setDownloadBehavior', { behavior: 'default', eventsEnabled: true });
    this.#call('Target.setDiscoverTargets', { discover: true, filter: [{ type: 'page' }] });
  }

  handle(text: string): void {
    const received = message.safeParse(parsed(text)).data;
    if (received === undefined) return; // an answer, or an unused event
    if (!('id' in received)) this.#onEvent(received);
    else if (received.id === 1) this.#isWhole = !received.result.product.startsWith(HEADLESS_SHELL);
    else {
      this.#ownContext = received.result.defaultBrowserContextId ?? null;
      received.result.browserContextIds.forEach(id => this.#keepIn(id));
    }
  }

  #onEvent({ method, params }: Event): void {
    switch (method) {
      case 'Target.targetCreated':
      case 'Target.targetInfoChanged':
        this.#onTarget(method === 'Target.targetCreated', params.targetInfo);
        break;
      case 'Target.targetDestroyed':
        this.#attached.delete(params.targetId);
        break;
      case 'Browser.downloadWillBegin':
        if (this.#names.size < REMEMBERED_MAX) this.#names.set(params.guid, params.suggestedFilename);
        break;
      case 'Browser.downloadProgress':
        if (params.state !== 'inProgress') this.#onOver(params);
    }
  }

  /*
   * A context becomes known with its first page. When a client detaches, the download behaviour that it has set is
   * lost.
   */
  #onTarget(isNew: boolean, { targetId, attached, browserContextId }: z.output<typeof target>): void {
    const wasAttached = this.#attached.get(targetId) ?? false;
    if (this.#attached.size < REMEMBERED_MAX) this.#attached.set(targetId, attached);
    if (browserContextId !== undefined && (isNew || (wasAttached && !attached)))
      this.#keepIn(browserContextId);
  }

  #keepIn(browserContextId: string): void {
    if (this.#isWhole && browserContextId === this.#ownContext) return;
    const behavior = { behavior: 'allowAndName', downloadPath: DOWNLOADS_FOLDER, eventsEnabled: true };
    this.#call('Browser.setDownloadBehavior', { ...behavior, browserContextId });
  }

  #onOver({ guid, state, filePath }: { guid: string; state: string; filePath?: string | undefined }): void {
    const suggestedName = this.#names.get(guid);
    this.#names.delete(guid);
    if (state !== 'completed' || suggestedName === undefined) return;
    this.onFinished({ guid, suggestedName, fileName: filePath === undefined ? guid : basename(filePath) });
  }

  #call(method: string, params: object): void {
    this.#lastId += 1;
    this.send({ id: this.#lastId, method, params });
  }
}

/* A compromised browser may send anything. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
