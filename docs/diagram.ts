import { readFileSync } from 'node:fs';
import { instance } from '@viz-js/viz';

/**
 * The colors of dark mode. Those of light mode are attributes in architecture.dot, and CSS wins over attributes. The
 * picture brings its own background, because the page that shows it may be in the other mode.
 */
const DARK_MODE = `<style>
@media (prefers-color-scheme: dark) {
  .graph > polygon { fill: #0d1117; }
  text { fill: #e6edf3; }
  .node path { fill: #161b22; stroke: #8b949e; }
  .node.outside path { fill: #21262d; }
  .node.executor path { fill: #0f2417; stroke: #3fb950; }
  .cluster.redis path { fill: #2a1424; stroke: #db61a2; }
  .cluster.poller path { fill: #0c1f38; stroke: #58a6ff; }
  .cluster.mysql path { fill: #2b2008; stroke: #d29922; }
  .edge path { stroke: #8b949e; }
  .edge polygon { fill: #8b949e; stroke: #8b949e; }
}
</style>
`;

/** Draws architecture.dot as an SVG document that follows the color scheme of its reader. */
export async function drawArchitecture(): Promise<string> {
  const viz = await instance();
  const source = readFileSync(`${import.meta.dirname}/architecture.dot`, 'utf8');
  const svg = viz.renderString(source, { format: 'svg' });
  return svg.replace(/(?<=<svg[^>]*>\n)/, DARK_MODE);
}
