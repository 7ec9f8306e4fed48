import {
  answerIn,
  type DocumentedAnswer,
  type DocumentedOperation,
  type JsonSchema,
  type OpenApiDocument,
} from './open-api';

/** The page's one style sheet; its hash stands in the policy of `/docs`. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8886; }
nav ul { list-style: none; padding: 0; columns: 20rem; }
nav li { break-inside: avoid; padding: 0.1rem 0; }
a { color: inherit; }
section.operation { margin: 1.5rem 0 2.5rem; }
h3 { font-size: 1.05rem; margin-bottom: 0.25rem; }
code, pre { font: 0.9em ui-monospace, monospace; }
.method { display: inline-block; min-width: 4.2em; font-weight: 700; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid #8884; }
th { font-weight: 600; }
td:first-child { white-space: nowrap; }
pre { overflow-x: auto; background: #8882; padding: 0.75rem; border-radius: 6px; }
summary { cursor: pointer; }
`;

/** The document as HTML. Needs no script and nothing else from anywhere. */
export function documentPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const byTag = document.tags.map(({ name, description }) => ({
    name,
    description,
    operations: operations.filter(({ operation }) => operation.tags.includes(name)),
  }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(document.info['title'] ?? '')} API</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>${text(document.info['title'] ?? '')} API</h1>
<p>${prose(document.info['description'] ?? '')}</p>
<p>The same for programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI ${text(document.openapi)}).</p>
<nav aria-label="Operations"><ul>
${operations.map(({ path, method, operation }) => `<li><a href="#${operation.operationId}"><code><span class="method">${method}</span>${text(path)}</code></a></li>`).join('\n')}
</ul></nav>
${byTag.map(tag => `<h2>${text(tag.name)}</h2>\n<p>${prose(tag.description)}</p>\n${tag.operations.map(placed => operationSection(document, placed)).join('\n')}`).join('\n')}
<h2>Schemas</h2>
${Object.entries(document.components.schemas).map(schemaSection).join('\n')}
</body>
</html>
`;
}

interface Placed {
  readonly path: string;
  readonly method: string;
  readonly operation: DocumentedOperation;
}

function operationSection(document: OpenApiDocument, { path, method, operation }: Placed): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const rows = parameters.map(({ name, in: where, required, description: said, schema }) => [
    `<code>${text(name)}</code>`,
    required ? `${where}, required` : where,
    `${prose(said ?? '')} ${shape(schema)}`,
  ]);
  const bodies = Object.values(requestBody?.content ?? {}).map(
    ({ schema }) => `<h4>Body</h4>${members(schema)}`,
  );
  return `<section class="operation" id="${operationId}">
<h3><code><span class="method">${method}</span>${text(path)}</code></h3>
<p>${prose(summary)}${operation.security === undefined ? '' : ' (no key needed)'}.</p>
${description === undefined ? '' : `<p>${prose(description)}</p>`}
${rows.length === 0 ? '' : table(['Parameter', 'in', ''], rows)}
${bodies.join('\n')}
${table(
  ['Status', 'Answer'],
  Object.entries(responses).map(([status, answer]) => answerRow(status, answerIn(document, answer))),
)}
</section>`;
}

function answerRow(status: string, { description, content = {} }: DocumentedAnswer): string[] {
  const shapes = Object.entries(content)
    .filter(([type]) => !type.includes('problem'))
    .map(([type, { schema }]) => `<code>${text(type)}</code> ${shape(schema)}`);
  return [`<code>${status}</code>`, [prose(description), ...shapes].join(' ')];
}

const schemaSection = ([name, schema]: [string, JsonSchema]): string =>
  `<section class="operation" id="schema-${name}"><h3>${text(name)}</h3>${members(schema)}</section>`;

/* The members of an object as a table; any other schema as its shape. */
function members(schema: JsonSchema): string {
  const properties = schema['properties'];
  if (typeof properties !== 'object' || properties === null) return `<p>${shape(schema)}</p>`;
  const rows = Object.entries(properties).map(([name, member]) => {
    // SAFETY: the members of `properties` are schemas.
    const inner = member as JsonSchema;
    const said = typeof inner['description'] === 'string' ? inner['description'] : '';
    return [`<code>${text(name)}</code>`, shape(inner), prose(said)];
  });
  return table(['Member', 'is', ''], rows);
}

/* A schema in a few words; a reference as a link to the table of what it names. */
function shape(schema: JsonSchema): string {
  const name = typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').at(-1) : undefined;
  if (name !== undefined) return `<a href="#schema-${name}">${text(name)}</a>`;
  // SAFETY: the members of a schema that are schemas themselves, by JSON Schema.
  const choices = schema['anyOf'] as readonly JsonSchema[] | undefined;
  // SAFETY: the same.
  const items = schema['items'] as JsonSchema | undefined;
  const words = [
    choices?.map(shape).join(' or ') ?? typeWords(schema),
    items === undefined ? '' : `of ${shape(items)}`,
    ...FACETS.map(([key, said]) => facet(schema[key], said)),
  ];
  return words.filter(word => word !== '').join(' ');
}

/* What bounds a value, in the order in which it is told. */
const FACETS = [
  ['const', ''],
  ['format', ''],
  ['minimum', 'from'],
  ['maximum', 'to'],
  ['minLength', 'at least characters:'],
  ['maxLength', 'at most characters:'],
  ['pattern', ''],
  ['default', 'default'],
] as const;

function typeWords({ type, enum: words }: JsonSchema): string {
  if (Array.isArray(words)) return words.map(word => `<code>${text(String(word))}</code>`).join(', ');
  return text(Array.isArray(type) ? type.map(String).join(' or ') : typeof type === 'string' ? type : '');
}

function facet(value: unknown, said: string): string {
  if (value === undefined) return '';
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  return `${said} <code>${text(shown)}</code>`.trim();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map(cell => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${cells('th', head)}</thead><tbody>${rows.map(row => cells('td', row)).join('\n')}</tbody></table>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const text = (raw: string): string => raw.replaceAll(/[&<>"]/g, character => ENTITIES[character] ?? '');

/* Text with `code` in backticks. */
const prose = (raw: string): string => text(raw).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
