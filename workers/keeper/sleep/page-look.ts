import { withDeadline } from '../../../src/core/abort';
import type { DevToolsAddress } from '../process/devtools';
import { DevToolsCalls } from './devtools-calls';
import { z } from 'zod';

/** How a browser looks: `busy` if a page is loading or plays something, `unknown` if it does not say so in time. */
export type Sight = 'idle' | 'busy' | 'unknown';

/** A page that does not answer by then is busy, or halted: by a dialog, for example. */
const LOOK_TIMEOUT_MS = 2_000;

/** With more of them open, no look is worth its time: it counts as unknown. */
const TARGETS_MAX = 64;

/** A page loads, or something in its documents plays. Asked in a world of its own, which no page sees. */
const DOCUMENT_IS_BUSY = `
  document.readyState === 'loading' ||
  [...document.querySelectorAll('video, audio')].some(media => !media.paused && !media.ended)`;

/** Everything that can play or be connected, in a document or not, is one of these. */
const PLAYER = 'EventTarget.prototype';
const SOME_PLAY = `function () {
  return this.some(it =>
    it instanceof HTMLMediaElement ? !it.paused && !it.ended
    : it instanceof AudioContext ? it.state === 'running'
    : it instanceof RTCPeerConnection && ['connecting', 'connected'].includes(it.connectionState));
}`;

const targets = z.object({ targetInfos: z.array(z.object({ targetId: z.string(), type: z.string() })) });
const attached = z.object({ sessionId: z.string() });

interface FrameTree {
  readonly frame: { readonly id: string };
  readonly childFrames?: readonly FrameTree[] | undefined;
}
const frameTree: z.ZodType<FrameTree> = z.lazy(() =>
  z.object({ frame: z.object({ id: z.string() }), childFrames: z.array(frameTree).optional() }),
);
const frames = z.object({ frameTree });
const world = z.object({ executionContextId: z.number() });
const truth = z.object({ result: z.object({ value: z.boolean() }) });
const remote = z.object({ result: z.object({ objectId: z.string() }) });
const found = z.object({ objects: z.object({ objectId: z.string() }) });

/**
 * Looks at all pages of a browser over a connection of its own, whether they are busy, and lets them drop what they do
 * not need. Pages do not notice; clients that follow targets hear that each page is attached for a moment. Never
 * rejects.
 */
export async function lookAtPages(devTools: DevToolsAddress): Promise<Sight> {
  // A null browser has no pages.
  if (devTools.port === 0) return 'idle';
  const calls = new DevToolsCalls(devTools);
  try {
    return await withDeadline('a look at pages', LOOK_TIMEOUT_MS, look(calls));
  } catch {
    return 'unknown'; // it is asked again; a browser that does not answer at all is found by its liveness
  } finally {
    calls.close();
  }
}

async function look(calls: DevToolsCalls): Promise<Sight> {
  await calls.opened;
  const filter = [{ type: 'page' }, { type: 'iframe' }];
  const { targetInfos } = targets.parse(await calls.call('Target.getTargets', { filter }));
  if (targetInfos.length > TARGETS_MAX) return 'unknown';
  for (const { targetId } of targetInfos) {
    const { sessionId } = attached.parse(
      await calls.call('Target.attachToTarget', { targetId, flatten: true }),
    );
    if (await isBusy(calls, sessionId)) return 'busy';
  }
  await calls.call('Memory.simulatePressureNotification', { level: 'critical' });
  return 'idle';
}

async function isBusy(calls: DevToolsCalls, sessionId: string): Promise<boolean> {
  const { frameTree: tree } = frames.parse(await calls.call('Page.getFrameTree', {}, sessionId));
  for (const frameId of idsIn(tree)) {
    const { executionContextId: contextId } = world.parse(
      await calls.call('Page.createIsolatedWorld', { frameId, worldName: 'holdfast' }, sessionId),
    );
    const asked = { expression: DOCUMENT_IS_BUSY, contextId, returnByValue: true };
    if (truth.parse(await calls.call('Runtime.evaluate', asked, sessionId)).result.value) return true;
  }
  return hasPlayers(calls, sessionId);
}

/* In the world of the page, for that alone has the objects. Of the page only what it has put in their place is run. */
async function hasPlayers(calls: DevToolsCalls, sessionId: string): Promise<boolean> {
  const { result } = remote.parse(await calls.call('Runtime.evaluate', { expression: PLAYER }, sessionId));
  // Collects garbage as well, so that it finds only what is still in use.
  const asked = { prototypeObjectId: result.objectId };
  const { objects } = found.parse(await calls.call('Runtime.queryObjects', asked, sessionId));
  const some = { objectId: objects.objectId, functionDeclaration: SOME_PLAY, returnByValue: true };
  return truth.parse(await calls.call('Runtime.callFunctionOn', some, sessionId)).result.value;
}

const idsIn = ({ frame, childFrames = [] }: FrameTree): string[] => [frame.id, ...childFrames.flatMap(idsIn)];
