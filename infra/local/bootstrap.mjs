/**
 * Runs a TypeScript file of this project on a machine that has only npm and Node 20 or later:
 *
 *     node infra/local/bootstrap.mjs FILE.ts ARGUMENTS…
 *
 * Installs the locked npm packages if any is missing or outdated, then runs the file with Node 24, which is one of these
 * packages. The child process inherits the standard streams, receives SIGINT, SIGTERM and SIGHUP, and determines the exit
 * code (128 + signal number if a signal ended it). This file is plain JavaScript, because it runs before a Node version
 * that strips types is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const projectRoot = fileURLToPath(new URL('../..', import.meta.url));
const nodeBinary = `${projectRoot}node_modules/node/bin/node`;

/**
 * Keep the process at 200 MB under load. By default V8 adapts to the memory of a large machine: it uses about 100 MB for
 * young objects, and lets the heap grow to several times its live size before it collects old objects. Tighter limits
 * cost a tenth of the speed.
 */
const MEMORY_FLAGS = ['--max-semi-space-size=16', '--heap-growing-percent=100'];

/** Node caches compiled source files here, which makes the next start faster and saves 15 MB. */
const COMPILE_CACHE = process.env.NODE_COMPILE_CACHE ?? `${projectRoot}node_modules/.cache/node`;

function main() {
  const [file, ...fileArguments] = process.argv.slice(2);
  if (file === undefined) fail('Usage: node infra/local/bootstrap.mjs FILE.ts [ARGUMENTS…]');
  if (!isInstalled()) install();
  run([file, ...fileArguments]);
}

/**
 * True if node_modules contains each package of the lock file in its locked version. Compares contents instead of
 * modification times, because a fresh checkout or a touched lock file must not trigger a reinstall under running programs.
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
  if (npm.status !== 0)
    fail(`${npm.stdout}${npm.stderr}\n\`npm ci\` failed in ${projectRoot}. Fix the error, then try again.`);
  if (!existsSync(nodeBinary)) {
    fail(
      `npm did not install Node 24 at ${nodeBinary}, possibly because install scripts are disabled. Run \`npm ci --ignore-scripts=false\`.`,
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
 * Forwards a signal only once, because npm repeats the terminal's Ctrl-C to this process. The terminal also sends it to
 * the child directly, so programs that are started here treat a quickly repeated signal as one.
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
