import { z } from 'zod';
import { pause, withDeadline } from '../core/abort';
import { ServiceError } from '../core/errors';
import { withBrowser, type CdpCall } from './cdp-call';
import type { Route } from './dial';
import { keyOfCharacter, modifiersOf, type Key } from './keyboard';
import { listPages } from './open-pages';
import { capturePage } from './screenshot';

/** A point of a page, CSS pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A button of a mouse. */
export type MouseButton = 'left' | 'right' | 'middle' | 'back' | 'forward';

/** What a person could do at mouse and keyboard. */
export type ComputerAction =
  | { readonly do: 'move'; readonly to: Point }
  | {
      readonly do: 'click';
      readonly at: Point;
      readonly button: MouseButton;
      readonly clicks: number;
      /** Only the half of a click; null: the whole. */
      readonly half: 'down' | 'up' | null;
    }
  | { readonly do: 'drag'; readonly path: readonly Point[] }
  | { readonly do: 'scroll'; readonly at: Point; readonly by: Point }
  | { readonly do: 'press'; readonly keys: readonly Key[]; readonly holdMs: number }
  | { readonly do: 'type'; readonly text: string }
  | { readonly do: 'look' };

/** An action, and what happens around it. */
export interface Operation {
  readonly action: ComputerAction;
  /** Held meanwhile. */
  readonly held: readonly Key[];
  /** Whether to take a screenshot afterwards. */
  readonly look: boolean;
}

/** How long an action may take beside the time that keys are held, milliseconds. */
const ACTION_TIMEOUT_MS = 20_000;

/** How long a page may take to say whether it is in front. */
const VISIBLE_TIMEOUT_MS = 500;

const attached = z.object({ sessionId: z.string() });
const evaluated = z.object({ result: z.object({ value: z.unknown() }) });

/** Bits of CDP for the buttons that are down. */
const BUTTONS: Readonly<Record<MouseButton, number>> = { left: 1, right: 2, middle: 4, back: 8, forward: 16 };

/**
 * Acts on the page in front, as a person would. Uses no library and emulates nothing, so the session's other clients
 * see only the events.
 *
 * @returns a screenshot as PNG, if one was asked for
 * @throws ServiceError `invalid_request` if no page is open; `browser_unreachable`, which is not worth a repeat if the
 *   action may have been done.
 */
export async function operate(route: Route, { action, held, look }: Operation): Promise<Buffer | null> {
  const timeoutMs = ACTION_TIMEOUT_MS + (action.do === 'press' ? action.holdMs : 0);
  let begun = false;
  try {
    return await withBrowser(
      route,
      async call => {
        const sessionId = await frontPage(call);
        begun = action.do !== 'look';
        await holding(call, sessionId, held, modifiers => act({ call, sessionId, modifiers }, action));
        return look ? await capturePage(call, sessionId) : null;
      },
      timeoutMs,
    );
  } catch (error) {
    if (!begun || !(error instanceof ServiceError)) throw error;
    throw new ServiceError(error.code, error.message, {
      fields: error.fields,
      retryable: false,
      cause: error,
    });
  }
}

/* Attaches to the page that is visible. A page with an open dialog, or in an endless loop, does not answer. */
async function frontPage(call: CdpCall): Promise<string> {
  const pages = await listPages(call);
  const sessions = await Promise.all(
    pages.map(async ({ id }) => {
      const { sessionId } = attached.parse(
        await call('Target.attachToTarget', { targetId: id, flatten: true }),
      );
      return sessionId;
    }),
  );
  const [first] = sessions;
  if (first === undefined) throw new ServiceError('invalid_request', 'No page is open.');
  if (sessions.length === 1) return first;
  const visible = await Promise.all(sessions.map(sessionId => isVisible(call, sessionId)));
  return sessions.find((_, index) => visible[index] === true) ?? first;
}

async function isVisible(call: CdpCall, sessionId: string): Promise<boolean> {
  const expression = 'document.visibilityState';
  const answer = call('Runtime.evaluate', { expression, returnByValue: true }, sessionId).then(
    result => evaluated.parse(result).result.value === 'visible',
  );
  return withDeadline('the page', VISIBLE_TIMEOUT_MS, answer).catch(() => false);
}

/** A page that gets input. */
interface Target {
  readonly call: CdpCall;
  readonly sessionId: string;
  readonly modifiers: number;
}

async function act(target: Target, action: ComputerAction): Promise<void> {
  switch (action.do) {
    case 'move':
      return mouse(target, 'mouseMoved', action.to);
    case 'click':
      return click(target, action);
    case 'drag':
      return drag(target, action.path);
    case 'scroll': {
      await mouse(target, 'mouseMoved', action.at);
      const { x: deltaX, y: deltaY } = action.by;
      return mouse(target, 'mouseWheel', action.at, { deltaX, deltaY });
    }
    case 'press':
      return holding(target.call, target.sessionId, action.keys, () => pause(action.holdMs));
    case 'type':
      return type(target, action.text);
    case 'look':
      return undefined;
  }
}

type MouseEvent = 'mouseMoved' | 'mousePressed' | 'mouseReleased' | 'mouseWheel';

async function mouse(
  { call, sessionId, modifiers }: Target,
  event: MouseEvent,
  { x, y }: Point,
  more: object = {},
): Promise<void> {
  await call('Input.dispatchMouseEvent', { type: event, x, y, modifiers, ...more }, sessionId);
}

async function click(
  target: Target,
  { at, button, clicks, half }: Extract<ComputerAction, { do: 'click' }>,
): Promise<void> {
  await mouse(target, 'mouseMoved', at);
  for (let clickCount = 1; clickCount <= clicks; clickCount += 1) {
    if (half !== 'up')
      await mouse(target, 'mousePressed', at, { button, buttons: BUTTONS[button], clickCount });
    if (half !== 'down') await mouse(target, 'mouseReleased', at, { button, buttons: 0, clickCount });
  }
}

async function drag(target: Target, path: readonly Point[]): Promise<void> {
  const [from, ...rest] = path;
  const to = rest.at(-1);
  if (from === undefined || to === undefined) return;
  const pressed = { button: 'left', buttons: BUTTONS.left };
  await mouse(target, 'mouseMoved', from);
  await mouse(target, 'mousePressed', from, { ...pressed, clickCount: 1 });
  for (const point of rest) await mouse(target, 'mouseMoved', point, pressed);
  await mouse(target, 'mouseReleased', to, { button: 'left', buttons: 0, clickCount: 1 });
}

/* What is on no key, such as an umlaut, is inserted. */
async function type({ call, sessionId, modifiers }: Target, text: string): Promise<void> {
  for (const character of text) {
    const key = keyOfCharacter(character);
    if (key === null) await call('Input.insertText', { text: character }, sessionId);
    else {
      await keyEvent(call, sessionId, 'down', key, modifiers);
      await keyEvent(call, sessionId, 'up', key, modifiers);
    }
  }
}

/** Holds keys while something is done; `work` gets their modifiers. */
async function holding(
  call: CdpCall,
  sessionId: string,
  keys: readonly Key[],
  work: (modifiers: number) => Promise<void>,
): Promise<void> {
  const down: Key[] = [];
  try {
    for (const key of keys) {
      down.push(key);
      await keyEvent(call, sessionId, 'down', key, modifiersOf(down));
    }
    await work(modifiersOf(down));
  } finally {
    for (let key = down.pop(); key !== undefined; key = down.pop())
      await keyEvent(call, sessionId, 'up', key, modifiersOf(down));
  }
}

/* With Control, Alt or Meta a key types nothing. */
const TYPES_NOTHING = 1 | 2 | 4;

async function keyEvent(
  call: CdpCall,
  sessionId: string,
  direction: 'down' | 'up',
  { text, ...key }: Key,
  modifiers: number,
): Promise<void> {
  const types = direction === 'down' && text !== undefined && (modifiers & TYPES_NOTHING) === 0;
  const event = direction === 'up' ? 'keyUp' : types ? 'keyDown' : 'rawKeyDown';
  const typed = types ? { text, unmodifiedText: text } : {};
  await call('Input.dispatchKeyEvent', { type: event, ...key, ...typed, modifiers }, sessionId);
}
