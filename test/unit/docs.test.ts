import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { drawArchitecture } from '../../docs/diagram.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGES = [
  'README.md',
  'examples/own-stream/README.md',
  'test/chaos/README.md',
  ...readdirSync(`${ROOT}/docs`).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

const SOURCES = readdirSync(`${ROOT}/functions`, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(`${ROOT}/functions/${name}`, 'utf8'));

const read = (page: string) => readFileSync(`${ROOT}/${page}`, 'utf8');

test('architecture.svg is what architecture.dot draws: `npm run docs:diagram`', async () => {
  expect(read('docs/architecture.svg')).toBe(await drawArchitecture());
});

describe.each(PAGES)('in %s', (page) => {
  test('every link leads to a file and a heading that exist', () => {
    const dead = linksOf(read(page)).filter((link) => !isAlive(page, link));
    expect(dead).toEqual([]);
  });
});

test('the code has everything that is said to keep an invariant', () => {
  const keepers = [...read('docs/correctness.md').matchAll(/_Kept by_ (.+?)\.\s/g)].map(
    ([, names]) => names ?? '',
  );
  const names = keepers.flatMap((list) => [...list.matchAll(/\w+(?=`)/g)].map(([name]) => name));
  expect(keepers).toHaveLength(12);
  expect(names.filter((name) => !isDefined(name))).toEqual([]);
});

function isDefined(name: string): boolean {
  return SOURCES.some((source) =>
    new RegExp(`(class|function) ${name}\\b|^ {2}${name}\\(`, 'm').test(source),
  );
}

/** Targets of Markdown links and images, apart from those on other hosts. */
function linksOf(text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '');
  return links.filter((target) => !target.startsWith('https:'));
}

function isAlive(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#');
  const file = path === '' ? resolve(ROOT, page) : resolve(ROOT, dirname(page), path);
  if (!existsSync(file)) return false;
  return heading === undefined || anchorsOf(readFileSync(file, 'utf8')).includes(heading);
}

/** The anchors of a page's headings, as GitHub derives them. */
function anchorsOf(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading ?? '');
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
