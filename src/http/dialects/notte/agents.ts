import type { RequestHandler } from 'express';
import { z } from 'zod';
import { checkFields } from '../../../core/check-fields';
import { numberedPage, pageFields } from './paging';

const listQuery = z.looseObject(pageFields(10));

/** `GET /agents`: there are none. */
export const listAgentsRoute: RequestHandler = async (req, res) => {
  const page = checkFields(listQuery, req.query, { root: 'query' });
  res.json(await numberedPage(page, () => Promise.resolve({ items: [], nextCursor: null })));
};
