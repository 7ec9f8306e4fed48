import { EXAMPLE_IDS } from './answer-examples';
import { answerIn, type DocumentedOperation, type OpenApiDocument } from './open-api';

/** An operation with its path and method. */
export interface Placed {
  readonly path: string;
  /** Upper case. */
  readonly method: string;
  readonly operation: DocumentedOperation;
}

/** The client that examples are for. */
export interface Caller {
  /** The base URL of the service for this client. */
  readonly baseUrl: string;
  readonly needsKey: boolean;
}

/**
 * Example values of path parameters, by a pattern of the path: the parameter's name alone does not say which kind of id
 * it is.
 */
const PATH_VALUES: readonly (readonly [pattern: RegExp, value: string])[] = [
  [/^\/v1\/contexts\/\{id\}/, EXAMPLE_IDS.context],
  [/^\/v1\/workers\/\{id\}/, EXAMPLE_IDS.worker],
  [/\{id\}/, EXAMPLE_IDS.session],
];

/** A longer call has one line for each of its arguments. */
const LINE_MAX = 90;

/** A call of the operation as a line for a shell; of a WebSocket as a line of JavaScript. */
export function requestExample(document: OpenApiDocument, placed: Placed, caller: Caller): string {
  const { method, path, operation } = placed;
  const id = PATH_VALUES.find(([pattern]) => pattern.test(path))?.[1] ?? '';
  const query = operation.parameters.some(({ in: where, required }) => where === 'query' && required === true)
    ? '?token=…'
    : '';
  const url =
    caller.baseUrl +
    path.replace('{id}', id).replace('{name}', 'report.pdf').replace('{version}', '2') +
    query;
  if (operation.responses['101'] !== undefined) {
    const endpoint = url.replace(/^http/, 'ws');
    return `const browser = await puppeteer.connect({ browserWSEndpoint: '${endpoint}' }); // session.websocketUrl`;
  }
  const [first, ...rest] = [...flagsOf(document, placed, caller, method), quoted(url)];
  const words = [`curl ${first ?? ''}`, ...rest];
  const line = words.join(' ');
  return line.length <= LINE_MAX ? line : words.join(' \\\n  ');
}

function flagsOf(
  document: OpenApiDocument,
  { operation }: Placed,
  { needsKey }: Caller,
  method: string,
): string[] {
  const flags: string[] = [];
  const types = Object.entries(operation.responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, answer]) => Object.keys(answerIn(document, answer).content ?? {}));
  if (types.includes('text/event-stream')) flags.push('-N');
  if (types.includes('image/png')) flags.push('-o page.png');
  if (types.includes('application/octet-stream')) flags.push('-OJ');
  if (method !== 'GET') flags.push(`-X ${method}`);
  if (needsKey && operation.security === undefined)
    flags.push('-H "Authorization: Bearer $HOLDFAST_API_KEY"');
  const body = operation.requestBody?.content['application/json']?.example;
  if (body !== undefined)
    flags.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return flags;
}

/* Quoted as one shell word without expansions. */
const quoted = (word: string): string =>
  /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
