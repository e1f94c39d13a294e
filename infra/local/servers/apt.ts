import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { ServerError } from './server-error.ts';

const SERVICE_POLICY_FILE = '/usr/sbin/policy-rc.d';

export function isAptUsable(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/**
 * Installs a Debian package without starting its service, and reports it on stderr.
 * @throws ServerError with the last lines of apt-get's output
 */
export function installWithApt(debianPackage: string): void {
  console.error(`Installing ${debianPackage} with apt-get…`);
  runApt(['update']);
  withoutServiceStart(() => runApt(['install', '--yes', '--no-install-recommends', debianPackage]));
}

/** Debian packages start their services unless this policy forbids it with exit code 101. */
function withoutServiceStart(install: () => void): void {
  const isCreatedHere = !existsSync(SERVICE_POLICY_FILE);
  if (isCreatedHere) writeFileSync(SERVICE_POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (isCreatedHere) rmSync(SERVICE_POLICY_FILE);
  }
}

function runApt(parameters: readonly string[]): void {
  const command = [
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '--quiet',
    '--option=DPkg::Lock::Timeout=300',
  ];
  const apt = spawnSync('env', [...command, ...parameters], { encoding: 'utf8' });
  if (apt.status === 0) return;
  const lastLines = `${apt.stdout}${apt.stderr}`.trim().split('\n').slice(-15).join('\n');
  throw new ServerError('apt-failed', `apt-get ${parameters.join(' ')} failed:\n${lastLines}`, {
    nextStep: 'Fix the error above or start Docker, then try again.',
  });
}
