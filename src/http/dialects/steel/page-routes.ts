import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { loadStepLibrary, openStepPage, type StepPage } from '../../../browser/run-steps';
import { cleanHtmlOf, htmlOf, linksOf, markdownOf, metadataOf } from '../../../browser/scrape-functions';
import { step, type RunStep } from '../../../browser/steps';
import { createBodyParser } from '../../../contract/schemas';
import { EMPTY_STATE } from '../../../core/browser-state';
import { pause } from '../../../core/abort';
import { checkFields, invalidFields } from '../../../core/check-fields';
import { ServiceError, messageOf } from '../../../core/errors';
import { withinRedisBudget } from '../../edge/redis-budget';
import { contextOf, tenantOf } from '../../edge/request-context';
import type { DialectParts } from '../dialect';
import { readCreateBody } from './create-body';
import { createReady } from './creation';

/** How long the session of a page action may be live, milliseconds: the client gives up after a minute. */
const SESSION_TIMEOUT_MS = 60_000;
const LOAD_TIMEOUT_MS = 25_000;
const READ_TIMEOUT_MS = 10_000;
const DELAY_MAX_MS = 20_000;

const pageFields = {
  url: z.string(),
  delay: z.int().min(0).max(DELAY_MAX_MS, `must be at most ${DELAY_MAX_MS} milliseconds`).nullish(),
  useProxy: z.unknown().optional(),
  proxyUrl: z.unknown().optional(),
};
const pdfBody = z.looseObject(pageFields);
const screenshotBody = z.looseObject({ ...pageFields, fullPage: z.boolean().nullish() });
const scrapeBody = z.looseObject({
  ...pageFields,
  format: z.array(z.enum(['html', 'cleaned_html', 'markdown', 'readability'])).nullish(),
  pdf: z.boolean().nullish(),
  screenshot: z.boolean().nullish(),
});

type PageBody = z.output<typeof pdfBody>;

/** `POST /v1/scrape`: the content of a page, in a session of its own. */
export function scrapeRoute(parts: DialectParts): RequestHandler {
  const onPage = pageAction(parts);
  return async (req, res) => {
    const body = checkFields(scrapeBody, req.body);
    const formats = body.format ?? ['html'];
    if (formats.includes('readability')) throw noReadability();
    const has = (format: 'html' | 'cleaned_html' | 'markdown'): boolean => formats.includes(format);
    const scraped = await onPage({ req, res, body }, async page => ({
      content: {
        ...(has('html') ? { html: await read(page, htmlOf) } : {}),
        ...(has('cleaned_html') ? { cleaned_html: await read(page, cleanHtmlOf) } : {}),
        ...(has('markdown') ? { markdown: await read(page, markdownOf) } : {}),
      },
      links: await read(page, linksOf),
      metadata: await read(page, metadataOf),
      screenshot: body.screenshot === true ? await picture(page, false) : null,
      pdf: body.pdf === true ? await pdf(page) : null,
    }));
    const { screenshot, pdf: printed, ...rest } = scraped;
    res.json({
      ...rest,
      ...(screenshot === null ? {} : { screenshot: { url: await keep(parts, res, screenshot) } }),
      ...(printed === null ? {} : { pdf: { url: await keep(parts, res, printed) } }),
    });
  };
}

/** `POST /v1/screenshot`: a picture of a page, in a session of its own. */
export function screenshotRoute(parts: DialectParts): RequestHandler {
  const onPage = pageAction(parts);
  return async (req, res) => {
    const body = checkFields(screenshotBody, req.body);
    const document = await onPage({ req, res, body }, page => picture(page, body.fullPage === true));
    res.json({ url: await keep(parts, res, document) });
  };
}

/** `POST /v1/pdf`: a page as PDF, in a session of its own. */
export function pdfRoute(parts: DialectParts): RequestHandler {
  const onPage = pageAction(parts);
  return async (req, res) => {
    const body = checkFields(pdfBody, req.body);
    res.json({ url: await keep(parts, res, await onPage({ req, res, body }, pdf)) });
  };
}

interface PageRequest {
  readonly req: Request;
  readonly res: Response;
  readonly body: PageBody;
}

type PageAction = <T>(request: PageRequest, work: (page: StepPage) => Promise<T>) => Promise<T>;

/** Works on a page in a session that is made for it, and released whatever happens. */
function pageAction(parts: DialectParts): PageAction {
  const { service } = parts;
  const parseBody = createBodyParser(service.policy);
  const create = createReady(parts);
  return async ({ req, res, body }, work) => {
    const goto = gotoStep(body.url);
    const { useProxy, proxyUrl, delay } = body;
    const timeout = Math.min(SESSION_TIMEOUT_MS, service.policy.timeoutMaxMs);
    const { native } = readCreateBody({ useProxy, proxyUrl, timeout }, service.policy);
    const signal = contextOf(res).stopWaiting;
    await loadStepLibrary();
    const { found, abandon } = await create({ req, res, session: parseBody(native), state: EMPTY_STATE });
    try {
      const route = await withinRedisBudget(service.findBrowser(found.record.ref));
      const page = await openStepPage(route, signal);
      try {
        await page.perform(goto).catch(notLoaded);
        await pause(delay ?? 0, signal);
        return await work(page);
      } finally {
        page.close();
      }
    } finally {
      await abandon();
    }
  };
}

function gotoStep(url: string): RunStep {
  const goto = step.safeParse({ do: 'goto', url, timeout: LOAD_TIMEOUT_MS });
  if (goto.success) return goto.data;
  throw invalidFields([{ pointer: '/url', message: 'must begin with http://, https:// or data:' }]);
}

function notLoaded(error: unknown): never {
  if (error instanceof ServiceError) throw error;
  throw invalidFields([{ pointer: '/url', message: `the page could not be loaded: ${messageOf(error)}` }]);
}

const read = <T>(page: StepPage, reader: () => T): Promise<T> =>
  page.act({
    name: 'the page',
    timeoutMs: READ_TIMEOUT_MS,
    work: async tab => tab.evaluate(reader),
  });

/** A file that was made of a page. */
interface PageDocument {
  readonly bytes: Buffer;
  readonly contentType: string;
}

const picture = (page: StepPage, fullPage: boolean): Promise<PageDocument> =>
  documentOf(page, { do: 'screenshot', fullPage, type: 'png', timeout: LOAD_TIMEOUT_MS });

const pdf = (page: StepPage): Promise<PageDocument> =>
  documentOf(page, { do: 'pdf', timeout: LOAD_TIMEOUT_MS });

async function documentOf(page: StepPage, made: RunStep): Promise<PageDocument> {
  const output = await page.perform(made);
  if (output !== null && 'bytes' in output) return output;
  throw new Error(`the step ${made.do} has made nothing`);
}

async function keep({ service }: DialectParts, res: Response, document: PageDocument): Promise<string> {
  const id = await withinRedisBudget(service.keepFile(tenantOf(res), document));
  return service.fileLinks.urlOf(id);
}

function noReadability(): ServiceError {
  const fields = [{ pointer: '/format', message: 'readability is not supported: ask for markdown' }];
  return new ServiceError('not_supported', 'The format readability is not supported: ask for markdown.', {
    fields,
  });
}
