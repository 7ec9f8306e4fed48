import type { Dialect, DialectHandlers, DialectParts } from '../dialect';
import { STEEL_CALLS } from './calls';
import { computerRoute } from './computer';
import { contextRoute, devToolsVersionRoute, eventsRoute, liveDetailsRoute } from './detail-routes';
import { steelDoor } from './door';
import { steelErrorAnswer } from './errors';
import {
  deleteFileRoute,
  deleteFilesRoute,
  downloadFileRoute,
  fileArchiveRoute,
  listFilesRoute,
  uploadFileRoute,
} from './file-routes';
import { pdfRoute, scrapeRoute, screenshotRoute } from './page-routes';
import { getProfileRoute, listProfilesRoute } from './profile-routes';
import { createRoute, listRoute, releaseAllRoute, releaseRoute, retrieveRoute } from './session-routes';

/** Steel's REST API and WebSocket, for its SDKs as they are: `STEEL_BASE_URL=<url>/steel`. */
export function steel(parts: DialectParts): Dialect {
  const handlers: DialectHandlers<typeof STEEL_CALLS> = {
    create: createRoute(parts),
    list: listRoute(parts),
    releaseAll: releaseAllRoute(parts),
    retrieve: retrieveRoute(parts),
    release: releaseRoute(parts),
    liveDetails: liveDetailsRoute(parts),
    context: contextRoute(parts),
    events: eventsRoute(parts),
    computer: computerRoute(parts),
    listFiles: listFilesRoute(parts),
    uploadFile: uploadFileRoute(parts),
    deleteFiles: deleteFilesRoute(parts),
    fileArchive: fileArchiveRoute(parts),
    downloadFile: downloadFileRoute(parts),
    deleteFile: deleteFileRoute(parts),
    scrape: scrapeRoute(parts),
    screenshot: screenshotRoute(parts),
    pdf: pdfRoute(parts),
    listProfiles: listProfilesRoute(parts),
    getProfile: getProfileRoute(parts),
    devToolsVersion: devToolsVersionRoute(parts),
  };
  return {
    name: 'steel',
    mount: '/steel',
    scope: 'sessions',
    calls: STEEL_CALLS,
    handlers,
    keyOf: ({ headers }) => {
      const key = headers['steel-api-key'];
      return typeof key === 'string' ? key : null;
    },
    errorAnswer: steelErrorAnswer,
    doors: [steelDoor(parts)],
  };
}
