import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { WorkloadResult } from './measure.ts';

const WIDTH = 820;
const BAR_HEIGHT = 22;
const LABEL_WIDTH = 170;

/** Draws an SVG bar chart of the rates and their ranges, grouped by workload. */
export function drawRates(results: readonly WorkloadResult[], caption: string): string {
  const bars = results.flatMap(({ workload, measurements }) =>
    measurements
      .filter(({ metric }) => metric === 'rate')
      .map(({ candidate, summary }) => ({ workload, candidate, ...summary })),
  );
  const label = ({ median }: { median: number }) => Math.round(median).toLocaleString('en-US');
  const y = { x: 'median', y: 'candidate', fy: 'workload' } as const;
  const range = { x1: 'min', x2: 'max', y: 'candidate', fy: 'workload' } as const;
  const svg = Plot.plot({
    document: parseHTML('<html><body></body></html>').document,
    width: WIDTH,
    height: 90 + bars.length * BAR_HEIGHT + results.length * 2 * BAR_HEIGHT,
    marginLeft: LABEL_WIDTH,
    marginRight: 110,
    style: { background: 'white', color: 'black', fontSize: '12px' },
    x: { label: caption, grid: true, tickFormat: 's' },
    y: { label: null },
    fy: { label: null },
    marks: [
      Plot.axisFy({ anchor: 'right', label: null }),
      Plot.barX(bars, { ...y, fill: ({ candidate }) => colorOf(candidate), sort: null }),
      Plot.ruleY(bars, { ...range, stroke: 'black' }),
      Plot.text(bars, { ...y, text: label, textAnchor: 'start', dx: 6 }),
      Plot.ruleX([0]),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

const PEERS: ReadonlySet<string> = new Set(['limit program', 'BullMQ', 'rsyslog']);

function colorOf(candidate: string): string {
  return PEERS.has(candidate) ? '#9aa5b1' : '#2b6cb0';
}
