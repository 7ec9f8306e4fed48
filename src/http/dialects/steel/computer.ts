import type { RequestHandler } from 'express';
import { z } from 'zod';
import { operate, type ComputerAction, type Point } from '../../../browser/computer';
import { keyNamed } from '../../../browser/keyboard';
import { pause } from '../../../core/abort';
import { checkFields } from '../../../core/check-fields';
import type { SessionRef } from '../../../core/ids';
import { withinRedisBudget } from '../../edge/redis-budget';
import { contextOf } from '../../edge/request-context';
import { refOfParam } from '../../edge/session-param';
import type { DialectParts } from '../dialect';

/** The longest wait, and the longest that keys are held: the client gives up after a minute. */
const DURATION_MAX_SECONDS = 30;

/** Of how many sessions this process remembers where the mouse is. */
const MICE_MAX = 10_000;

const point = z
  .tuple([z.number().min(0).max(100_000), z.number().min(0).max(100_000)])
  .transform(([x, y]): Point => ({ x, y }));
const key = z.string().transform((name, context) => {
  const found = keyNamed(name);
  if (found !== null) return found;
  context.addIssue({ code: 'custom', message: 'is not a key, such as Enter, Control or a' });
  return z.NEVER;
});
const keys = z.array(key).max(20);
const seconds = z
  .number()
  .min(0)
  .max(DURATION_MAX_SECONDS, `must be at most ${DURATION_MAX_SECONDS} seconds`);
const amount = z.number().min(-100_000).max(100_000).nullish();

const common = { hold_keys: keys.nullish(), screenshot: z.boolean().nullish() };

const computerBody = z.discriminatedUnion(
  'action',
  [
    z.looseObject({ action: z.literal('move_mouse'), coordinates: point, ...common }),
    z.looseObject({
      action: z.literal('click_mouse'),
      button: z.enum(['left', 'right', 'middle', 'back', 'forward']).default('left'),
      click_type: z.enum(['down', 'up', 'click']).nullish(),
      coordinates: point.nullish(),
      num_clicks: z.int().min(1).max(10).nullish(),
      ...common,
    }),
    z.looseObject({ action: z.literal('drag_mouse'), path: z.array(point).min(2).max(1_000), ...common }),
    z.looseObject({
      action: z.literal('scroll'),
      coordinates: point.nullish(),
      delta_x: amount,
      delta_y: amount,
      ...common,
    }),
    z.looseObject({
      action: z.literal('press_key'),
      keys: keys.min(1),
      duration: seconds.nullish(),
      ...common,
    }),
    z.looseObject({ action: z.literal('type_text'), text: z.string().max(10_000), ...common }),
    z.looseObject({ action: z.literal('wait'), duration: seconds, ...common }),
    z.looseObject({ action: z.literal('take_screenshot'), ...common }),
    z.looseObject({ action: z.literal('get_cursor_position'), ...common }),
  ],
  {
    error:
      'must be one of move_mouse, click_mouse, drag_mouse, scroll, press_key, type_text, wait, take_screenshot, ' +
      'get_cursor_position',
  },
);

type ComputerBody = z.output<typeof computerBody>;

/** `POST /v1/sessions/{id}/computer`: mouse, keyboard and eyes of a person at the page in front. */
export function computerRoute({ service: { findBrowser } }: DialectParts): RequestHandler {
  const mice = new Mice();
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const body = checkFields(computerBody, req.body);
    const route = await withinRedisBudget(findBrowser(ref));
    const mouse = mice.positionOf(ref);
    if (body.action === 'get_cursor_position') {
      res.json({ output: `X=${Math.round(mouse.x)},Y=${Math.round(mouse.y)}` });
      return;
    }
    if (body.action === 'wait') await pause(body.duration * 1_000, contextOf(res).stopWaiting);
    const look = body.action === 'take_screenshot' || body.screenshot === true;
    const action = actionOf(body, mouse);
    if (action.do === 'look' && !look) {
      res.json({});
      return;
    }
    const picture = await operate(route, { action, held: body.hold_keys ?? [], look });
    mice.remember(ref, positionAfter(action) ?? mouse);
    res.json(picture === null ? {} : { base64_image: picture.toString('base64') });
  };
}

function actionOf(body: ComputerBody, mouse: Point): ComputerAction {
  switch (body.action) {
    case 'move_mouse':
      return { do: 'move', to: body.coordinates };
    case 'click_mouse': {
      const { button, coordinates, num_clicks: clicks, click_type: half } = body;
      return {
        ...{ do: 'click', at: coordinates ?? mouse, button, clicks: clicks ?? 1 },
        half: half === 'down' || half === 'up' ? half : null,
      };
    }
    case 'drag_mouse':
      return { do: 'drag', path: body.path };
    case 'scroll':
      return {
        ...{ do: 'scroll', at: body.coordinates ?? mouse },
        by: { x: body.delta_x ?? 0, y: body.delta_y ?? 0 },
      };
    case 'press_key':
      return { do: 'press', keys: body.keys, holdMs: (body.duration ?? 0) * 1_000 };
    case 'type_text':
      return { do: 'type', text: body.text };
    case 'wait':
    case 'take_screenshot':
    case 'get_cursor_position':
      return { do: 'look' };
  }
}

function positionAfter(action: ComputerAction): Point | undefined {
  switch (action.do) {
    case 'move':
      return action.to;
    case 'click':
    case 'scroll':
      return action.at;
    case 'drag':
      return action.path.at(-1);
    default:
      return undefined;
  }
}

/** Where the mouse of each session is; no browser says it. The one that was moved longest ago is forgotten first. */
class Mice {
  readonly #positions = new Map<SessionRef, Point>();

  positionOf(ref: SessionRef): Point {
    return this.#positions.get(ref) ?? { x: 0, y: 0 };
  }

  remember(ref: SessionRef, position: Point): void {
    this.#positions.delete(ref);
    this.#positions.set(ref, position);
    const [oldest] = this.#positions.keys();
    if (this.#positions.size > MICE_MAX && oldest !== undefined) this.#positions.delete(oldest);
  }
}
