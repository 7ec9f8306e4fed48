import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiOverrideContext,
  type ZodOpenApiParameters,
  type ZodOpenApiResponseObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { ERROR_CATALOGUE, type ErrorCode } from '../../core/errors';
import { SESSION_ID_PATTERN } from '../../core/ids';
import { PROBLEM_TYPE } from '../edge/problem';
import { ANSWER_EXAMPLES } from './answer-examples';
import type { TimeoutPolicy } from '../../contract/schemas';
import {
  createdSessionAnswer,
  endedSessionAnswer,
  liveDetailsAnswer,
  liveSessionAnswer,
  problemAnswer,
  releaseAllAnswer,
  sessionAnswer,
  sessionEventAnswer,
  sessionListAnswer,
  transitionAnswer,
} from './answers';
import { contextAnswer, contextChangeAnswer, contextVersionAnswer } from './context-operations';
import { BUDGET_HEADERS } from './headers';
import { commonErrors, type AnswerSpec, type Operation } from './operation';
import type { OpenApiDocument } from './open-api';
import { OPERATIONS } from './operations';

const JSON_TYPE = 'application/json';

/* Schemas that have a name in the document; other places refer to them. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  Session: sessionAnswer,
  CreatedSession: createdSessionAnswer,
  LiveSession: liveSessionAnswer,
  EndedSession: endedSessionAnswer,
  SessionList: sessionListAnswer,
  Context: contextAnswer,
  ContextVersion: contextVersionAnswer,
  ContextChange: contextChangeAnswer,
  LiveDetails: liveDetailsAnswer,
  SessionEvent: sessionEventAnswer,
  ReleaseAllResult: releaseAllAnswer,
  Transition: transitionAnswer,
  Problem: problemAnswer,
};

const EXAMPLES: ReadonlyMap<unknown, unknown> = new Map(
  Object.entries(NAMED).map(([name, schema]) => [schema, ANSWER_EXAMPLES[name]]),
);

const INFO = {
  title: 'Holdfast',
  version: '1',
  description:
    'Browser sessions that hold. Times are ISO 8601 in UTC, durations are milliseconds. Every ' +
    'answer has an `X-Request-Id`. Every error is a `Problem` with a stable `code`, also if the ' +
    'request could not be read (400, 408, 431).',
};

const QUOTA_HEADERS = {
  'Retry-After': 'After how many seconds to try again. Left out if waiting does not help.',
  ...BUDGET_HEADERS,
};

const TAGS = [
  { name: 'Sessions', description: 'One session is one browser.' },
  { name: 'Contexts', description: 'Named places where logins are kept between sessions.' },
  { name: 'Events', description: 'What happened to sessions, why, by whom and when.' },
  { name: 'Jobs', description: 'Jobs that other services have sent through the queue.' },
  { name: 'Keys', description: 'API keys of the installation, and what each may do.' },
  { name: 'Service', description: 'Workers, capacity, usage and health of the service.' },
];

/** An installation without keys is open, on loopback only: hence the empty alternative. */
const SECURITY: Record<string, string[]>[] = [{}, { bearer: [] }, { apiKey: [] }, { steelApiKey: [] }];

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer' },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
  steelApiKey: { type: 'apiKey', in: 'header', name: 'steel-api-key' },
} as const;

/** The OpenAPI document of an installation with these limits. */
export function openApiDocument(policy: TimeoutPolicy): OpenApiDocument {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const [operationId, operation] of Object.entries<Operation>(OPERATIONS)) {
    const methods = (paths[operation.path] ??= {});
    methods[operation.method.toLowerCase()] = documented(operationId, operation, policy);
  }
  // SAFETY: the catalogue's keys are the codes.
  const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];
  const document = createDocument(
    {
      openapi: '3.1.0',
      info: INFO,
      servers: [{ url: '/' }],
      security: SECURITY,
      tags: TAGS,
      paths,
      components: {
        schemas: NAMED,
        responses: Object.fromEntries(codes.map(code => [code, documentedProblem([code])])),
        securitySchemes: SECURITY_SCHEMES,
      },
    },
    { override: adjust },
  );
  // SAFETY: it consists of what is given above; `OpenApiDocument` says no more than that.
  return document as unknown as OpenApiDocument;
}

function documented(
  operationId: string,
  operation: Operation,
  policy: TimeoutPolicy,
): ZodOpenApiOperationObject {
  const { tag, summary, isOpen } = operation;
  const description = describedAccess(operation);
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(isOpen === true ? { security: [] } : {}),
    ...(operation.scope === undefined ? {} : { 'x-scope': operation.scope }),
    requestParams: parametersOf(operation),
    ...requestBodyOf(operation, policy),
    responses: responsesOf(operation),
  };
}

/* OpenAPI gives scopes to OAuth only, so they are said in words, and for programs in a member of our own. */
function describedAccess({ description, isOpen, scope }: Operation): string | undefined {
  if (scope === undefined) return description;
  const needed = isOpen === true ? `A key needs the scope \`${scope}\`.` : `Needs the scope \`${scope}\`.`;
  return description === undefined ? needed : `${description} ${needed}`;
}

function requestBodyOf(
  { body, bodyExample, streamedBody }: Operation,
  policy: TimeoutPolicy,
): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  if (streamedBody !== undefined) {
    const content: Record<string, { schema: z.ZodType }> = {};
    for (const [type, schema] of Object.entries(streamedBody)) content[type] = { schema };
    return { requestBody: { required: true, content } };
  }
  if (body === undefined) return {};
  const example = bodyExample === undefined ? {} : { example: bodyExample };
  return { requestBody: { required: false, content: { [JSON_TYPE]: { schema: body(policy), ...example } } } };
}

function parametersOf({ path, query, headers }: Operation): ZodOpenApiParameters {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [
    name,
    name === 'id' ? z.string().regex(SESSION_ID_PATTERN) : z.string(),
  ]);
  return {
    path: z.object(Object.fromEntries(inPath)),
    ...(headers === undefined ? {} : { header: headers }),
    ...(query === undefined ? {} : { query }),
  };
}

function responsesOf(operation: Operation): ZodOpenApiResponsesObject {
  const problems = [...byStatus([...operation.errors, ...commonErrors(operation)])];
  const responses: Record<string, ZodOpenApiResponseObject> = {};
  for (const [status, answer] of Object.entries(operation.answers))
    responses[status] = documentedAnswer(answer);
  return {
    ...responses,
    ...Object.fromEntries(problems.map(([status, codes]) => [status, problemOr(codes, responses[status])])),
  };
}

/* Two shapes of one status are distinguished by their media types. */
function problemOr(
  codes: readonly ErrorCode[],
  other: ZodOpenApiResponseObject | undefined,
): ZodOpenApiResponseObject | { $ref: string } {
  if (other === undefined && codes.length === 1) return { $ref: `#/components/responses/${codes.join()}` };
  const problem = documentedProblem(codes);
  return other === undefined ? problem : { ...other, content: { ...other.content, ...problem.content } };
}

function documentedAnswer({
  description,
  schema,
  mediaType = JSON_TYPE,
  isPage,
  isTable,
  headers,
}: AnswerSpec): ZodOpenApiResponseObject {
  const others = {
    ...(isPage === true ? { 'text/html': { schema: z.string() } } : {}),
    ...(isTable === true ? { 'text/csv': { schema: z.string() } } : {}),
  };
  return {
    description,
    ...(headers === undefined ? {} : { headers: documentedHeaders(headers) }),
    ...(schema === undefined ? {} : { content: { [mediaType]: { schema }, ...others } }),
  };
}

function documentedHeaders(
  headers: Readonly<Record<string, string>>,
): NonNullable<ZodOpenApiResponseObject['headers']> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }]),
  );
}

function documentedProblem(codes: readonly ErrorCode[]): ZodOpenApiResponseObject {
  return {
    description: codes.map(code => `\`${code}\`: ${ERROR_CATALOGUE[code].title}.`).join(' '),
    ...(codes.includes('quota_exceeded') ? { headers: documentedHeaders(QUOTA_HEADERS) } : {}),
    content: {
      [PROBLEM_TYPE]: {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Problem' }],
          properties: { code: { enum: [...codes] } },
        },
      },
    },
  };
}

function byStatus(codes: readonly ErrorCode[]): Map<number, ErrorCode[]> {
  const grouped = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = ERROR_CATALOGUE[code];
    grouped.set(status, [...(grouped.get(status) ?? []), code]);
  }
  return grouped;
}

/* Adds examples; removes details that readers of the document do not need or should not rely on. */
function adjust({ zodSchema, jsonSchema: made }: ZodOpenApiOverrideContext): void {
  const example = EXAMPLES.get(zodSchema);
  if (example !== undefined) made.examples = [example];
  const { def } = zodSchema._zod;
  const isStrict = def.type === 'object' && def.catchall?._zod.def.type === 'never';
  const { additionalProperties: additional } = made;
  // Later versions may add members to answers: clients should not refuse unknown ones.
  if (additional === false && !isStrict) delete made.additionalProperties;
  if (typeof additional === 'object' && Object.keys(additional).length === 0)
    delete made.additionalProperties;
  if (made.minimum === Number.MIN_SAFE_INTEGER) delete made.minimum;
  if (made.maximum === Number.MAX_SAFE_INTEGER) delete made.maximum;
}
