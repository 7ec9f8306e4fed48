import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import { checkFields, invalidFields } from '../../../core/check-fields';
import { ServiceError } from '../../../core/errors';
import { BODY_MAX_BYTES, hasBody } from '../../edge/body';

/** The parameters of a call, wherever the client has put them. All are texts; an empty one counts as not given. */
export class Parameters {
  readonly #values = new Map<string, string>();

  /** @throws ServiceError `invalid_request` if a parameter has two values. */
  add(given: URLSearchParams): void {
    for (const [name, value] of given) {
      if ((this.#values.get(name) ?? value) !== value) throw wrong(name, 'has two values');
      this.#values.set(name, value);
    }
  }

  /** Null: it is not given. */
  text(name: string): string | null {
    return this.#values.get(name) || null;
  }

  /** @throws ServiceError `invalid_request` if it is not given. */
  required(name: string): string {
    const text = this.text(name);
    if (text === null) throw wrong(name, 'must be given');
    return text;
  }

  /**
   * `true` and `false` from JavaScript, `True` and `False` from Python.
   *
   * @throws ServiceError `invalid_request` for anything else.
   */
  flag(name: string): boolean | null {
    const word = this.text(name)?.toLowerCase();
    if (word === undefined) return null;
    if (word !== 'true' && word !== 'false') throw wrong(name, 'must be true or false');
    return word === 'true';
  }

  /** @throws ServiceError `invalid_request` for what is not a whole number, or one out of bounds. */
  integer(name: string, min: number, max: number): number | null {
    const text = this.text(name);
    if (text === null) return null;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) throw wrong(name, `must be a whole number, ${min} to ${max}`);
    return value;
  }

  /**
   * A value that is JSON inside its parameter.
   *
   * @throws ServiceError `invalid_request` for what is not JSON, or does not fit.
   */
  json<S extends z.ZodType>(name: string, schema: S): z.output<S> | null {
    const text = this.text(name);
    return text === null ? null : parseJson(name, text, schema);
  }
}

/** @see Parameters.json */
export function parseJson<S extends z.ZodType>(name: string, text: string, schema: S): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong(name, 'must be JSON');
  }
  return checkFields(schema, value, { root: name, whole: name });
}

/** The error for a parameter that has a wrong value. */
export const wrong = (name: string, message: string): ServiceError =>
  invalidFields([{ pointer: name, message }]);

const parameters = new WeakMap<Request, Parameters>();

/** The parameters of a request that went through {@link enterAction}. */
export function parametersOf(req: Request): Parameters {
  const found = parameters.get(req);
  if (found === undefined) throw new Error('the request has no parameters yet');
  return found;
}

/**
 * The clients call one path. Query and form are one list of parameters: which of them a client uses differs from action
 * to action. The action becomes the path, so that everything behind this is an ordinary route.
 */
export const enterAction: readonly RequestHandler[] = [
  requireForm,
  express.text({ type: () => true, limit: BODY_MAX_BYTES, inflate: false, defaultCharset: 'utf-8' }),
  readParameters,
];

function requireForm(req: Request, _res: Response, next: NextFunction): void {
  const type = req.headers['content-type'];
  if (hasBody(req) && type !== undefined && !/^application\/x-www-form-urlencoded(?: *;|$)/i.test(type))
    throw new ServiceError('unsupported_media_type', 'The body must be application/x-www-form-urlencoded.');
  next();
}

function readParameters(req: Request, _res: Response, next: NextFunction): void {
  if (req.path !== '/') throw noAction();
  const all = new Parameters();
  const query = req.url.indexOf('?');
  if (query !== -1) all.add(new URLSearchParams(req.url.slice(query + 1)));
  const body: unknown = req.body;
  if (typeof body === 'string') all.add(new URLSearchParams(body));
  const named = req.headers['x-acs-action'];
  if (typeof named === 'string' && named !== '') all.add(new URLSearchParams({ Action: named }));
  const action = all.text('Action');
  if (action === null || !/^[A-Za-z]{1,64}$/.test(action)) throw noAction();
  parameters.set(req, all);
  req.url = `/${action}`;
  next();
}

const noAction = (): ServiceError =>
  new ServiceError('not_found', 'There is no such action: the path must be /, with a parameter Action.');
