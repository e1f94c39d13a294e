import { readFileSync } from 'node:fs';
import { readRecording } from '../../infra/local/recording/recording.ts';
import { decodeLazyEvent, type LazyEvent } from '../../shared/wire/lazy-event.ts';
import { decodeLogValue, type LogValue } from '../../shared/wire/log-value.ts';

const fixtures = new URL('../fixtures/', import.meta.url).pathname;

/** The bodies (field `s`) of a recording's entries in one stream, by entry ID. */
export function recordedBodies(recording: string, stream: string): Map<string, Buffer> {
  const bodies = new Map<string, Buffer>();
  for (const entry of readRecording(`${fixtures}${recording}`).entries) {
    const body = entry.fields['s'];
    if (entry.stream === stream && body !== undefined) bodies.set(entry.id, Buffer.from(body, 'base64'));
  }
  return bodies;
}

/** The lazy events of a recording that can be decoded. */
export function recordedLazyEvents(recording: string): LazyEvent[] {
  return [...recordedBodies(recording, 'orm-lazy-channel').values()].flatMap((body) => {
    const result = decodeLazyEvent(body);
    return result.ok ? [result.event] : [];
  });
}

/** The log values of both channels. */
export function recordedLogValues(recording: string): LogValue[] {
  const own = [...recordedBodies(recording, 'orm-log-channel').values()].flatMap((body) => {
    const result = decodeLogValue(body);
    return result.ok ? [result.log] : [];
  });
  return [...own, ...recordedLazyEvents(recording).flatMap(({ logs }) => logs)];
}

export function fixtureText(path: string): string {
  return readFileSync(`${fixtures}${path}`, 'utf8');
}
