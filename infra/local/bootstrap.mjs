/**
 * Runs a TypeScript file of this project on a machine that has nothing but Node 20 or later and npm:
 *
 *     node infra/local/bootstrap.mjs FILE.ts ARGUMENTS…
 *
 * Installs the locked npm packages where they are missing or outdated, then runs the file under the Node 24 that is
 * one of them. Standard streams are the child's own, SIGINT, SIGTERM and SIGHUP are passed on, and the exit code is
 * the child's (128 + signal number when a signal ended it). Plain JavaScript, because it runs before there is
 * anything that could strip types.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const projectRoot = fileURLToPath(new URL('../..', import.meta.url));
const nodeBinary = `${projectRoot}node_modules/node/bin/node`;

/**
 * Keep the process at 200 MB under load: by default V8 takes what a large machine offers, some 100 MB for what is young,
 * and several times what lives before it looks at what is old. Tighter bounds cost a tenth of the speed.
 */
const MEMORY_FLAGS = ['--max-semi-space-size=16', '--heap-growing-percent=100'];

/** Where Node keeps what it made of each source file: the next start is faster and takes 15 MB less. */
const COMPILE_CACHE = process.env.NODE_COMPILE_CACHE ?? `${projectRoot}node_modules/.cache/node`;

function main() {
  const [file, ...fileArguments] = process.argv.slice(2);
  if (file === undefined) fail('Usage: node infra/local/bootstrap.mjs FILE.ts [ARGUMENTS…]');
  if (!isInstalled()) install();
  run([file, ...fileArguments]);
}

/**
 * Whether each package of the lock file stands in node_modules with its version. Asked by content, not by time of
 * change: a fresh checkout or a touched lock file must not reinstall under programs that are running.
 */
function isInstalled() {
  if (!existsSync(nodeBinary)) return false;
  try {
    const wanted = readPackages(`${projectRoot}package-lock.json`);
    const installed = readPackages(`${projectRoot}node_modules/.package-lock.json`);
    return Object.entries(wanted).every(([path, { version, optional }]) => {
      const isRoot = path === '';
      const isForOtherPlatform = optional === true && installed[path] === undefined;
      return isRoot || isForOtherPlatform || installed[path]?.version === version;
    });
  } catch {
    return false;
  }
}

function readPackages(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

function install() {
  console.error('Installing npm packages, which takes about half a minute…');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  if (npm.error) fail(`npm could not be started: ${npm.error.message}. Install npm 10 or later.`);
  if (npm.status !== 0) fail(`${npm.stdout}${npm.stderr}\n\`npm ci\` failed in ${projectRoot}.`);
  if (!existsSync(nodeBinary)) {
    fail(
      `npm installed no Node 24 at ${nodeBinary}: are install scripts switched off? Try \`npm ci --ignore-scripts=false\`.`,
    );
  }
}

function run(nodeArguments) {
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE };
  const child = spawn(nodeBinary, [...MEMORY_FLAGS, ...nodeArguments], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) forwardOnce(child, signal);
  child.on('error', (error) => fail(`${nodeBinary} could not be started: ${error.message}.`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/**
 * Passes a signal on once, however often it comes: npm repeats the terminal's Ctrl-C to this process. The terminal
 * sends it to the child too, so programs started here take a repeated signal as the same wish.
 */
function forwardOnce(child, signal) {
  let isForwarded = false;
  process.on(signal, () => {
    if (!isForwarded) child.kill(signal);
    isForwarded = true;
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

main();
