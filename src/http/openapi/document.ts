import { z } from 'zod';
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
import { commonErrors, type AnswerSpec, type Operation, type Parameter } from './operation';
import type {
  AnswerReference,
  DocumentedAnswer,
  DocumentedOperation,
  DocumentedParameter,
  JsonSchema,
  OpenApiDocument,
} from './open-api';
import { OPERATIONS } from './operations';

const JSON_TYPE = 'application/json';

/* Schemas that have a name in the document; other places refer to them. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  Session: sessionAnswer,
  CreatedSession: createdSessionAnswer,
  LiveSession: liveSessionAnswer,
  EndedSession: endedSessionAnswer,
  SessionList: sessionListAnswer,
  LiveDetails: liveDetailsAnswer,
  SessionEvent: sessionEventAnswer,
  ReleaseAllResult: releaseAllAnswer,
  Transition: transitionAnswer,
  Problem: problemAnswer,
};

const INFO = {
  title: 'Holdfast',
  version: '1',
  description:
    'Browser sessions that hold. Times are ISO 8601 in UTC, durations are milliseconds. Every ' +
    'answer has an `X-Request-Id`. Every error is a `Problem` with a stable `code`, also if the ' +
    'request could not be read (400, 408, 431).',
};

const TAGS = [
  { name: 'Sessions', description: 'One session is one browser.' },
  { name: 'Events', description: 'What happened to sessions, why, by whom and when.' },
  { name: 'Jobs', description: 'Jobs that other services have sent through the queue.' },
  { name: 'Service', description: 'Workers, capacity, usage and health of the service.' },
];

/** An installation without keys is open, on loopback only: hence the empty alternative. */
const SECURITY = [{}, { bearer: [] }, { apiKey: [] }, { steelApiKey: [] }];

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer' },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
  steelApiKey: { type: 'apiKey', in: 'header', name: 'steel-api-key' },
};

/** The OpenAPI document of an installation with these limits. */
export function openApiDocument(policy: TimeoutPolicy): OpenApiDocument {
  const paths: Record<string, Record<string, DocumentedOperation>> = {};
  for (const [operationId, operation] of Object.entries<Operation>(OPERATIONS)) {
    const methods = (paths[operation.path] ??= {});
    methods[operation.method.toLowerCase()] = documented(operationId, operation, policy);
  }
  const schemas = Object.fromEntries(
    Object.entries(NAMED).map(([name, schema]) => [
      name,
      { ...jsonSchema(schema, 'output', name), examples: [ANSWER_EXAMPLES[name]] },
    ]),
  );
  // SAFETY: the catalogue's keys are the codes.
  const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];
  return {
    openapi: '3.1.0',
    info: INFO,
    servers: [{ url: '/' }],
    security: SECURITY,
    tags: TAGS,
    paths,
    components: {
      schemas,
      responses: Object.fromEntries(codes.map(code => [code, documentedProblem([code])])),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function documented(operationId: string, operation: Operation, policy: TimeoutPolicy): DocumentedOperation {
  const { tag, summary, description, isOpen, body, bodyExample } = operation;
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(isOpen === true ? { security: [] } : {}),
    parameters: parametersOf(operation),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: false,
            content: {
              [JSON_TYPE]: {
                schema: jsonSchema(body(policy), 'input'),
                ...(bodyExample === undefined ? {} : { example: bodyExample }),
              },
            },
          },
        }),
    responses: responsesOf(operation),
  };
}

function parametersOf({ path, parameters = [] }: Operation): DocumentedParameter[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    in: 'path' as const,
    name,
    required: true,
    schema: { type: 'string', ...(name === 'id' ? { pattern: SESSION_ID_PATTERN.source } : {}) },
  }));
  return [...inPath, ...parameters.map(documentedParameter)];
}

function documentedParameter({ in: where, name, schema, description }: Parameter): DocumentedParameter {
  const made = jsonSchema(schema, 'input');
  const text = description ?? made['description'];
  return {
    in: where,
    name,
    required: !schema.safeParse(undefined).success,
    ...(typeof text === 'string' ? { description: text } : {}),
    schema: asText(without(made, 'description')),
  };
}

/* There is no null in a URL: such a parameter is left out. */
function asText(schema: JsonSchema): JsonSchema {
  const choices: unknown = schema['anyOf'];
  if (schema['default'] !== null || !Array.isArray(choices)) return schema;
  // SAFETY: the choices in a schema are schemas.
  return (choices as readonly JsonSchema[]).find(({ type }) => type !== 'null') ?? schema;
}

function responsesOf(operation: Operation): DocumentedOperation['responses'] {
  const problems = [...byStatus([...operation.errors, ...commonErrors(operation)])];
  const responses: Record<string, DocumentedAnswer> = {};
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
  other: DocumentedAnswer | undefined,
): DocumentedAnswer | AnswerReference {
  if (other === undefined && codes.length === 1) return { $ref: `#/components/responses/${codes.join()}` };
  const problem = documentedProblem(codes);
  return other === undefined ? problem : { ...other, content: { ...other.content, ...problem.content } };
}

function documentedAnswer({
  description,
  schema,
  mediaType = JSON_TYPE,
  isPage,
  headers,
}: AnswerSpec): DocumentedAnswer {
  const page = isPage === true ? { 'text/html': { schema: { type: 'string' } } } : {};
  return {
    description,
    ...(headers === undefined
      ? {}
      : {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, text]) => [
              name,
              { description: text, schema: { type: 'string' } },
            ]),
          ),
        }),
    ...(schema === undefined
      ? {}
      : { content: { [mediaType]: { schema: jsonSchema(schema, 'output') }, ...page } }),
  };
}

function documentedProblem(codes: readonly ErrorCode[]): DocumentedAnswer {
  return {
    description: codes.map(code => `\`${code}\`: ${ERROR_CATALOGUE[code].title}.`).join(' '),
    content: {
      [PROBLEM_TYPE]: {
        schema: { allOf: [{ $ref: refTo('Problem') }], properties: { code: { enum: codes } } },
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

const refTo = (name: string): string => `#/components/schemas/${name}`;

/* Without `definedAs` a schema with a name becomes a reference to it. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', definedAs?: string): JsonSchema {
  const name = nameOf(schema);
  if (name !== undefined && definedAs === undefined) return { $ref: refTo(name) };
  const registry = z.registry<{ id: string }>();
  const own = definedAs ?? 'It';
  for (const [other, named] of Object.entries(NAMED))
    if (named !== schema) registry.add(named, { id: other });
  registry.add(schema, { id: own });
  const { schemas } = z.toJSONSchema(registry, { uri: refTo, io, override: relax });
  return without(schemas[own] ?? {}, '$schema', '$id', 'id');
}

/* A schema without some of its members. */
function without(schema: JsonSchema, ...names: readonly string[]): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !names.includes(name)));
}

/* Removes details that zod adds and that readers of the document do not need or should not rely on. */
function relax({
  zodSchema,
  jsonSchema: made,
}: {
  zodSchema: z.core.$ZodTypes;
  jsonSchema: z.core.JSONSchema.BaseSchema;
}): void {
  const { def } = zodSchema._zod;
  const isStrict = def.type === 'object' && def.catchall?._zod.def.type === 'never';
  const { additionalProperties: additional } = made;
  // Later versions may add members to answers: clients should not refuse unknown ones.
  if (additional === false && !isStrict) delete made.additionalProperties;
  if (typeof additional === 'object' && Object.keys(additional).length === 0)
    delete made.additionalProperties;
  if (zodSchema instanceof z.ZodDiscriminatedUnion) addDiscriminator(zodSchema.def, made);
  if (made.minimum === Number.MIN_SAFE_INTEGER) delete made.minimum;
  if (made.maximum === Number.MAX_SAFE_INTEGER) delete made.maximum;
}

/* Adds the discriminator of named schemas, for client generators that do not derive it themselves. */
function addDiscriminator(
  { discriminator: propertyName, options }: z.core.$ZodDiscriminatedUnionDef,
  made: z.core.JSONSchema.BaseSchema,
): void {
  const mapping = options.flatMap(option => {
    const name = nameOf(option);
    const values = [...(option._zod.propValues?.[propertyName] ?? [])];
    return name === undefined ? [] : values.map(value => [String(value), refTo(name)] as const);
  });
  if (mapping.length > 0) made['discriminator'] = { propertyName, mapping: Object.fromEntries(mapping) };
}

/* The name of a schema in the document. */
const nameOf = (schema: unknown): string | undefined =>
  Object.entries(NAMED).find(([, named]) => named === schema)?.[0];
