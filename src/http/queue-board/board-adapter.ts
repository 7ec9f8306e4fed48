import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  AppControllerRoute,
  AppViewRoute,
  BullBoardQueues,
  BullBoardRequest,
  ControllerHandlerReturnType,
  IServerAdapter,
  UIConfig,
} from '@bull-board/api/typings/app';
import express, { Router, type Request } from 'express';
import { withinRedisBudget } from '../edge/redis-budget';

/** The page may load its own files only. React sets styles on elements. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Serves Bull Board read-only: only its reading routes exist, so that safety does not depend on what the page requests.
 */
export class BoardAdapter implements IServerAdapter {
  readonly router = Router();
  #queues: BullBoardQueues = new Map();
  #uiConfig: UIConfig = {};
  #template = '';
  #errorHandler: (error: Error) => ControllerHandlerReturnType = error => {
    throw error;
  };

  /** @param basePath - where the router is mounted */
  constructor(private readonly basePath: string) {}

  setQueues(queues: BullBoardQueues): this {
    this.#queues = queues;
    return this;
  }

  setUIConfig(config: UIConfig): this {
    this.#uiConfig = config;
    return this;
  }

  setErrorHandler(handler: (error: Error) => ControllerHandlerReturnType): this {
    this.#errorHandler = handler;
    return this;
  }

  setViewsPath(path: string): this {
    this.#template = readFileSync(join(path, 'index.ejs'), 'utf8');
    return this;
  }

  setStaticPath(route: string, path: string): this {
    this.router.use(route, express.static(path, { index: false, redirect: false }));
    return this;
  }

  setEntryRoute(entry: AppViewRoute): this {
    this.router.get(entry.route, (_req, res) => {
      const { params } = entry.handler({ basePath: this.basePath, uiConfig: this.#uiConfig });
      res
        .set({ 'Content-Security-Policy': CONTENT_POLICY, 'Referrer-Policy': 'no-referrer' })
        .type('html')
        .send(pageFrom(this.#template, params));
    });
    return this;
  }

  setApiRoutes(routes: AppControllerRoute[]): this {
    for (const route of routes.filter(({ method }) => [method].flat().includes('get'))) {
      this.router.get(route.route, async (req, res) => {
        const { status = 200, body } = await this.#answer(async () => route.handler(this.#requestOf(req)));
        res.status(status).json(body);
      });
    }
    return this;
  }

  async #answer(ask: () => Promise<ControllerHandlerReturnType>): Promise<ControllerHandlerReturnType> {
    try {
      return await withinRedisBudget(ask());
    } catch (error) {
      // Bull Board handles its own errors, such as an invalid query; it throws those that it does not know.
      return this.#errorHandler(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #requestOf({ query, params }: Request): BullBoardRequest {
    return { queues: this.#queues, uiConfig: this.#uiConfig, query, params, body: {}, headers: {} };
  }
}

/**
 * Fills in the page of Bull Board, whose template contains only values, and removes the fonts that it would load from
 * another site; every machine has fonts of its own.
 */
export function pageFrom(template: string, params: Readonly<Record<string, string>>): string {
  return template
    .replaceAll(/^.*fonts\.googleapis\.com.*$\n?/gm, '')
    .replaceAll(/<%([=-]) (\w+) %>/g, (_match, kind: string, name: string) => {
      const value = params[name] ?? '';
      return kind === '-' ? value : escaped(value);
    });
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (raw: string): string => raw.replaceAll(/[&<>"]/g, character => ENTITIES[character] ?? '');
