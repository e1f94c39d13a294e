import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { drawArchitecture } from '../../docs/diagram.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGES = [
  'README.md',
  'examples/own-stream/README.md',
  ...readdirSync(`${ROOT}/docs`).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

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
