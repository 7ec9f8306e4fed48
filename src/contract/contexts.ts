import { z } from 'zod';
import { LABELS_MAX } from '../../machines/session/session.changes';
import type { ContextData, ContextVersionData } from '../client/contexts';
import type { CreateContextRequest } from '../commands/create-context';
import type { UpdateContextRequest } from '../commands/update-context';
import { checkFields } from '../core/check-fields';
import type { ListContextsRequest } from '../queries/list-contexts';
import type { ContextRecord, ContextVersion } from '../store/contexts/context-record';
import { isCursor } from '../store/member-page';
import { contextName } from './names';
import { labelChange, labels, pageLimit } from './schemas';
import { filterFields } from './selection';
import { iso } from './times';

/* What clients send about contexts, and what they get. */

/** The body of `POST /v1/contexts`. */
export const createContextBody = z
  .strictObject({
    name: contextName.nullable().default(null).describe('Unique among your contexts. Null: it has none.'),
    labels: labels
      .default({})
      .describe(`Up to ${LABELS_MAX} name-value pairs. Select contexts by them with \`labelSelector\`.`),
    ifExists: z
      .enum(['refuse', 'return'])
      .default('refuse')
      .describe(
        'If a context has the name: `refuse` answers `context_exists`, `return` answers with that context, unchanged.',
      ),
  })
  .refine(({ name: given, ifExists }) => given !== null || ifExists === 'refuse', {
    path: ['ifExists'],
    message: 'needs a name',
  });

/** @throws ServiceError `invalid_request`, naming every field. */
export const parseCreateContext = (
  body: unknown,
): Pick<CreateContextRequest, 'name' | 'labels' | 'ifExists'> => checkFields(createContextBody, body);

/** The body of `PATCH /v1/contexts/{id}`. */
export const updateContextBody = z
  .strictObject({
    name: contextName.nullable().exactOptional().describe('Null removes the name.'),
    labels: labelChange
      .exactOptional()
      .describe(
        `Merged into the labels of the context; null removes a label. The context may have up to ${LABELS_MAX}.`,
      ),
  })
  .refine(given => Object.keys(given).length > 0, {
    message: 'must change at least one field',
    // If the only field is misspelt, only that is reported.
    when: ({ issues }) => issues.length === 0,
  });

/** @throws ServiceError `invalid_request`, naming every field. */
export const parseUpdateContext = (body: unknown): Pick<UpdateContextRequest, 'name' | 'labels'> =>
  checkFields(updateContextBody, body);

/** The query of `GET /v1/contexts`. */
export const contextsQuery = z.object({
  name: contextName.optional().describe('Only the context of this name. Excludes the other filters.'),
  ...filterFields('context'),
  cursor: z.string().max(128).refine(isCursor, 'is not a cursor of this list').optional(),
  limit: pageLimit,
});

/* Beside the schema: a refined object has no shape to make parameters of. */
const checkedQuery = contextsQuery.refine(
  ({ name: given, labelSelector, createdAfter, createdBefore }) =>
    given === undefined || [labelSelector, createdAfter, createdBefore].every(filter => filter === undefined),
  { path: ['name'], message: 'excludes labelSelector, createdAfter and createdBefore' },
);

/** @throws ServiceError `invalid_request`, naming every parameter. */
export function parseContextsQuery(
  query: Readonly<Record<string, unknown>>,
): Omit<ListContextsRequest, 'tenant'> {
  const given = checkFields(checkedQuery, query, { root: 'query' });
  return {
    name: given.name ?? null,
    labels: given.labelSelector ?? [],
    createdAfterMs: given.createdAfter ?? null,
    createdBeforeMs: given.createdBefore ?? null,
    cursor: given.cursor ?? null,
    limit: given.limit,
  };
}

/** The view of a context. */
export function contextView(record: ContextRecord): ContextData {
  return {
    id: record.id,
    name: record.name,
    labels: record.labels,
    createdAt: iso(record.createdAtMs),
    updatedAt: iso(record.updatedAtMs),
    currentVersion: numberOrNull(record.currentVersion),
    latestVersion: numberOrNull(record.latestVersion),
    bytes: record.bytes,
    revision: record.revision,
  };
}

/** The view of a version. Where its archive is stored is nobody's business. */
export function versionView(version: ContextVersion, { currentVersion }: ContextRecord): ContextVersionData {
  return {
    version: version.version,
    isCurrent: version.version === currentVersion,
    createdAt: iso(version.createdAtMs),
    bytes: version.bytes,
    source: version.source,
    sessionId: version.sessionId,
    baseVersion: numberOrNull(version.baseVersion),
    chromiumVersion: version.chromiumVersion,
  };
}

/** The path of a context, for `Location`. */
export const contextPath = (id: string): string => `/v1/contexts/${id}`;

/* Versions count from 1; 0: none. */
const numberOrNull = (version: number): number | null => (version === 0 ? null : version);
