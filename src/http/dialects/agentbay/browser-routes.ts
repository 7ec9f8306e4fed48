import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { DialectParts } from '../dialect';
import { PROFILE_PATH, unsupported } from './create-body';
import { answer } from './envelope';
import { parametersOf } from './parameters';
import { liveSession } from './session';

/** Clients only look whether there is one. */
const CDP_PORT = 9222;

const browserOption = z.looseObject({ proxies: z.array(z.unknown()).nullish() });

/** `InitBrowser`: the browser of a session runs from its beginning. */
export function initBrowserRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const parameters = parametersOf(req);
    const path = parameters.text('PersistentPath');
    if (path !== null && path !== PROFILE_PATH)
      throw unsupported(`PersistentPath: the profile is ${PROFILE_PATH}.`);
    const { proxies } = parameters.json('BrowserOption', browserOption) ?? {};
    if ((proxies ?? []).length > 0)
      throw unsupported(
        'proxies: a proxy can be chosen in POST /v1/sessions only, before the browser starts.',
      );
    await liveSession(service, req, res);
    answer(res, { Port: CDP_PORT });
  };
}

/** `GetCdpLink`: a WebSocket URL that needs no key. */
export function cdpLinkRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const { websocketUrl } = await liveSession(service, req, res);
    answer(res, { Url: websocketUrl });
  };
}

/** `GetLink`: without a port, that of the browser. */
export function linkRoute(parts: DialectParts): RequestHandler {
  const cdpLink = cdpLinkRoute(parts);
  return async (req, res, next) => {
    const parameters = parametersOf(req);
    const protocol = parameters.text('ProtocolType');
    if (parameters.text('Port') !== null)
      throw unsupported('Port: nothing else than the browser can be reached.');
    if (protocol !== null && !/^wss?$/i.test(protocol))
      throw unsupported('ProtocolType: the browser is reached by WebSocket.');
    await cdpLink(req, res, next);
  };
}
