import { htmlOf, prose, text } from '../pages/html';
import { answerIn, type DocumentedAnswer, type JsonSchema, type OpenApiDocument } from './open-api';
import { PAGE_SCRIPT, PAGE_STYLE } from './page-parts';
import { requestExample, type Caller, type Placed } from './request-example';

/** The document as a page: a menu that can be searched, and a section for each operation and schema. */
export function documentPage(document: OpenApiDocument, caller: Caller): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const groups = document.tags.map(tag => ({
    ...tag,
    operations: operations.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  const title = document.info['title'] ?? '';
  return htmlOf({
    title: `${title} API`,
    style: PAGE_STYLE,
    script: PAGE_SCRIPT,
    body: `<header>
<h1>${text(title)} API</h1>
<p>${prose(document.info['description'] ?? '')}</p>
<p>The same for programs: <a href="openapi.json">openapi.json</a> (OpenAPI ${text(document.openapi)}).${
      caller.needsKey
        ? ' Calls need an API key, as <code>Authorization: Bearer</code> or <code>x-api-key</code>.'
        : ''
    }</p>
</header>
<div class="columns">
<nav aria-label="Contents"><details id="menu" open><summary>Contents</summary>
<input id="search" type="search" placeholder="Search (press /)" aria-label="Search the API" hidden>
${groups.map(({ name, operations: own }) => menuGroup(name, own.map(menuItem))).join('\n')}
${menuGroup('Schemas', Object.keys(document.components.schemas).map(schemaItem))}
</details></nav>
<main>
<p id="none" hidden>No entry contains all of these words.</p>
${groups
  .map(
    group => `<div data-group>
<h2>${text(group.name)}</h2>
<p>${prose(group.description)}</p>
${group.operations.map(placed => operationSection(document, placed, caller)).join('\n')}
</div>`,
  )
  .join('\n')}
<div data-group>
<h2>Schemas</h2>
${Object.entries(document.components.schemas).map(schemaSection).join('\n')}
</div>
</main>
</div>`,
  });
}

const menuGroup = (name: string, items: readonly string[]): string =>
  `<div data-group><h2>${text(name)}</h2><ul>${items.map(item => `<li>${item}</li>`).join('\n')}</ul></div>`;

const menuItem = ({ method, operation }: Placed): string =>
  `<a href="#${operation.operationId}"><span class="method">${method}</span><span>${prose(operation.summary)}</span></a>`;

const schemaItem = (name: string): string => `<a href="#schema-${name}">${text(name)}</a>`;

function operationSection(document: OpenApiDocument, placed: Placed, caller: Caller): string {
  const { path, method, operation } = placed;
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const rows = parameters.map(({ name, in: where, required, description: about, schema }) => [
    `<code>${text(name)}</code>`,
    required === true ? `${where}, required` : where,
    `${prose(about ?? '')} ${shape(schema)}`,
  ]);
  const bodies = Object.values(requestBody?.content ?? {}).map(
    ({ schema }) => `<h4>Body</h4>${members(schema)}`,
  );
  return `<section class="operation" id="${operationId}">
<h3><span class="method">${method}</span><code>${text(path)}</code></h3>
<p>${prose(summary)}${operation.security === undefined ? '' : ' (no key needed)'}.</p>
${description === undefined ? '' : `<p>${prose(description)}</p>`}
<pre><code>${text(requestExample(document, placed, caller))}</code></pre>
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

function schemaSection([name, schema]: [string, JsonSchema]): string {
  const examples = schema['examples'];
  const shown = Array.isArray(examples)
    ? `<h4>Example</h4>${examples.map(each => `<pre><code>${text(JSON.stringify(each, null, 2))}</code></pre>`).join('')}`
    : '';
  return `<section class="operation" id="schema-${name}"><h3>${text(name)}</h3>${members(schema)}${shown}</section>`;
}

/* The members of an object as a table; any other schema as its shape. */
function members(schema: JsonSchema): string {
  const properties = schema['properties'];
  if (typeof properties !== 'object' || properties === null) return `<p>${shape(schema)}</p>`;
  const rows = Object.entries(properties).map(([name, member]) => {
    // SAFETY: the members of `properties` are schemas.
    const inner = member as JsonSchema;
    const about = typeof inner['description'] === 'string' ? inner['description'] : '';
    return [`<code>${text(name)}</code>`, shape(inner), prose(about)];
  });
  return table(['Member', 'is', ''], rows);
}

/* A schema in a few words; a reference as a link to the table of what it names. */
function shape(schema: JsonSchema): string {
  const name = typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').at(-1) : undefined;
  if (name !== undefined) return `<a href="#schema-${name}">${text(name)}</a>`;
  // SAFETY: the members of a schema that are schemas themselves, by JSON Schema.
  const choices = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined;
  // SAFETY: the same.
  const items = schema['items'] as JsonSchema | undefined;
  const words = [
    choices?.map(shape).join(' or ') ?? typeWords(schema),
    items === undefined ? '' : `of ${shape(items)}`,
    ...FACETS.map(([key, about]) => facet(schema[key], about)),
  ];
  return words.filter(word => word !== '').join(' ');
}

/* The constraints of a value, in the order in which they are shown. */
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

function facet(value: unknown, about: string): string {
  if (value === undefined) return '';
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  return `${about} <code>${text(shown)}</code>`.trim();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map(cell => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${cells('th', head)}</thead><tbody>${rows.map(row => cells('td', row)).join('\n')}</tbody></table>`;
}
