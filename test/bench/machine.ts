import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** Describes processor, memory and versions. Figures mean little without them. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model.trim() ?? 'processor'}, ${gigabytes} GB, ${osName()}, Node ${process.versions.node}`;
}

function osName(): string {
  try {
    const [, name] = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];
    return name ?? process.platform;
  } catch {
    return process.platform;
  }
}
